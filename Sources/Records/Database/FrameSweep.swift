import PageTables

/// A mapping of a range of physical memory, as input to the sweep.
struct FrameCover {
  let physical: UInt64
  let length: UInt64
  let virtual: UInt64
  /// The row number of the mapping, and of its space.
  let mapping: Int
  let space: Int
  let isUser: Bool
  let isDirect: Bool
  let isRecursive: Bool
  /// How many spaces, and how many (space, virtual address) pairs, reach the table that holds its entries.
  let spaces: Int
  /// Whether several spaces reach its table, or one at several addresses.
  let isShared: Bool
  let paths: UInt64

  /// How many ways to a frame it counts as: user mappings count once per space and address, kernel mappings once,
  /// since every space has them, and the direct map, which maps all memory, not at all.
  var weight: UInt64 { isUser ? paths : isDirect ? 0 : 1 }

  var end: UInt64 {
    let (sum, overflow) = physical.addingReportingOverflow(length)
    return overflow ? .max : sum
  }

  /// The kind of alias, depending on whether user space maps the frame at all.
  func kind(isUserMapped: Bool) -> AliasKind {
    if isRecursive { return .recursive }
    if !isUser, isDirect { return .directMap }
    if !isUser, isUserMapped { return .mirror }
    return isShared ? .sharedTable : .entry
  }
}

/// Finds the frames that are mapped more than once: passes upwards over physical memory, keeping all mappings of
/// the current frames.
struct FrameSweep {
  private var covers: [FrameCover] = []
  private(set) var isComplete = true

  /// The most mappings kept, and the most rows emitted: in hostile tables each of many mappings may overlap all
  /// others.
  private static let mostCovers = 1 << 20
  private static let mostRows = 1 << 20

  mutating func add(_ cover: FrameCover) {
    guard covers.count < FrameSweep.mostCovers else {
      isComplete = false
      return
    }
    covers.append(cover)
  }

  /// Calls `body` with each run of frames that have the same mappings and at least two ways to them, and with those
  /// mappings, ordered by row.
  mutating func run<Failure: Error>(
    _ body: (_ start: UInt64, _ length: UInt64, _ covers: [FrameCover]) throws(Failure) -> Void
  ) throws(Failure) {
    covers.sort { ($0.physical, $0.mapping) < ($1.physical, $1.mapping) }
    var active: [FrameCover] = []
    var next = 0
    var position: UInt64 = 0
    var rows = 0
    while next < covers.count || !active.isEmpty {
      if active.isEmpty { position = covers[next].physical }
      while next < covers.count, covers[next].physical == position {
        active.append(covers[next])
        next += 1
      }
      var end = active.reduce(UInt64.max) { min($0, $1.end) }
      if next < covers.count { end = min(end, covers[next].physical) }
      if isWayToMany(active) {
        guard rows < FrameSweep.mostRows else {
          isComplete = false
          return
        }
        rows += active.count
        try body(position, end &- position, active.sorted { $0.mapping < $1.mapping })
      }
      position = end
      active.removeAll { $0.end <= position }
    }
  }

  private func isWayToMany(_ covers: [FrameCover]) -> Bool {
    var ways: UInt64 = 0
    for cover in covers {
      ways = ways.addingReportingOverflow(cover.weight).partialValue
      if ways >= 2 || cover.weight >= 2 { return true }
    }
    return false
  }
}
