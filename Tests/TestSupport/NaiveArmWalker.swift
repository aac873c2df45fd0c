/// A second opinion on AArch64's tables: walks one address at a time, after the pseudocode `AArch64.S1Walk` and the
/// tables of the Arm ARM's sections D8.2 to D8.4, slowly and plainly. It shares nothing with the engine but the memory.
package struct NaiveArmWalker {
  package struct Page: Hashable {
    package var virtual: UInt64
    package var physical: UInt64
    package var size: UInt64
    /// `rwx/r-x`: what EL1 may, and what EL0 may.
    package var rights: String
    package var descriptor: UInt64

    package init(virtual: UInt64, physical: UInt64, size: UInt64, rights: String, descriptor: UInt64) {
      self.virtual = virtual
      self.physical = physical
      self.size = size
      self.rights = rights
      self.descriptor = descriptor
    }
  }

  package struct Walk: Equatable {
    /// Physical address and value of every descriptor read, root first.
    package var entries: [NaiveWalker.Entry] = []
    package var page: Page?
    /// `non-canonical`, `absent`, `marked`, `malformed` or `not-in-dump`; nil when a page was found.
    package var fault: String?
    /// All addresses of the aligned block of so many bytes end at the same descriptor.
    package var blockSize: UInt64 = 4096
  }

  /// One of the two address ranges.
  package struct Range {
    package var root: UInt64
    /// 64 minus `TnSZ`.
    package var addressBits: UInt64
    /// log2 of the granule.
    package var granule: UInt64
    /// FEAT_LPA with 64 KiB, `TCR_EL1.DS` with the others.
    package var isWide: Bool

    package init(root: UInt64, addressBits: UInt64, granule: UInt64, isWide: Bool) {
      self.root = root
      self.addressBits = addressBits
      self.granule = granule
      self.isWide = isWide
    }

    /// From a scheme's name: `aarch64-4k-lpa2-48`.
    package init?(scheme: String, root: UInt64) {
      let words = scheme.split(separator: "-").map(String.init)
      guard words.count >= 2, words[0] == "aarch64",
        let granule = ["4k": UInt64(12), "16k": 14, "64k": 16][words[1]]
      else { return nil }
      isWide = words.contains { $0.hasPrefix("lpa") }
      self.granule = granule
      self.root = root
      addressBits = words.last.flatMap { UInt64($0) } ?? (isWide ? 52 : 48)
    }
  }

  package var lower: Range?
  package var upper: Range?
  package var physicalAddressBits: UInt64 = 52
  /// Eight bytes at a physical address; nil where nothing can be read.
  package var read: (_ address: UInt64) -> UInt64?

  package init(lower: Range?, upper: Range?, read: @escaping (_ address: UInt64) -> UInt64?) {
    self.lower = lower
    self.upper = upper
    self.read = read
  }

  package func walk(_ address: UInt64) -> Walk {
    if let lower, address >> lower.addressBits == 0 { return walk(address, in: lower) }
    if let upper, ~address >> upper.addressBits == 0 { return walk(address, in: upper) }
    return Walk(fault: "non-canonical")
  }

  private func walk(_ address: UInt64, in range: Range) -> Walk {
    var walk = Walk()
    let stride = range.granule - 3
    let levels = (range.addressBits - range.granule + stride - 1) / stride
    var level = 4 - Int(levels)
    var table = range.root
    var below: UInt64 = 1 << range.addressBits
    var limits = Limits()
    while true {
      let low = range.granule + stride * UInt64(3 - level)
      let high = walk.entries.isEmpty ? range.addressBits : low + stride
      let index = (address >> low) & ((1 << (high - low)) - 1)
      guard let descriptor = read(table + index * 8) else {
        walk.fault = "not-in-dump"
        walk.blockSize = below
        return walk
      }
      below = 1 << low
      walk.blockSize = below
      walk.entries.append(NaiveWalker.Entry(address: table + index * 8, value: descriptor))
      if descriptor & 1 == 0 {
        walk.fault = descriptor == 0 ? "absent" : "marked"
        return walk
      }
      let isLeaf = level == 3 || descriptor & 2 == 0
      let isAllowed = level == 3 ? descriptor & 2 != 0 : !isLeaf || hasBlocks(level, range)
      let output = outputAddress(descriptor, from: isLeaf ? low : range.granule, range)
      if !isAllowed || (physicalAddressBits < 52 && output >> physicalAddressBits != 0) {
        walk.fault = "malformed"
        return walk
      }
      if isLeaf {
        walk.page = Page(
          virtual: address & ~(below - 1), physical: output, size: below,
          rights: limits.rights(of: descriptor), descriptor: descriptor)
        return walk
      }
      limits.add(descriptor)
      table = output
      level += 1
    }
  }

  /// The sizes of blocks that D8.2.6 to D8.2.8 list.
  private func hasBlocks(_ level: Int, _ range: Range) -> Bool {
    switch (range.granule, level) {
    case (12, 1), (12, 2), (14, 2), (16, 2): true
    case (12, 0), (14, 1), (16, 1): range.isWide
    default: false
    }
  }

  private func outputAddress(_ descriptor: UInt64, from low: UInt64, _ range: Range) -> UInt64 {
    let lowMask = ~UInt64(0) << low
    guard range.isWide else { return descriptor & 0x0000_ffff_ffff_f000 & lowMask }
    if range.granule == 16 {
      return descriptor & 0x0000_ffff_ffff_0000 & lowMask | (descriptor >> 12 & 0xf) << 48
    }
    return descriptor & 0x0003_ffff_ffff_f000 & lowMask | (descriptor >> 8 & 3) << 50
  }

  /// What the table descriptors on the way forbid (D8.4.2, hierarchical permissions).
  private struct Limits {
    var readOnly = false
    var notFromEL0 = false
    var uxn = false
    var pxn = false

    mutating func add(_ descriptor: UInt64) {
      if descriptor >> 59 & 1 == 1 { pxn = true }
      if descriptor >> 60 & 1 == 1 { uxn = true }
      if descriptor >> 61 & 1 == 1 { notFromEL0 = true }
      if descriptor >> 62 & 1 == 1 { readOnly = true }
    }

    /// D8.4.1: data access by AP[2:1], execution by UXN and PXN, and never at EL1 what EL0 may write.
    func rights(of descriptor: UInt64) -> String {
      let isReadOnly = readOnly || descriptor >> 7 & 1 == 1
      let isForEL0 = !notFromEL0 && descriptor >> 6 & 1 == 1
      let isWrittenByEL0 = isForEL0 && !isReadOnly
      let isExecutedAtEL1 = !(pxn || descriptor >> 53 & 1 == 1) && !isWrittenByEL0
      let isExecutedAtEL0 = !(uxn || descriptor >> 54 & 1 == 1)
      return "r" + (isReadOnly ? "-" : "w") + (isExecutedAtEL1 ? "x" : "-") + "/" + (isForEL0 ? "r" : "-")
        + (isWrittenByEL0 ? "w" : "-") + (isExecutedAtEL0 ? "x" : "-")
    }
  }

  /// Every page of both ranges, lowest first, block by block.
  package func pages() -> [Page] {
    var pages: [Page] = []
    let ranges = [
      lower.map { (UInt64(0), (UInt64(1) << $0.addressBits) - 1) },
      upper.map { (0 &- UInt64(1) << $0.addressBits, UInt64.max) },
    ]
    for (first, last) in ranges.compactMap(\.self) {
      var address = first
      while true {
        let walk = walk(address)
        if let page = walk.page { pages.append(page) }
        let (next, overflow) = (address & ~(walk.blockSize - 1)).addingReportingOverflow(walk.blockSize)
        if overflow || next > last { break }
        address = next
      }
    }
    return pages
  }
}
