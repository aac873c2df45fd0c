import Dispatch
import Synchronization

/// Reads the tables of one level, which need nothing of each other: on all processors where there are many.
struct LevelReading: Sendable {
  let isLast: Bool
  private let scheme: PagingScheme
  private let shape: PagingLevelShape
  private let memory: any PhysicalMemory

  init(_ scheme: PagingScheme, level: Int, _ memory: any PhysicalMemory) {
    self.scheme = scheme
    self.memory = memory
    shape = PagingLevelShape(scheme.levels[level])
    isLast = level == scheme.levels.count - 1
  }

  /// So many at a time that progress is told often, and that what was read of hostile tables stays small.
  var tablesInRound: Int {
    isLast ? max(1024, (1 << 22) / shape.entryCount) : max(tablesInPart, (1 << 19) / shape.entryCount)
  }

  /// So many that starting a part costs little beside it, and so few that processors end together. To follow the entries
  /// of an upper table takes longer than to count those of a last one.
  private var tablesInPart: Int { isLast ? 64 : 16 }
  /// With fewer parts one processor is done before another has begun.
  private static let fewestParts = 12

  /// What the tables hold, in their order.
  func read(_ tables: [PhysicalAddress]) -> [LevelPart] {
    let starts = Array(stride(from: 0, to: tables.count, by: tablesInPart))
    let read = { @Sendable (number: Int) -> LevelPart in
      part(tables[starts[number]..<min(starts[number] + tablesInPart, tables.count)])
    }
    guard starts.count >= LevelReading.fewestParts else { return starts.indices.map(read) }
    let parts = Mutex([LevelPart?](repeating: nil, count: starts.count))
    DispatchQueue.concurrentPerform(iterations: starts.count) { number in
      let part = read(number)
      parts.withLock { $0[number] = part }
    }
    return parts.withLock { $0.compactMap(\.self) }
  }

  private func part(_ tables: ArraySlice<PhysicalAddress>) -> LevelPart {
    var part = LevelPart()
    part.leafCounts.reserveCapacity(tables.count)
    if !isLast { part.pointerEnds.reserveCapacity(tables.count) }
    for table in tables {
      let (malformed, pointers) = (part.malformed, part.pointers.count)
      do throws(MissingPage) {
        if isLast {
          try countLeaves(of: table, &part)
        } else {
          try follow(table, &part)
        }
      } catch {
        // Of a table that can be read in part only, nothing counts.
        part.malformed = malformed
        part.pointers.removeSubrange(pointers...)
        part.missing &+= 1
        part.leafCounts.append(TableGraph.unreadable)
      }
      if !isLast { part.pointerEnds.append(part.pointers.count) }
    }
    return part
  }

  /// Counts the leaves of a table of the last level, in which every present entry is one unless it is malformed.
  private func countLeaves(of table: PhysicalAddress, _ part: inout LevelPart) throws(MissingPage) {
    var leaves: UInt64 = 0
    try memory.withEntries(of: table, level: shape, slots: 0..<shape.entryCount) { page, offset, slots in
      let counts = shape.countLeaves(page, offset, slots.count)
      leaves &+= counts.leaves
      part.malformed &+= counts.malformed
      return true
    }
    part.leafCounts.append(UInt32(truncatingIfNeeded: leaves))
  }

  /// Counts the leaves of an upper table, and keeps its pointers.
  private func follow(_ table: PhysicalAddress, _ part: inout LevelPart) throws(MissingPage) {
    var leafCount: UInt32 = 0
    try memory.withEntries(of: table, level: shape, slots: 0..<shape.entryCount) { page, offset, slots in
      // Begun anew for each page, so that the loop keeps them in registers.
      var cursor = EntryCursor(offset: offset, slots: slots)
      var decoder = EntryDecoder(path: .all, scheme: scheme)
      var leaves: UInt32 = 0
      defer { leafCount &+= leaves }
      while true {
        let raw = cursor.nextEntry(in: page, size: shape.entrySize)
        guard raw != 0 else { return true }
        switch decoder.kind(of: raw, shape) {
        case .leaf: leaves &+= 1
        case .table:
          part.pointers.append((raw, EdgeEntry(slot: cursor.slot, rights: decoder.tableRights)))
        case .malformed: part.malformed &+= 1
        case .absent, .marked: continue
        }
      }
    }
    part.leafCounts.append(leafCount)
  }
}

/// What some neighbouring tables of a level hold.
struct LevelPart: Sendable {
  /// Leaves in each table; `unreadable` where it could not be read.
  var leafCounts: [UInt32] = []
  /// The entries that point at tables, table after table.
  var pointers: [(raw: UInt64, entry: EdgeEntry)] = []
  /// Where the pointers of each table end.
  var pointerEnds: [Int] = []
  var malformed: UInt64 = 0
  var missing: UInt64 = 0
}
