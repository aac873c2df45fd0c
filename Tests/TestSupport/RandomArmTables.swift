import PageTables

/// A small memory full of random AArch64 tables, spaces of one or two windows in it, and a second opinion on each.
///
/// Tables share tables; there are blocks, runs, limits of tables, reserved forms, addresses above what the machine has,
/// and tables that cannot be read. The same seed gives the same memory.
package struct RandomArmTables {
  /// The schemes of both windows, by name.
  package struct Shape: CustomStringConvertible, Sendable {
    package let lower: String
    package let upper: String

    package var description: String { lower + " below, " + upper + " above" }
  }

  /// Every granule with and without 52-bit addresses, short roots, and windows of different sizes and granules.
  package static let shapes = [
    ("aarch64-4k", "aarch64-4k"), ("aarch64-4k-39", "aarch64-4k-42"), ("aarch64-4k-25", "aarch64-4k-31"),
    ("aarch64-16k", "aarch64-16k-47"), ("aarch64-16k-36", "aarch64-16k"), ("aarch64-64k", "aarch64-64k-42"),
    ("aarch64-64k-25", "aarch64-4k"), ("aarch64-4k-lpa2", "aarch64-4k-lpa2"),
    ("aarch64-4k-lpa2-48", "aarch64-4k-lpa2-39"), ("aarch64-16k-lpa2", "aarch64-16k-lpa2-47"),
    ("aarch64-64k-lpa", "aarch64-64k-lpa-48"), ("aarch64-4k-39", "aarch64-4k-39"),
    ("aarch64-64k-42", "aarch64-64k-42"), ("aarch64-4k-42", "aarch64-16k-39"),
    ("aarch64-64k-39", "aarch64-16k-42"), ("aarch64-4k-lpa2-42", "aarch64-4k-lpa2-39"),
    ("aarch64-16k-lpa2-42", "aarch64-64k-lpa-42"), ("aarch64-4k-16", "aarch64-16k-16"),
    ("aarch64-64k-17", "aarch64-64k-52"), ("aarch64-4k-lpa2-49", "aarch64-16k-lpa2-50"),
    ("aarch64-4k-lpa2", "aarch64-64k-lpa"),
  ].map { Shape(lower: $0.0, upper: $0.1) }

  package private(set) var spaces: [AddressSpace] = []
  package private(set) var naive: [NaiveArmWalker] = []
  package private(set) var memory = TableMemory()
  private var random: SeededRandom
  private var nextTable: UInt64
  private var written: Set<UInt64> = []
  private var added: Set<UInt64> = []
  private let features: ProcessorFeatures

  package init(_ shape: Shape, seed: UInt64) {
    random = SeededRandom(seed: seed)
    var features = ProcessorFeatures()
    features.physicalAddressBits = random.pick([36, 40, 48, 52, 52])
    self.features = features
    nextTable = 0x10_0000
    memory.addPhysical(0x40_0000, 0x80_0000)
    let lower = makeTables(shape.lower)
    let upper = makeTables(shape.upper)
    // Words in place of bytes: the naive walker reads millions.
    let words = written.reduce(into: [UInt64: UInt64]()) {
      $0[$1] = memory.entry(table: $1 & ~0xfff, slot: Int($1 & 0xfff) / 8)
    }
    let pages = added
    for number in 0..<3 {
      // A kernel has the upper window alone, a space without a kernel the lower one.
      let low = number == 1 ? nil : random.pick(lower.roots)
      let high = number == 2 ? nil : random.pick(upper.roots)
      let windows =
        (low.map { [AddressWindow(root: PhysicalAddress($0), scheme: lower.scheme)] } ?? [])
        + (high.map { [AddressWindow(upperRoot: PhysicalAddress($0), scheme: upper.scheme)] } ?? [])
      spaces.append(AddressSpace(name: "random \(number)", windows: windows))
      var walker = NaiveArmWalker(
        lower: low.flatMap { NaiveArmWalker.Range(scheme: shape.lower, root: $0) },
        upper: high.flatMap { NaiveArmWalker.Range(scheme: shape.upper, root: $0) }
      ) { address in
        words[address] ?? (pages.contains(address & ~0xfff) ? 0 : nil)
      }
      walker.physicalAddressBits = UInt64(features.physicalAddressBits)
      naive.append(walker)
    }
  }

  /// Two tables a level, the last level first, so that the others can point at them; the roots last.
  private mutating func makeTables(_ name: String) -> (scheme: PagingScheme, roots: [UInt64]) {
    guard let scheme = PagingSchemes.named(name, features) else { fatalError("no scheme \(name)") }
    var below: [UInt64] = []
    for level in scheme.levels.indices.reversed() {
      below = (0..<2).map { number in
        let size = scheme.levels[level].tableSize
        let alignment = level == 0 ? scheme.rootAlignment : size
        var table = (nextTable + alignment - 1) & ~(alignment - 1)
        // A short root may lie anywhere in its page.
        if level == 0, size < 4096 { table += alignment * UInt64(number) }
        nextTable = (table + size + 4095) & ~4095
        for page in stride(from: table & ~4095, to: nextTable, by: 4096) {
          memory.addPage(page)
          added.insert(page)
        }
        fill(table, scheme.levels[level], pointingAt: below)
        return table
      }
    }
    return (scheme, below)
  }

  private mutating func fill(_ table: UInt64, _ level: PagingLevel, pointingAt below: [UInt64]) {
    let count = level.entryCount
    func set(_ slot: Int, _ raw: UInt64) {
      let address = table + UInt64(slot) * 8
      written.insert(address)
      memory.set(table: address & ~0xfff, slot: Int(address & 0xfff) / 8, to: raw)
    }
    for _ in 0..<min(count, 5) {
      let first =
        random.once(in: 3) ? random.pick([0, count - 1]) : Int.random(in: 0..<count, using: &random)
      let flags = random.next() & 0xffff_0000_0000_0ffc
      var frame = UInt64.random(in: 0..<1 << 20, using: &random) << 12 & ~(level.span - 1)
      // Leaves come in runs; bits 15:12 and 9:8 and 49:48 are address bits in some schemes.
      let low: UInt64 = below.isEmpty ? 3 : 1
      for slot in first..<min(count, first + Int.random(in: 1...12, using: &random)) {
        set(slot, frame | flags & ~0x3_0000_0000_0300 | low)
        frame &+= random.once(in: 6) ? 0 : level.span
      }
      let slot = Int.random(in: 0..<count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: set(slot, random.next() & ~1)
      case 1: set(slot, random.next() | 1)
      // The form that the level does not have.
      case 2: set(slot, frame | flags | 1)
      case 3: set(slot, 0x3330_0003)
      default: break
      }
    }
    for _ in 0..<(below.isEmpty ? 0 : 2) {
      let limits = random.once(in: 2) ? 0 : random.next() & 0xf800_0000_0000_0000
      set(Int.random(in: 0..<count, using: &random), random.pick(below) | limits | random.next() & 0xc | 3)
    }
  }
}
