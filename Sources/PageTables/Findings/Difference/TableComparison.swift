/// The first pass over two moments: what kinds of changes there are below each pair of tables, whatever path leads to
/// it. Each pair is compared once, so that what many spaces share costs no more than what one has.
struct TableComparison: Sendable {
  let oldScheme: PagingScheme
  let newScheme: PagingScheme
  private(set) var levels: [ComparedLevel]
  /// The pairs, with what was found below each. Kinds can be too many where an entry's rights change that the path
  /// above it forbids anyway, and name a huge page that was split or joined `bits` only.
  private(set) var pairs = TablePairs()
  /// Entries that point at tables which cannot be read at one of the moments at least, so that nothing can be said.
  private(set) var missingTables: UInt64 = 0
  /// False where there are more pairs than were compared.
  private(set) var isComplete = true
  private let limit: Int
  private let countsUse: Bool
  /// What the root compared last has, slot by slot, and what was found below: most of it the next root has as well.
  private var lastRoot: [(raw: UInt64, found: ChangeKinds)]

  /// Slots of roots that are remembered.
  private static let mostRootSlots = 1 << 13

  /// - Parameter limit: the most pairs compared: hostile tables can pair each of a memory's pages with each of the
  ///   other's.
  init(old: PagingScheme, new: PagingScheme, countsUse: Bool, limit: Int) {
    oldScheme = old
    newScheme = new
    self.limit = limit
    self.countsUse = countsUse
    levels = TableComparison.levels(old, new, countsUse)
    let slots = min(levels.first?.entryCount ?? 0, TableComparison.mostRootSlots)
    lastRoot = Array(repeating: (0, []), count: slots)
  }

  /// The same comparison, to be gone on with by another processor: the levels are its own, since processors that count
  /// references to one object wait for each other.
  init(goingOnFrom other: TableComparison) {
    self = other
    levels = TableComparison.levels(oldScheme, newScheme, countsUse)
  }

  private static func levels(_ old: PagingScheme, _ new: PagingScheme, _ countsUse: Bool) -> [ComparedLevel] {
    old.levels.indices.map { ComparedLevel(old, new, number: $0, countsUse: countsUse) }
  }

  /// Compares two tables, or a table with nothing, and all that hangs below.
  ///
  /// - Parameters: the addresses of the tables, or `TablePairs.none`.
  @inline(__always)
  mutating func compare(_ old: UInt64, _ new: UInt64, level: Int, _ memories: ComparedMemories) -> ChangeKinds
  {
    pairs.kinds(old, new, level: level) ?? compareAnew(old, new, level, memories)
  }

  @inline(never)
  private mutating func compareAnew(
    _ old: UInt64, _ new: UInt64, _ level: Int, _ memories: ComparedMemories
  ) -> ChangeKinds {
    guard pairs.count < limit else {
      isComplete = false
      return []
    }
    let found =
      old == TablePairs.none || new == TablePairs.none
      ? contents(of: old == TablePairs.none ? new : old, isOld: new == TablePairs.none, level, memories)
      : differences(old, new, level, memories)
    guard let found else {
      missingTables &+= 1
      return []
    }
    pairs.add(old, new, level: level, found)
    return found
  }

  // MARK: A table that is there at one moment only

  private mutating func contents(
    of table: UInt64, isOld: Bool, _ level: Int, _ memories: ComparedMemories
  ) -> ChangeKinds? {
    let isLast = levels[level].isLast
    let reader = isOld ? levels[level].old : levels[level].new
    let memory = isOld ? memories.old : memories.new
    let leaf: ChangeKinds = isOld ? .removed : .added
    let all: ChangeKinds = [leaf, .marked]
    var found: ChangeKinds = []
    var previous: UInt64 = 0
    let slots = 0..<reader.shape.entryCount
    do throws(MissingPage) {
      try memory.forEachEntry(of: PhysicalAddress(table), reader.shape, slots: slots) { _, raw in
        guard raw != previous else { return true }
        previous = raw
        switch reader.kind(of: raw) {
        case .leaf: found.insert(leaf)
        case .marked: found.insert(.marked)
        case .table:
          let child = reader.table(of: raw)
          found.formUnion(
            compare(
              isOld ? child : TablePairs.none, isOld ? TablePairs.none : child, level: level &+ 1, memories))
        case .absent, .malformed: break
        }
        return !(isLast && found == all)
      }
    } catch {
      return nil
    }
    return found
  }

  // MARK: Two tables

  private mutating func differences(
    _ old: UInt64, _ new: UInt64, _ level: Int, _ memories: ComparedMemories
  ) -> ChangeKinds? {
    let compared = levels[level]
    var found: ChangeKinds = []
    let isRead = memories.forEachPart(of: old, new, compared, slots: 0..<compared.entryCount) {
      found.formUnion(differences($0, from: $1, $2, from: $3, slots: $4, level, compared, memories))
    }
    return isRead ? found : nil
  }

  /// The same for the parts of two tables that lie in one page each.
  private mutating func differences(
    _ old: RawSpan, from oldStart: Int, _ new: RawSpan, from newStart: Int, slots: Range<Int>, _ level: Int,
    _ compared: ComparedLevel, _ memories: ComparedMemories
  ) -> ChangeKinds {
    let size = compared.entrySize
    let length = slots.count &* size
    if compared.isLast, compared.readsAlike, oldStart == newStart, old.isIdentical(to: new) { return [] }
    var found: ChangeKinds = []
    var (position, slot) = (0, slots.lowerBound)
    var previous: (old: UInt64, new: UInt64) = (0, 0)
    while slot < slots.upperBound {
      // Equal lines of the last level say all; above, what they point at must be compared.
      let (oldOffset, newOffset, rest) = (oldStart &+ position, newStart &+ position, length &- position)
      let same =
        compared.isLast && compared.readsAlike
        ? old.equalLength(from: oldOffset, new, from: newOffset, of: rest)
        : old.blankLength(from: oldOffset, new, from: newOffset, of: rest)
      position &+= same
      slot &+= same / size
      // A line, or what is left of the part.
      let end = min(slots.upperBound, slot &+ max(1, RawSpan.lineSize / size))
      while slot < end {
        let oldRaw = old.entry(at: oldStart &+ position, size: size)
        let newRaw = new.entry(at: newStart &+ position, size: size)
        if oldRaw != previous.old || newRaw != previous.new {
          previous = (oldRaw, newRaw)
          found.formUnion(
            level == 0 && compared.readsAlike && oldRaw == newRaw
              ? kinds(below: oldRaw, ofRootAt: slot, compared, memories)
              : difference(oldRaw, newRaw, slot, level, compared, memories))
        }
        slot &+= 1
        position &+= size
      }
    }
    return found
  }

  /// What differs below an entry that a root has at both moments.
  @inline(__always)
  private mutating func kinds(
    below raw: UInt64, ofRootAt slot: Int, _ compared: ComparedLevel, _ memories: ComparedMemories
  ) -> ChangeKinds {
    if slot < lastRoot.count, lastRoot[slot].raw == raw { return lastRoot[slot].found }
    let missing = missingTables
    let found = difference(raw, raw, slot, 0, compared, memories)
    // Each entry that points at a missing table counts.
    if slot < lastRoot.count, missing == missingTables { lastRoot[slot] = (raw, found) }
    return found
  }

  /// What differs between two entries of the same slot, and below them.
  private mutating func difference(
    _ oldRaw: UInt64, _ newRaw: UInt64, _ slot: Int, _ level: Int, _ compared: ComparedLevel,
    _ memories: ComparedMemories
  ) -> ChangeKinds {
    let oldKind = compared.old.kind(of: oldRaw)
    if compared.readsAlike, oldRaw == newRaw {
      guard oldKind == .table else { return [] }
      let child = compared.old.table(of: oldRaw)
      return compare(child, child, level: level &+ 1, memories)
    }
    let newKind = compared.new.kind(of: newRaw)
    switch (oldKind, newKind) {
    case (.table, .table):
      let found = compare(
        compared.old.table(of: oldRaw), compared.new.table(of: newRaw), level: level &+ 1, memories)
      let (oldRights, newRights) = (
        compared.old.rights(through: oldRaw, by: .all), compared.new.rights(through: newRaw, by: .all)
      )
      return oldRights == newRights ? found : found.union(.access)
    case (.leaf, .leaf): return compared.difference(ofLeaves: oldRaw, newRaw, slot: slot)
    case (.leaf, .table), (.table, .leaf): return .bits
    case (.marked, .marked): return oldRaw == newRaw ? [] : .marked
    case (.marked, _), (_, .marked): return .marked
    case (.table, _):
      return compare(compared.old.table(of: oldRaw), TablePairs.none, level: level &+ 1, memories)
    case (_, .table):
      return compare(TablePairs.none, compared.new.table(of: newRaw), level: level &+ 1, memories)
    case (.leaf, _): return .removed
    case (_, .leaf): return .added
    default: return []
    }
  }
}
