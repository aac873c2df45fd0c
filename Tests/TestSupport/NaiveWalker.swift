/// A second opinion on x86 page tables: walks one address at a time, straight from the Intel SDM (Vol. 3A, 4.3
/// to 4.5), slowly and plainly. It shares nothing with the engine but the memory that it reads.
package struct NaiveWalker {
  /// A processor's page walk of one address.
  package struct Walk: Equatable {
    /// Physical address and value of every entry read, root first.
    package var entries: [Entry] = []
    package var page: Page?
    /// `non-canonical`, `absent`, `marked`, `malformed` or `not-in-dump`; nil when a page was found.
    package var fault: String?
    /// All addresses of the aligned block of so many bytes end at the same entry.
    package var blockSize: UInt64 = 4096
  }

  package struct Entry: Equatable {
    package var address: UInt64
    package var value: UInt64

    package init(address: UInt64, value: UInt64) {
      self.address = address
      self.value = value
    }
  }

  package struct Page: Hashable {
    package var virtual: UInt64
    package var physical: UInt64
    package var size: UInt64
    package var isWritable: Bool
    package var isUser: Bool
    package var isExecutable: Bool
    package var entry: UInt64
    /// The entry without its address bits.
    package var attributes: UInt64
  }

  /// What a walk over many addresses met.
  package struct Survey: Equatable {
    package var pages: [Page] = []
    package var marked: UInt64 = 0
    package var malformed: UInt64 = 0
    package var missing: UInt64 = 0
  }

  /// `x86-32`, `x86-pae`, `x86-64` or `x86-64-la57`.
  package var scheme: String
  package var root: UInt64
  package var physicalAddressBits = 52
  package var encryptionBit: Int?
  package var hasPageSizeExtension = true
  package var hasNoExecute = true
  /// The value of so many bytes at a physical address; nil where nothing can be read.
  package var read: (_ address: UInt64, _ size: Int) -> UInt64?

  package init(scheme: String, root: UInt64, read: @escaping (_ address: UInt64, _ size: Int) -> UInt64?) {
    self.scheme = scheme
    self.root = root
    self.read = read
  }

  /// The stretches of addresses that the scheme translates, both ends included.
  package var halves: [ClosedRange<UInt64>] {
    switch scheme {
    case "x86-64": [0...0x7fff_ffff_ffff, 0xffff_8000_0000_0000...UInt64.max]
    case "x86-64-la57": [0...0xff_ffff_ffff_ffff, 0xff00_0000_0000_0000...UInt64.max]
    default: [0...0xffff_ffff]
    }
  }

  package func walk(_ address: UInt64) -> Walk {
    guard halves.contains(where: { $0.contains(address) }) else { return Walk(fault: "non-canonical") }
    switch scheme {
    case "x86-32": return walk32(address)
    case "x86-pae": return walkPAE(address)
    case "x86-64": return walkLong(address, shifts: [39, 30, 21, 12])
    default: return walkLong(address, shifts: [48, 39, 30, 21, 12])
    }
  }

  // MARK: One address

  private func walk32(_ address: UInt64) -> Walk {
    var walk = Walk(blockSize: 1 << 22)
    guard let pde = read(&walk, root + (address >> 22) * 4, 4) else { return walk }
    if hasPageSizeExtension && pde & 0x80 != 0 {
      let widest = min(40, physicalAddressBits)
      // Bits 39:32 of the page stand in bits 20:13; those for bits that the processor lacks are reserved.
      for bit in 13...21 where pde >> UInt64(bit) & 1 == 1 && bit - 13 + 32 >= widest {
        walk.fault = "malformed"
        return walk
      }
      if pde & (1 << 21) != 0 {
        walk.fault = "malformed"
      } else {
        let high = (pde >> 13 & 0xff) << 32
        finish(&walk, address, high | pde & 0xffc0_0000, size: 1 << 22, leaf: pde, addressBits: 0xffdf_e000)
      }
      return walk
    }
    walk.blockSize = 4096
    guard let pte = read(&walk, (pde & 0xffff_f000) + (address >> 12 & 0x3ff) * 4, 4, below: 1 << 22) else {
      return walk
    }
    finish(&walk, address, pte & 0xffff_f000, size: 4096, leaf: pte, addressBits: 0xffff_f000)
    return walk
  }

  private func walkPAE(_ address: UInt64) -> Walk {
    var walk = Walk(blockSize: 1 << 30)
    guard let pdpte = read(&walk, root + (address >> 30) * 8, 8) else { return walk }
    // Bits 1, 2 and 5 are reserved in the manual; emulators let them pass, and the project takes them.
    if pdpte & 0x1c0 != 0 || pdpte >> 63 == 1 || hasReserved(pdpte) {
      walk.fault = "malformed"
      return walk
    }
    return walkTables(&walk, address, table: frame(pdpte), shifts: [21, 12], spanAbove: 1 << 30)
  }

  private func walkLong(_ address: UInt64, shifts: [UInt64]) -> Walk {
    var walk = Walk()
    return walkTables(&walk, address, table: root, shifts: shifts, spanAbove: halves[0].upperBound + 1)
  }

  /// The levels that PAE and the long modes have in common.
  private func walkTables(
    _ walk: inout Walk, _ address: UInt64, table: UInt64, shifts: [UInt64], spanAbove: UInt64
  ) -> Walk {
    var table = table
    var above = spanAbove
    for shift in shifts {
      let span: UInt64 = 1 << shift
      walk.blockSize = span
      guard let entry = read(&walk, table + (address >> shift & 0x1ff) * 8, 8, below: above) else {
        return walk
      }
      let isPage = shift == 12 || (shift <= 30 && entry & 0x80 != 0)
      let ignoresPageSize = shift <= 30
      var isReserved = hasReserved(entry) || (!ignoresPageSize && entry & 0x80 != 0)
      if isPage && shift > 12 {
        for bit in 13..<shift where entry >> bit & 1 == 1 { isReserved = true }
      }
      if isReserved {
        walk.fault = "malformed"
        return walk
      }
      if isPage {
        let page = frame(entry) & ~(span - 1)
        finish(&walk, address, page, size: span, leaf: entry, addressBits: frame(.max) & ~(span - 1))
        return walk
      }
      table = frame(entry)
      above = span
    }
    return walk
  }

  /// Reads an entry and stops the walk where it is missing or not present. `below`: what the entry above covers.
  private func read(_ walk: inout Walk, _ address: UInt64, _ size: Int, below: UInt64 = 1 << 32) -> UInt64? {
    guard let value = read(address, size) else {
      walk.fault = "not-in-dump"
      walk.blockSize = below
      return nil
    }
    walk.entries.append(Entry(address: address, value: value))
    if value & 1 == 0 {
      walk.fault = value == 0 ? "absent" : "marked"
      return nil
    }
    return value
  }

  private func finish(
    _ walk: inout Walk, _ address: UInt64, _ page: UInt64, size: UInt64, leaf: UInt64, addressBits: UInt64
  ) {
    let flags = scheme == "x86-pae" ? Array(walk.entries.dropFirst()) : walk.entries
    walk.blockSize = size
    walk.page = Page(
      virtual: address - address % size, physical: page, size: size,
      isWritable: flags.allSatisfy { $0.value & 2 != 0 }, isUser: flags.allSatisfy { $0.value & 4 != 0 },
      isExecutable: flags.allSatisfy { $0.value >> 63 == 0 }, entry: leaf, attributes: leaf & ~addressBits)
  }

  private var encryption: UInt64 { encryptionBit.map { 1 << UInt64($0) } ?? 0 }
  private var belowMaximum: UInt64 { (1 << UInt64(physicalAddressBits)) - 1 }

  private func hasReserved(_ entry: UInt64) -> Bool {
    var reserved = 0x000f_ffff_ffff_f000 & ~belowMaximum
    if scheme == "x86-pae" { reserved |= 0x7ff0_0000_0000_0000 }
    if !hasNoExecute { reserved |= 0x8000_0000_0000_0000 }
    return entry & reserved & ~encryption != 0
  }

  private func frame(_ entry: UInt64) -> UInt64 { entry & 0x000f_ffff_ffff_f000 & belowMaximum & ~encryption }

  // MARK: Many addresses

  /// Every page from `first` to `last`, both included, block by block.
  ///
  /// - Returns: nil when more than `limit` walks would be needed.
  package func survey(from first: UInt64 = 0, through last: UInt64 = .max, limit: Int = .max) -> Survey? {
    var survey = Survey()
    var walks = 0
    for half in halves {
      var address = max(first, half.lowerBound)
      let end = min(last, half.upperBound)
      while address <= end {
        walks += 1
        if walks > limit { return nil }
        let walk = walk(address)
        if let page = walk.page { survey.pages.append(page) }
        if walk.fault == "marked" { survey.marked += 1 }
        if walk.fault == "malformed" { survey.malformed += 1 }
        if walk.fault == "not-in-dump" { survey.missing += 1 }
        if walk.fault == "not-in-dump" && walk.entries.isEmpty {
          // No root: one table is missing, however many addresses it would translate.
          survey.missing = 1
          break
        }
        let (next, overflow) = (address & ~(walk.blockSize - 1)).addingReportingOverflow(walk.blockSize)
        if overflow { break }
        address = next
      }
    }
    return survey
  }

  /// Joins pages that follow each other with equal attributes, and cuts them to the bounds.
  package static func ranges(
    of pages: [Page], from first: UInt64, through last: UInt64, samePhysical: Bool
  ) -> [[Page]] {
    var groups: [[Page]] = []
    for page in pages {
      if let before = groups.last?.last, before.attributes == page.attributes, before.size == page.size,
        before.isWritable == page.isWritable, before.isUser == page.isUser,
        before.isExecutable == page.isExecutable, before.virtual + (before.size - 1) == page.virtual &- 1,
        page.virtual != 0, !samePhysical || before.physical + before.size == page.physical
      {
        groups[groups.count - 1].append(page)
      } else {
        groups.append([page])
      }
    }
    return groups
  }
}
