import PageTables

/// What is remarkable about entries: where each stands, and which tables lead down to it. Entries are known by the
/// table that holds them, so a mark belongs to exactly those spaces that reach the table, at whatever address.
struct NotableEntries: Sendable {
  /// Why an entry is marked; several may apply.
  struct Kinds: OptionSet, Hashable, Sendable {
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

  /// A table as one paging scheme reads it.
  private struct Table: Hashable, Sendable {
    let scheme: Int
    let table: TableReference
  }

  private struct Cancelled: Error {}

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
  private let below: [Table: Kinds]

  /// - Parameter isCancelled: asked once in a while; answering true ends the work with nil.
  init?(_ entries: [Entries], _ schemes: SchemeNumbers, of index: SpaceIndex, isCancelled: () -> Bool) {
    self.schemes = schemes
    var stretches: [Shelf: [(UInt64, UInt64)]] = [:]
    var below: [Table: Kinds] = [:]
    for one in entries {
      let size = UInt64(schemes.all[one.scheme].levels[one.table.level].format.entrySize)
      let start = one.table.address.value &+ UInt64(one.slots.lowerBound) &* size
      let shelf = Shelf(scheme: one.scheme, level: one.table.level, kind: one.kind)
      stretches[shelf, default: []].append((start, UInt64(one.slots.count) &* size))
      below[Table(scheme: one.scheme, table: one.table), default: []].formUnion(one.kind)
    }
    bytes = stretches.mapValues(AddressIntervals.init)
    kindsOfShelves = Set(stretches.keys.map(\.kind))
    if !below.isEmpty {
      guard let all = Self.handedUp(below, schemes, index, isCancelled) else { return nil }
      below = all
    }
    self.below = below
  }

  /// Gives all tables above what the tables below them have.
  private static func handedUp(
    _ marked: [Table: Kinds], _ schemes: SchemeNumbers, _ index: SpaceIndex, _ isCancelled: () -> Bool
  ) -> [Table: Kinds]? {
    var tables: [Table] = []
    var kinds: [Kinds] = []
    var scheme = 0
    for one in index.tables {
      // They come scheme by scheme, each from its roots on; comparing schemes takes long.
      if one.table.level == 0 { scheme = schemes.number(of: one.scheme) }
      tables.append(Table(scheme: scheme, table: one.table))
      kinds.append(marked[tables[tables.count - 1]] ?? [])
    }
    // One level a round: links come from the roots down.
    var isChanged = true
    while isChanged {
      isChanged = false
      var seen = 0
      do throws(Cancelled) {
        try index.forEachLink { link throws(Cancelled) in
          seen += 1
          if seen % 65_536 == 1, isCancelled() { throw Cancelled() }
          guard !kinds[link.child].isSubset(of: kinds[link.parent]) else { return }
          kinds[link.parent].formUnion(kinds[link.child])
          isChanged = true
        }
      } catch {
        return nil
      }
    }
    var result: [Table: Kinds] = [:]
    for (number, table) in tables.enumerated() where !kinds[number].isEmpty { result[table] = kinds[number] }
    return result
  }

  /// The marks of some entries of a table, by themselves.
  func kinds(of slots: Range<Int>, in table: TableReference, spaceNumber: Int) -> Kinds {
    let scheme = schemes.number(in: spaceNumber)
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
  func kinds(below table: TableReference, spaceNumber: Int) -> Kinds {
    below[Table(scheme: schemes.number(in: spaceNumber), table: table)] ?? []
  }
}
