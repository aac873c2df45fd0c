/// Iterates over some entries of a table that lie in one page: the loop that all walks use. Most of a table is
/// empty, and is skipped in steps of a cache line.
struct EntryCursor {
  /// Where the next entry lies, in bytes from the page's start.
  private var position: Int
  private var next: Int
  private let end: Int

  /// - Parameter offset: that of the first slot's entry, in bytes from the page's start.
  @inline(__always)
  init(offset: Int, slots: Range<Int>) {
    position = offset
    next = slots.lowerBound
    end = slots.upperBound
  }

  /// The slot of the entry returned last.
  @inline(__always)
  var slot: Int { next &- 1 }

  /// The next entry that is not 0, or 0 if none is left. Not an optional, as that would double the cost of the
  /// loop.
  @inline(__always)
  mutating func nextEntry(in page: RawSpan, size: Int) -> UInt64 {
    while next < end {
      let blank = page.blankEntries(at: position, slot: next, end: end, size: size)
      if blank > 0 {
        next &+= blank
        position &+= blank &* size
        continue
      }
      let raw = page.entry(at: position, size: size)
      next &+= 1
      position &+= size
      if raw != 0 { return raw }
    }
    return 0
  }
}

extension PhysicalMemory {
  /// Calls `body` with every nonzero entry in some slots of a table, in slot order, until `body` returns false.
  ///
  /// - Throws: `MissingPage` at the first page of the table that cannot be read.
  @inline(__always)
  func forEachEntry(
    of table: PhysicalAddress, _ shape: PagingLevelShape, slots: Range<Int>,
    _ body: (_ slot: Int, _ raw: UInt64) -> Bool
  ) throws(MissingPage) {
    let size = shape.entrySize
    try withEntries(of: table, level: shape, slots: slots) { page, offset, slots in
      var cursor = EntryCursor(offset: offset, slots: slots)
      while true {
        let raw = cursor.nextEntry(in: page, size: size)
        guard raw != 0 else { return true }
        guard body(cursor.slot, raw) else { return false }
      }
    }
  }

  /// The same for the entries of a table read by a scheme, for callers that visit only a few tables.
  ///
  /// - Parameter slots: by default all slots of the table; slots outside the table are ignored.
  package func forEachEntry(
    of table: TableReference, in scheme: PagingScheme, slots: Range<Int>? = nil,
    _ body: (_ slot: Int, _ raw: UInt64, _ kind: EntryKind) -> Bool
  ) throws(MissingPage) {
    let shape = PagingLevelShape(scheme.levels[table.level])
    let all = 0..<shape.entryCount
    try forEachEntry(of: table.address, shape, slots: slots?.clamped(to: all) ?? all) { slot, raw in
      body(slot, raw, shape.format.kind(of: raw))
    }
  }
}

/// Decodes the kind of a table's entries, and what a path through them allows. Most consecutive entries agree in
/// all but the address, so only the first of them is decoded in full.
struct EntryDecoder {
  /// What the path to the table allows.
  let path: Rights
  /// What the scheme changes in the rights of paths.
  private let adjustment: RightsAdjustment
  private var leaf: UInt64 = 0
  private var hasLeaf = false
  private var pointer: UInt64 = 0
  private var hasPointer = false
  /// What the path through the most recent leaf allows.
  private(set) var leafRights: Rights = []
  /// What the path through the most recent entry that points at a table allows.
  private(set) var tableRights: Rights = []

  init(path: Rights, scheme: PagingScheme) {
    self.path = path
    adjustment = scheme.rightsAdjustment
  }

  /// The kind of an entry that is not 0.
  @inline(__always)
  mutating func kind(of raw: UInt64, _ shape: PagingLevelShape) -> EntryKind {
    if hasLeaf, (raw ^ leaf) & shape.leafDecidingBits == 0 { return .leaf }
    if hasPointer, (raw ^ pointer) & shape.tableDecidingBits == 0 { return .table }
    let kind = shape.format.kind(of: raw)
    if kind == .leaf {
      leaf = raw
      hasLeaf = true
      let rights = path.intersection(shape.format.rights(of: raw, kind: .leaf))
      leafRights = adjustment.granted(by: rights)
    } else if kind == .table {
      pointer = raw
      hasPointer = true
      tableRights = path.intersection(shape.format.rights(of: raw, kind: .table))
    }
    return kind
  }
}
