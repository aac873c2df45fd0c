import PageTables

/// A second opinion on RISC-V page tables: walks one address at a time, straight from the Privileged Specification
/// ("Virtual Address Translation Process", and sections Sv39, Svnapot, Svpbmt, Svrsw60t59b), slowly and plainly. It shares nothing
/// with the engine but the memory that it reads and the names of rights.
package struct NaiveRISCVWalker {
  package struct Page: Hashable {
    /// Where the asked byte lies.
    package var physical: UInt64
    package var size: UInt64
    package var rights: Rights
    package var entry: UInt64
  }

  package struct Walk: Equatable {
    /// The tables that were read, root first.
    package var tables: [UInt64] = []
    package var page: Page?
    /// `non-canonical`, `absent`, `marked`, `malformed` or `not-in-dump`; nil when a page was found.
    package var fault: String?
    /// All addresses of the aligned block of so many bytes end at the same entry.
    package var blockSize: UInt64 = 4096
  }

  /// `riscv-sv32`, `riscv-sv39`, `riscv-sv48` or `riscv-sv57`.
  package let scheme: String
  package let root: UInt64
  /// The value of so many bytes at a physical address; nil where nothing can be read.
  package let read: (_ address: UInt64, _ size: Int) -> UInt64?

  package init(scheme: String, root: UInt64, read: @escaping (_ address: UInt64, _ size: Int) -> UInt64?) {
    self.scheme = scheme
    self.root = root
    self.read = read
  }

  private var isShort: Bool { scheme == "riscv-sv32" }
  private var levels: Int { ["riscv-sv32": 2, "riscv-sv39": 3, "riscv-sv48": 4][scheme] ?? 5 }

  /// The stretches of addresses that the scheme translates, both ends included.
  package var halves: [ClosedRange<UInt64>] {
    if isShort { return [0...0xffff_ffff] }
    let half: UInt64 = 1 << UInt64(12 + 9 * levels - 1)
    return [0...half - 1, (0 &- half)...UInt64.max]
  }

  package func walk(_ address: UInt64) -> Walk {
    var walk = Walk()
    guard halves.contains(where: { $0.contains(address) }) else { return Walk(fault: "non-canonical") }
    let indexBits: UInt64 = isShort ? 10 : 9
    var table = root
    var above = halves[0].upperBound + 1
    for level in stride(from: levels - 1, through: 0, by: -1) {
      let shift = 12 + indexBits * UInt64(level)
      let slot = address >> shift & ((1 << indexBits) - 1)
      let size = isShort ? 4 : 8
      guard let entry = read(table + slot * UInt64(size), size) else {
        walk.fault = "not-in-dump"
        walk.blockSize = above
        return walk
      }
      walk.tables.append(table)
      walk.blockSize = 1 << shift
      func bit(_ number: UInt64) -> Bool { entry >> number & 1 == 1 }
      func stop(_ fault: String) -> Walk {
        walk.fault = fault
        return walk
      }
      if !bit(0) { return stop(entry == 0 ? "absent" : "marked") }
      if bit(2) && !bit(1) { return stop("malformed") }
      let number = isShort ? entry >> 10 : entry >> 10 & 0xfff_ffff_ffff
      // Bits 60:59 are software's (Svrsw60t59b).
      let above54 = entry >> 54 & ~0x60
      if !bit(1) && !bit(3) {
        if level == 0 || bit(4) || bit(6) || bit(7) || above54 != 0 { return stop("malformed") }
        table = number << 12
        above = 1 << shift
        continue
      }
      if above54 & 0x7f != 0 || bit(62) && bit(61) { return stop("malformed") }
      var pageSize: UInt64 = 1 << shift
      var base = number << 12
      if bit(63) {
        // Svnapot: the only size is 64 KiB.
        if level != 0 || number & 0xf != 8 { return stop("malformed") }
        pageSize = 0x10000
        base = (number ^ 8) << 12
      }
      if base % pageSize != 0 { return stop("malformed") }
      var rights: Rights = []
      if bit(1) { rights.insert(.read) }
      if bit(2) { rights.insert(.write) }
      if bit(3) && !bit(4) { rights.insert(.execute) }
      if bit(4) {
        if bit(1) { rights.insert(.userRead) }
        if bit(2) { rights.insert(.userWrite) }
        if bit(3) { rights.insert(.userExecute) }
      }
      walk.page = Page(
        physical: base + address % pageSize, size: pageSize, rights: rights, entry: entry)
      return walk
    }
    return walk
  }

  /// Calls `body` with the first address of each block of addresses that end at the same entry; false where more than
  /// `limit` walks would be needed.
  package func survey(limit: Int, _ body: (UInt64, Walk) -> Void) -> Bool {
    var walks = 0
    for half in halves {
      var address = half.lowerBound
      while true {
        walks += 1
        if walks > limit { return false }
        let walk = walk(address)
        body(address, walk)
        let (next, overflow) = (address & ~(walk.blockSize - 1)).addingReportingOverflow(walk.blockSize)
        if overflow || next > half.upperBound { break }
        address = next
      }
    }
    return true
  }
}

/// A small memory full of random RISC-V page tables, with the roots in it: tables share tables, point at themselves
/// and above, hold superpages, 64 KiB pages whole and in part, memory types, marks and every reserved encoding.
package struct RandomRISCVTables {
  package static let schemes = ["riscv-sv32", "riscv-sv39", "riscv-sv48", "riscv-sv57"]

  package let spaces: [AddressSpace]
  package let naive: [NaiveRISCVWalker]
  package private(set) var memory = TableMemory()

  package init(scheme name: String, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let scheme = RandomRISCVTables.scheme(name)
    let isShort = name == "riscv-sv32"
    let size = isShort ? 4 : 8
    let tables = (0..<Int.random(in: 2...7, using: &random)).map { UInt64($0 + 1) << 12 }
    memory.addPhysical(0, 0x80_0000)
    for table in tables { memory.addPage(table) }
    for table in tables {
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let run = RandomRISCVTables.run(of: tables, isShort: isShort, &random)
        let slots = 4096 / size
        // A 64 KiB page begins at a multiple of 16; the edges of the halves are likelier than the rest.
        var first = random.pick([
          0, slots / 2 - 16, slots / 2, slots - 16, Int.random(in: 0..<slots / 16, using: &random) * 16,
        ])
        if random.once(in: 3) { first += Int.random(in: 0..<16, using: &random) }
        for (offset, raw) in run.enumerated() where first + offset < slots {
          memory.set(
            table: table, slot: first + offset, to: isShort ? raw & 0xffff_ffff : raw, size: size)
        }
      }
    }
    // Words in place of bytes: the naive walker reads millions.
    let memory = memory
    let words = tables.reduce(into: [UInt64: UInt64]()) { words, table in
      for slot in 0..<4096 / size {
        words[table + UInt64(slot * size)] = memory.entry(table: table, slot: slot, size: size)
      }
    }
    let roots = (0..<Int.random(in: 1...3, using: &random)).map { _ in random.pick(tables) }
    spaces = roots.map { AddressSpace(name: "random", root: PhysicalAddress($0), scheme: scheme) }
    naive = roots.map { root in
      NaiveRISCVWalker(scheme: name, root: root) { address, _ in words[address] }
    }
  }

  private static func scheme(_ name: String) -> PagingScheme {
    switch name {
    case "riscv-sv32": RISCV.sv32()
    case "riscv-sv39": RISCV.sv39()
    case "riscv-sv48": RISCV.sv48()
    default: RISCV.sv57()
    }
  }

  /// Neighbouring entries of one kind.
  private static func run(of tables: [UInt64], isShort: Bool, _ random: inout SeededRandom) -> [UInt64] {
    let rights: UInt64 = random.pick([0x2, 0x6, 0x8, 0xa, 0xe]) | (random.once(in: 2) ? 0x10 : 0)
    let flags = 1 | rights | random.pick([0xc0, 0xc0, 0x40, 0x20, 0x380, 0])
    let type: UInt64 = random.pick([0, 0, 0, 1 << 61, 1 << 62])
    let frame = UInt64.random(in: 0x100..<0x800, using: &random)
    let count = Int.random(in: 1...20, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0, 1, 2:
      // Tables multiply along paths, so they come in short runs.
      return (0..<Int.random(in: 1...2, using: &random)).map { _ in
        random.pick(tables) >> 2 | random.pick([1, 1, 1, 0x21, 0x301, 0x11, 0x41, 0x81, 1 | 1 << 61])
      }
    case 3, 4: return (0..<count).map { (frame + UInt64($0)) << 10 | flags | type }
    case 5: return (0..<count).map { UInt64($0) << (isShort ? 20 : 19) | flags | type }
    case 6:
      let shift: UInt64 = random.pick(isShort ? [20] : [28, 37, 46])
      return (0..<min(count, 4)).map { UInt64($0) << shift | flags | type }
    case 7:
      let group = (frame & ~0xf | 8) << 10 | flags | type | 1 << 63
      return [UInt64](repeating: group, count: random.pick([16, 16, 5]))
    case 8: return [random.pick([0xa00, flags & ~1, 0x20, frame << 10])]
    default:
      return (0..<4).map { _ in
        frame << 10 | flags | 1 << UInt64.random(in: 1..<64, using: &random)
      }
    }
  }
}
