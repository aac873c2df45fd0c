/// Consecutive entries of one table that read alike: the tree shows them as one row.
public struct EntryRun: Hashable, Sendable {
  /// The first entry's index in the table.
  public var slot: Int
  /// Entries in the run, at least 1.
  public var count: Int
  /// The first entry's raw value.
  public var raw: UInt64
  /// The kind of the entries.
  public var kind: EntryKind
  /// What the first entry points at: a frame or a table; for a software mark, the frame that it keeps; otherwise 0.
  public var address: PhysicalAddress
  /// The distance between the addresses of consecutive entries: the page size in a contiguous run, 0 where all
  /// entries are the same.
  public var stride: UInt64
  /// How many of the entries at a time belong together: more than 1 where the run is of whole groups, as
  /// `parted(_:level:)` finds them.
  public var groupLength = 1

  /// A run of `count` entries from `slot` on.
  public init(
    slot: Int, count: Int, raw: UInt64, kind: EntryKind, address: PhysicalAddress, stride: UInt64
  ) {
    self.slot = slot
    self.count = count
    self.raw = raw
    self.kind = kind
    self.address = address
    self.stride = stride
  }

  /// Empty entries.
  fileprivate static func absent(_ slots: Range<Int>) -> EntryRun {
    EntryRun(
      slot: slots.lowerBound, count: slots.count, raw: 0, kind: .absent, address: PhysicalAddress(0),
      stride: 0)
  }
}

extension PagingScheme {
  /// The entries of one table, with equal neighbours folded: leaves with the same attributes whose frames are
  /// contiguous, and entries that are identical in all bits.
  ///
  /// Empty for a table of a level that the scheme does not have.
  ///
  /// - Parameter folded: false gives a run of 1 for every entry that is not absent; absent ones are always folded.
  /// - Throws: `MissingPage` when the table cannot be read.
  public func runs(
    of table: TableReference, in memory: any PhysicalMemory, folded: Bool = true
  ) throws(MissingPage) -> [EntryRun] {
    guard levels.indices.contains(table.level) else { return [] }
    let level = levels[table.level]
    let shape = PagingLevelShape(level)
    var runs: [EntryRun] = []
    var next = 0
    try memory.forEachEntry(of: table.address, shape, slots: 0..<shape.entryCount) { slot, raw in
      if slot > next { runs.append(.absent(next..<slot)) }
      append(raw, slot, to: &runs, shape, table.level, folded, memory)
      next = slot + 1
      return true
    }
    if next < shape.entryCount { runs.append(.absent(next..<shape.entryCount)) }
    return runs
  }

  /// Adds an entry that is not absent: extends the last run where it fits, otherwise begins a new one.
  private func append(
    _ raw: UInt64, _ slot: Int, to runs: inout [EntryRun], _ shape: PagingLevelShape, _ level: Int,
    _ folded: Bool, _ memory: any PhysicalMemory
  ) {
    let kind = shape.format.kind(of: raw)
    if let last = runs.last, last.kind == kind, folded {
      let previousAddress = last.address.value &+ UInt64(last.count - 1) &* last.stride
      let step: UInt64? =
        if kind == .leaf, raw & shape.leafAttributes == last.raw & shape.leafAttributes {
          shape.frame(of: raw, slot: slot).value &- previousAddress
        } else if raw == last.raw {
          0
        } else {
          nil
        }
      if let step, step == 0 || step == shape.span, last.count == 1 || last.stride == step {
        runs[runs.count - 1].count += 1
        runs[runs.count - 1].stride = step
        return
      }
    }
    let address: PhysicalAddress =
      switch kind {
      case .leaf: shape.frame(of: raw, slot: slot)
      case .table: shape.format.tableAddress.address(in: raw)
      case .marked: mark(in: raw, level: level, of: memory)?.address ?? PhysicalAddress(0)
      case .absent, .malformed: PhysicalAddress(0)
      }
    runs.append(EntryRun(slot: slot, count: 1, raw: raw, kind: kind, address: address, stride: 0))
  }
}
