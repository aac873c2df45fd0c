import PageTables

/// What is remarkable about entries: where each stands, and which tables lead down to it. Entries are known by the
/// table that holds them, so a mark belongs to exactly those spaces that reach the table, at whatever address.
struct NotableEntries: Sendable {
  /// Why an entry is marked; several may apply.
  struct Kinds: OptionSet, Hashable, HandedUp, Sendable {
    let rawValue: UInt8

    static let writableExecutable = Kinds(rawValue: 1)
    static let userKernelMemory = Kinds(rawValue: 2)
    static let malformedEntry = Kinds(rawValue: 4)
    static let tableOutsideDump = Kinds(rawValue: 8)
    static let userWritableTable = Kinds(rawValue: 16)
    /// Kernel memory whose frames user space maps, too.
    static let mirror = Kinds(rawValue: 32)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ kind: Finding.Kind) {
      switch kind {
      case .writableExecutable: self = .writableExecutable
      case .userKernelMemory: self = .userKernelMemory
      // Both are about what an entry says, and about no right that a path gives.
      case .malformedEntry, .toleratedBits: self = .malformedEntry
      case .tableOutsideDump: self = .tableOutsideDump
      case .userWritableTable: self = .userWritableTable
      }
    }
  }

  /// Neighbouring entries of one table of a paging scheme.
  struct Entries: Sendable {
    let scheme: Int
    let table: TableReference
    let slots: Range<Int>
    let kind: Kinds
  }

  /// Where entries are looked up: those of one level that are marked for one reason.
  private struct Shelf: Hashable, Sendable {
    let scheme: Int
    let level: Int
    let kind: Kinds
  }

  private let schemes: SchemeNumbers
  /// The bytes of memory that marked entries occupy, by what they are read as.
  private let bytes: [Shelf: AddressIntervals]
  private let kindsOfShelves: Set<Kinds>
  /// What lies in a table or somewhere below it.
  private let below: [SchemeTable: Kinds]

  /// - Parameter isCancelled: asked once in a while; answering true ends the work with nil.
  init?(_ entries: [Entries], _ schemes: SchemeNumbers, of index: SpaceIndex, isCancelled: () -> Bool) {
    self.schemes = schemes
    var stretches: [Shelf: [(UInt64, UInt64)]] = [:]
    var below: [SchemeTable: Kinds] = [:]
    for one in entries {
      let size = UInt64(schemes.all[one.scheme].levels[one.table.level].format.entrySize)
      let start = one.table.address.value &+ UInt64(one.slots.lowerBound) &* size
      let shelf = Shelf(scheme: one.scheme, level: one.table.level, kind: one.kind)
      stretches[shelf, default: []].append((start, UInt64(one.slots.count) &* size))
      below[SchemeTable(scheme: one.scheme, table: one.table), default: []].formUnion(one.kind)
    }
    bytes = stretches.mapValues(AddressIntervals.init)
    kindsOfShelves = Set(stretches.keys.map(\.kind))
    if !below.isEmpty {
      let tables = RollUp(index, schemes)
      guard let all = tables.handedUp(below, isCancelled: isCancelled) else { return nil }
      for (table, kinds) in zip(tables.tables, all) where !kinds.isEmpty { below[table] = kinds }
    }
    self.below = below
  }

  /// The marks of some entries of a table, by themselves.
  func kinds(of slots: Range<Int>, in table: TableReference, spaceNumber: Int, window: Int) -> Kinds {
    let scheme = schemes.number(in: spaceNumber, window: window)
    let level = schemes.all[scheme].levels[table.level]
    let size = UInt64(level.format.entrySize)
    let start = schemes.aligned(table, scheme).value &+ UInt64(slots.lowerBound) &* size
    var found: Kinds = []
    for kind in kindsOfShelves {
      let shelf = Shelf(scheme: scheme, level: table.level, kind: kind)
      if bytes[shelf]?.overlap(start, UInt64(slots.count) &* size) == true { found.formUnion(kind) }
    }
    return found
  }

  /// The marks of all entries of a table and of the tables below it.
  func kinds(below table: TableReference, spaceNumber: Int, window: Int) -> Kinds {
    below[SchemeTable(scheme: schemes.number(in: spaceNumber, window: window), table: table)] ?? []
  }
}
