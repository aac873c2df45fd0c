import PageTables

/// Paging schemes that no machine has, each with what sets another architecture apart; and, beside the data, what
/// their entries mean, written down once more by hand.
package enum InventedScheme: String, CaseIterable, Sendable {
  /// Present where anything is allowed; the user executes by a bit of its own; two forms are faults.
  case splitRights
  /// Four entries of the last level can map one page of 16 KiB together.
  case contiguousLeaves

  /// Bytes in a table: 16 entries of 8 bytes.
  package static let indexBits = 4

  /// What an entry means, by hand.
  package enum Meaning: Equatable {
    case absent, marked, malformed
    case table(UInt64, Rights)
    case leaf(UInt64, Rights, pageSize: UInt64)
  }

  /// - Parameter levels: 2 or 3; the last has pages of 4 KiB.
  package func scheme(levels: Int) -> PagingScheme {
    PagingScheme(
      name: "\(rawValue)-\(levels)", title: rawValue, virtualAddressBits: 12 + 4 * levels,
      isSignExtended: false,
      rootRegister: "ROOT", rootAddress: AddressFormat(mask: 0xffff_f000), rootAlignment: 128,
      levels: (0..<levels).map { level(12 + 4 * (levels - 1 - $0)) })
  }

  private func level(_ shift: Int) -> PagingLevel {
    let page = AddressFormat(mask: 0xffff_ffff & ~((1 << UInt64(shift)) - 1))
    let table = AddressFormat(mask: 0xffff_f000)
    let isLast = shift == 12
    let format: EntryFormat
    switch self {
    case .splitRights:
      let user = BitTest.set(3)
      let rights = RightsRules(
        read: AccessRule(.set(0)), write: AccessRule(.set(1)), execute: AccessRule(.set(2)),
        userRead: AccessRule(user.and(.set(0))), userWrite: AccessRule(user.and(.set(1))),
        userExecute: AccessRule(user.and(.set(4))))
      format = EntryFormat(
        entrySize: 8, present: .any(of: 7), pointsAtTable: isLast ? .never : .clear(7),
        faulty: FaultyForms([BitTest(mask: 3, value: 2), BitTest(mask: 0x18, value: 0x10)]),
        tableAddress: table, leafAddress: page, tableReserved: 1 << 8, leafReserved: 1 << 9, rights: rights)
    case .contiguousLeaves:
      let run = UInt64(1) << 63
      format = EntryFormat(
        entrySize: 8, present: .set(0), pointsAtTable: isLast ? .never : .clear(7),
        faulty: isLast
          ? FaultyForms([
            BitTest(mask: run | 1 << 12, value: run | 1 << 12), BitTest(mask: run | 1 << 13, value: run),
          ]) : FaultyForms([BitTest(mask: run, value: run)]),
        tableAddress: table, leafAddress: page,
        rights: RightsRules(write: .set(1), user: .set(3), execute: .set(2)),
        contiguous: isLast ? ContiguousForm(test: .set(63), entryBits: 2) : nil)
    }
    return PagingLevel(
      name: "T\((shift - 12) / 4)", shift: shift, indexBits: Self.indexBits, format: format, tableFields: [],
      leafFields: [])
  }

  /// - Parameter height: levels below this one; 0 for the last.
  package func meaning(of raw: UInt64, slot: Int, height: Int) -> Meaning {
    func bit(_ number: UInt64) -> Bool { raw >> number & 1 == 1 }
    var rights: Rights = []
    switch self {
    case .splitRights:
      guard bit(0) || bit(1) || bit(2) else { return raw == 0 ? .absent : .marked }
      if bit(1) && !bit(0) || bit(4) && !bit(3) { return .malformed }
      if bit(0) { rights.insert(.read) }
      if bit(1) { rights.insert(.write) }
      if bit(2) { rights.insert(.execute) }
      if bit(3) && bit(0) { rights.insert(.userRead) }
      if bit(3) && bit(1) { rights.insert(.userWrite) }
      if bit(3) && bit(4) { rights.insert(.userExecute) }
      if height > 0 && !bit(7) { return bit(8) ? .malformed : .table(raw & 0xffff_f000, rights) }
      if bit(9) { return .malformed }
    case .contiguousLeaves:
      guard bit(0) else { return raw == 0 ? .absent : .marked }
      rights = [.read]
      if bit(1) { rights.insert(.write) }
      if bit(2) { rights.insert(.execute) }
      if bit(3) { rights.insert(.userRead) }
      if bit(3) && bit(1) { rights.insert(.userWrite) }
      if bit(3) && bit(2) { rights.insert(.userExecute) }
      if height > 0 {
        if bit(63) { return .malformed }
        if !bit(7) { return .table(raw & 0xffff_f000, rights) }
      } else if bit(63) {
        guard raw >> 12 & 3 == 2 else { return .malformed }
        return .leaf(raw & 0xffff_c000 | UInt64(slot & 3) << 12, rights, pageSize: 0x4000)
      }
    }
    let size = UInt64(0x1000) << UInt64(4 * height)
    return .leaf(raw & 0xffff_ffff & ~(size - 1), rights, pageSize: size)
  }
}

/// A random memory of tables of an invented scheme, the spaces in it, and a walk of every page by hand.
package struct InventedMemory {
  package struct Page: Hashable {
    package let physical: UInt64
    package let rights: Rights
    package let size: UInt64
    /// The tables on the path, root first.
    package let tables: [UInt64]
    package let slot: Int

    package init(physical: UInt64, rights: Rights, size: UInt64, tables: [UInt64], slot: Int) {
      self.physical = physical
      self.rights = rights
      self.size = size
      self.tables = tables
      self.slot = slot
    }
  }

  package enum Outcome: Equatable {
    case page(Page)
    case absent, marked, malformed, missing
  }

  package let kind: InventedScheme
  package private(set) var memory = TableMemory()
  package private(set) var spaces: [AddressSpace] = []
  private var words: [UInt64: [UInt64]] = [:]

  /// - Parameters:
  ///   - upperLevels: levels of the upper window; none without one.
  ///   - isAcyclic: tables point at later ones only.
  package init(_ kind: InventedScheme, upperLevels: Int?, isAcyclic: Bool, seed: UInt64) {
    self.kind = kind
    var random = SeededRandom(seed: seed)
    let tables = (1...10).map { UInt64($0) << 12 }
    memory.addPhysical(0, 0x4_0000)
    for (number, table) in tables.enumerated() {
      memory.addPage(table)
      var entries: [UInt64] = []
      for slot in 0..<16 {
        let raw = Self.entry(tables, after: isAcyclic ? number : -1, &random)
        memory.set(table: table, slot: slot, to: raw)
        entries.append(raw)
      }
      words[table] = entries
    }
    let lower = kind.scheme(levels: 3)
    let count = Int.random(in: 2...5, using: &random)
    for number in 0..<count {
      var windows = [AddressWindow(root: root(tables, &random), scheme: lower)]
      if let upperLevels {
        let scheme = kind.scheme(levels: upperLevels)
        let first = VirtualAddress(0 &- (UInt64(1) << UInt64(12 + 4 * upperLevels)))
        windows.append(AddressWindow(root: root(tables, &random), scheme: scheme, first: first))
        // A kernel has the upper window alone.
        if number == 0 { windows.removeFirst() }
      }
      spaces.append(AddressSpace(name: "space \(number)", windows: windows))
    }
  }

  private func root(_ tables: [UInt64], _ random: inout SeededRandom) -> PhysicalAddress {
    PhysicalAddress(tables[Int.random(in: 0..<5, using: &random)])
  }

  /// An entry of any level: the level decides what becomes of it.
  private static func entry(_ tables: [UInt64], after number: Int, _ random: inout SeededRandom) -> UInt64 {
    let low = random.next() & 0x9f | 1
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<7: return 0
    case 7..<13:
      let later = tables.dropFirst(number + 1)
      guard let table = later.randomElement(using: &random) else { return 0 }
      return table | low & ~0x80
    case 13..<16: return UInt64.random(in: 0..<64, using: &random) << 12 | low
    case 16: return UInt64.random(in: 0..<16, using: &random) << 14 | 2 << 12 | 1 << 63 | low & ~0x80
    // A huge page, wherever the level has some.
    case 17: return UInt64.random(in: 0..<4, using: &random) << 16 | low | 0x80
    case 18: return random.next() & 0xffff_ff00
    default: return UInt64.random(in: 0..<64, using: &random) << 12 | random.next() & 0x3ff
    }
  }

  /// The address of every page of a window, lowest first, and what it leads to.
  package func forEachPage(of window: AddressWindow, _ body: (UInt64, Outcome) -> Void) {
    let levels = window.scheme.levels.count
    for page in 0..<UInt64(1) << UInt64(4 * levels) {
      body(window.first.value &+ page << 12, outcome(of: page, root: window.root.value, levels: levels))
    }
  }

  private func outcome(of page: UInt64, root: UInt64, levels: Int) -> Outcome {
    var table = root
    var rights = Rights.all
    var path: [UInt64] = []
    for height in stride(from: levels - 1, through: 0, by: -1) {
      guard let entries = words[table] else { return .missing }
      path.append(table)
      let slot = Int(page >> UInt64(4 * height) & 15)
      switch kind.meaning(of: entries[slot], slot: slot, height: height) {
      case .absent: return .absent
      case .marked: return .marked
      case .malformed: return .malformed
      case .table(let next, let allowed):
        rights.formIntersection(allowed)
        table = next
      case .leaf(let start, let allowed, let size):
        let within = page & ((1 << UInt64(4 * height)) - 1)
        return .page(
          Page(
            physical: start + within << 12, rights: rights.intersection(allowed), size: size, tables: path,
            slot: slot))
      }
    }
    return .missing
  }
}
