import PageTables

/// A small memory full of random page tables, the spaces in it, and a second opinion on each.
///
/// Tables share tables, point at themselves and above, hold huge pages, runs, marks and malformed entries, and
/// point at tables that cannot be read. The same seed gives the same memory.
package struct RandomTables {
  package let spaces: [AddressSpace]
  package let naive: [NaiveWalker]
  package let memory: TableMemory
  /// Pages that may be read as tables.
  package let tables: [UInt64]

  package static let schemes = ["x86-32", "x86-pae", "x86-64", "x86-64-la57"]

  package init(scheme name: String, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var features = ProcessorFeatures()
    features.physicalAddressBits = random.pick([32, 36, 39, 40, 46, 52, 52, 52])
    features.encryptionBit = random.once(in: 3) && name != "x86-32" ? random.pick([47, 51]) : nil
    features.pageSizeExtension = !random.once(in: 4)
    features.noExecute = !random.once(in: 4)
    let scheme = RandomTables.scheme(name, features)

    var writer = TableWriter(scheme: scheme, features: features, random: random)
    writer.fillAll()
    random = writer.random
    let roots = (0..<Int.random(in: 1...3, using: &random)).map { _ in
      let page = random.pick(writer.tables)
      return name == "x86-pae" ? page + 32 * UInt64.random(in: 0..<4, using: &random) : page
    }
    let memory = writer.memory
    self.memory = memory
    tables = writer.tables
    spaces = roots.map { AddressSpace(name: "random", root: PhysicalAddress($0), scheme: scheme) }
    let entrySize = name == "x86-32" ? 4 : 8
    let entries = writer.tables.reduce(into: [:] as [UInt64: [UInt64]]) { entries, table in
      entries[table] = (0..<4096 / entrySize).map {
        memory.entry(table: table, slot: $0, size: entrySize) ?? 0
      }
    }
    naive = roots.map { root in
      var walker = NaiveWalker(scheme: name, root: root) { address, size in
        entries[address & ~0xfff]?[Int(address & 0xfff) / size]
      }
      walker.physicalAddressBits = features.physicalAddressBits
      walker.encryptionBit = features.encryptionBit
      walker.hasPageSizeExtension = features.pageSizeExtension
      walker.hasNoExecute = features.noExecute
      return walker
    }
  }

  private static func scheme(_ name: String, _ features: ProcessorFeatures) -> PagingScheme {
    switch name {
    case "x86-32": X86.paging32(features)
    case "x86-pae": X86.pae(features)
    case "x86-64": X86.paging4Level(features)
    default: X86.paging5Level(features)
    }
  }
}

/// Fills pages with entries of all kinds.
private struct TableWriter {
  let features: ProcessorFeatures
  let entrySize: Int
  let isPAE: Bool
  let levelCount: Int
  var random: SeededRandom
  var memory = TableMemory()
  var tables: [UInt64] = []

  var slots: Int { 4096 / entrySize }

  init(scheme: PagingScheme, features: ProcessorFeatures, random: SeededRandom) {
    self.features = features
    self.random = random
    entrySize = scheme.name == "x86-32" ? 4 : 8
    isPAE = scheme.name == "x86-pae"
    levelCount = scheme.levels.count
    for _ in 0..<Int.random(in: 1...8, using: &self.random) {
      // Some above 4 GiB, where the format and MAXPHYADDR reach that far.
      let high = entrySize == 8 && features.physicalAddressBits > 34 && self.random.once(in: 4)
      let frame = UInt64.random(in: 1..<256, using: &self.random)
      tables.append(frame << 12 | (high ? 0x2_0000_0000 : 0))
    }
    for table in tables { memory.addPage(table) }
    memory.addPhysical(0x40_0000, 0x80_0000)
  }

  mutating func fillAll() {
    for table in tables {
      for _ in 0..<Int.random(in: 1...6, using: &random) { fillCluster(of: table) }
      if isPAE {
        for slot in 0..<16 where !random.once(in: 3) {
          let flags: UInt64 = random.pick([1, 1, 0x19, 0xe01, 0x27, 0x41, 0])
          memory.set(table: table, slot: slot, to: random.pick(tables) | flags)
        }
      }
    }
  }

  /// A run of neighbouring entries of one kind.
  private mutating func fillCluster(of table: UInt64) {
    let edge = [0, slots / 2 - 1, slots / 2, slots - 3, slots - 1]
    let first = random.once(in: 2) ? random.pick(edge) : Int.random(in: 0..<slots, using: &random)
    let kind = Int.random(in: 0..<8, using: &random)
    // Tables multiply along paths, so they come in short runs.
    let longest = kind <= 1 ? (levelCount > 3 ? 2 : 4) : 24
    let end = min(slots, first + Int.random(in: 1...longest, using: &random))
    let flags = randomFlags()
    let shift = random.pick(entrySize == 4 ? [12, 22] : [12, 21, 30])
    var frame = UInt64.random(in: 0x100..<0x8_0000, using: &random) << 12 & ~((1 << UInt64(shift)) - 1)
    var target = random.pick(tables)
    for slot in first..<end {
      let raw: UInt64
      switch kind {
      case 0, 1:
        if random.once(in: 3) { target = random.pick(tables) }
        raw = target | flags & ~0x80
      case 2, 3, 4:
        raw = frame | flags | (shift > 12 ? 0x80 : 0)
        frame &+= random.once(in: 5) ? 0 : 1 << UInt64(shift)
      case 5:
        raw = random.pick([0x100, 0xa00, 0x7_7000_0000_0166, ~0x6001 & ~0x80, frame]) & ~1
      case 6:
        raw = frame | flags | 1 << UInt64.random(in: 0..<64, using: &random)
      default:
        raw = random.once(in: 2) ? random.next() : 0x3330_0000 | flags & ~0x80
      }
      memory.set(table: table, slot: slot, to: entrySize == 4 ? raw & 0xffff_ffff : raw, size: entrySize)
    }
  }

  private mutating func randomFlags() -> UInt64 {
    var flags: UInt64 = 1
    for bit in [1, 1, 2, 2, 3, 5, 6, 7, 8, 9, 12] where random.once(in: 2) { flags |= 1 << UInt64(bit) }
    if !random.once(in: 3) { flags &= ~0x1080 }
    if entrySize == 8 && features.noExecute && random.once(in: 3) { flags |= 1 << 63 }
    if let bit = features.encryptionBit, random.once(in: 2) { flags |= 1 << UInt64(bit) }
    return flags
  }
}
