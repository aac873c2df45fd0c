extension PhysicalMemory {
  /// Calls `body` with every entry of some slots of a table that is not 0, in slot order, until it answers false: the
  /// one loop that all walks are made of. Most of a table is empty, and is passed over in steps of a cache line.
  ///
  /// - Throws: `MissingPage` at the first page of the table that cannot be had.
  @inline(__always)
  func forEachEntry(
    of table: PhysicalAddress, _ shape: PagingLevelShape, slots: Range<Int>,
    _ body: (_ slot: Int, _ raw: UInt64) -> Bool
  ) throws(MissingPage) {
    let size = shape.entrySize
    try withEntries(of: table, level: shape, slots: slots) { page, offset, slots in
      var position = offset
      var slot = slots.lowerBound
      while slot < slots.upperBound {
        let blank = page.blankEntries(at: position, slot: slot, end: slots.upperBound, size: size)
        if blank > 0 {
          slot &+= blank
          position &+= blank &* size
          continue
        }
        let raw = page.entry(at: position, size: size)
        if raw != 0, !body(slot, raw) { return false }
        slot &+= 1
        position &+= size
      }
      return true
    }
  }

  /// The same for all of a table that a scheme reads, for whoever walks a few.
  ///
  /// - Parameter slots: all of the table's by default; what lies outside is left out.
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

/// Tells what the entries of one table are, and what a path through them allows. Leaves come in crowds that agree in
/// all but the address; after the first, none needs more decoded than that.
struct EntryDecoder {
  /// What the path to the table allows.
  let path: Rights
  /// Whether the supervisor writes what is read-only.
  private let grantsWrite: Bool
  private var example: UInt64 = 0
  private var hasExample = false
  /// What the path through the leaf allows that was met last.
  private(set) var leafRights: Rights = []

  init(path: Rights, scheme: PagingScheme) {
    self.path = path
    grantsWrite = scheme.supervisorWritesReadOnly
  }

  /// What an entry is that is not 0.
  @inline(__always)
  mutating func kind(of raw: UInt64, _ shape: PagingLevelShape) -> EntryKind {
    if hasExample, (raw ^ example) & shape.leafDecidingBits == 0 { return .leaf }
    let kind = shape.format.kind(of: raw)
    if kind == .leaf {
      example = raw
      hasExample = true
      let rights = path.intersection(shape.format.rights(of: raw, kind: .leaf))
      leafRights = grantsWrite ? rights.union(.write) : rights
    }
    return kind
  }

  /// What a path through an entry that points at a table allows.
  @inline(__always)
  func rights(through raw: UInt64, _ shape: PagingLevelShape) -> Rights {
    path.intersection(shape.format.rights(of: raw, kind: .table))
  }
}
