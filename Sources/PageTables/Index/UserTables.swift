/// The tables of one paging scheme, as far as they hold something for the user.
struct UserTables {
  let group: IndexedSpaces
  let paths: UserPaths
  /// For each level, what loops over its tables need.
  let shapes: [PagingLevelShape]
  /// For each level, the index of its pages' size among all sizes.
  let sizes: [Int]

  /// A table with leaves for the user. Most of it holds none, and need not be read again.
  struct Table {
    let node: TableGraph.Node
    /// Which 64ths of the table hold leaves for the user, one bit each.
    let parts: UInt64
  }

  /// - Parameters:
  ///   - shifts: log2 of all page sizes.
  ///   - isCounted: whether the mappings of a space, by its number, count.
  init(_ group: IndexedSpaces, shifts: [UInt64], isCounted: (_ spaceNumber: Int) -> Bool) {
    self.group = group
    paths = UserPaths(group, isCounted: isCounted)
    shapes = group.graph.scheme.levels.map(PagingLevelShape.init)
    sizes = shapes.map { shape in shifts.firstIndex(of: shape.shift) ?? 0 }
  }

  var graph: TableGraph { group.graph }

  /// Looks through a table for the first time: calls `leaf` with every leaf that some path opens to the user, and `mark`
  /// with every entry that is not present, and not 0.
  ///
  /// - Parameter takesMarks: otherwise a table without leaves is not read.
  /// - Returns: the table, nil where it has no leaf for the user.
  @inline(__always)
  func look(
    through node: TableGraph.Node, _ shape: PagingLevelShape, _ memory: any PhysicalMemory, takesMarks: Bool,
    leaf: (_ raw: UInt64, _ physical: PhysicalAddress) -> Void, mark: (_ slot: Int, _ raw: UInt64) -> Void
  ) -> Table? {
    let rights = group.counts.pathRights[node]
    guard rights.hasUser, graph.isReadable(node), takesMarks || graph.leaves(in: node) > 0 else { return nil }
    let partShift = UserTables.partShift(shape)
    var parts: UInt64 = 0
    // Most consecutive leaves agree in all but the address, so only the first of them is decoded.
    var example: UInt64 = 0
    var hasExample = false
    var isOpen = false
    // A table that has gone since the graph was built has no entries left.
    try? memory.withEntries(of: graph.address(of: node), level: shape, slots: 0..<shape.entryCount) {
      page, offset, slots in
      var cursor = EntryCursor(offset: offset, slots: slots)
      while true {
        let raw = cursor.nextEntry(in: page, size: shape.entrySize)
        guard raw != 0 else { return true }
        if !hasExample || (raw ^ example) & shape.leafDecidingBits != 0 {
          guard shape.format.present.matches(raw) else {
            mark(cursor.slot, raw)
            continue
          }
          guard shape.format.kind(of: raw) == .leaf else { continue }
          example = raw
          hasExample = true
          isOpen = shape.isOpenToUser(raw, by: rights)
        }
        guard isOpen else { continue }
        parts |= 1 &<< UInt64(cursor.slot &>> partShift)
        leaf(raw, shape.frame(of: raw, slot: cursor.slot))
      }
    }
    return parts == 0 ? nil : Table(node: node, parts: parts)
  }

  /// log2 of the slots in a 64th of a table, or of one slot where there are fewer.
  private static func partShift(_ shape: PagingLevelShape) -> Int {
    max(shape.entryCount.trailingZeroBitCount - 6, 0)
  }

  /// Calls `body` with every leaf of a table that some path opens to the user.
  @inline(__always)
  func forEachLeaf(
    in table: Table, _ shape: PagingLevelShape, _ memory: any PhysicalMemory,
    _ body: (_ raw: UInt64, _ physical: PhysicalAddress) -> Void
  ) {
    let rights = group.counts.pathRights[table.node]
    let parts = table.parts
    let partShift = UserTables.partShift(shape)
    let first = parts.trailingZeroBitCount &<< partShift
    let end = min((64 &- parts.leadingZeroBitCount) &<< partShift, shape.entryCount)
    var example: UInt64 = 0
    var hasExample = false
    var isOpen = false
    try? memory.withEntries(of: graph.address(of: table.node), level: shape, slots: first..<end) {
      page, offset, slots in
      var slot = slots.lowerBound
      while slot < slots.upperBound {
        let rest = parts &>> UInt64(slot &>> partShift)
        let next = ((slot &>> partShift) &+ max(rest.trailingZeroBitCount, 1)) &<< partShift
        guard rest & 1 == 1 else {
          slot = next
          continue
        }
        while slot < min(next, slots.upperBound) {
          let raw = page.entry(
            at: offset &+ (slot &- slots.lowerBound) &* shape.entrySize, size: shape.entrySize)
          defer { slot &+= 1 }
          guard raw != 0 else { continue }
          if !hasExample || (raw ^ example) & shape.leafDecidingBits != 0 {
            guard shape.format.kind(of: raw) == .leaf else { continue }
            example = raw
            hasExample = true
            isOpen = shape.isOpenToUser(raw, by: rights)
          }
          if isOpen { body(raw, shape.frame(of: raw, slot: slot)) }
        }
      }
      return true
    }
  }

  /// An entry of a node's own table that is not present, at the first address that it has. `base` keeps what is found
  /// out of the table.
  func mark(_ raw: UInt64, at slot: Int, of node: TableGraph.Node, level: Int, base: inout UInt64?) -> Mark {
    let owner = Int(group.counts.owners[node])
    let start = base ?? graph.firstArrival(at: node, group.counts).base
    base = start
    let virtual = graph.virtual(start &+ UInt64(slot) &<< shapes[level].shift, member: owner)
    return Mark(virtual: virtual, level: level, raw: raw, window: group.windowNumbers[owner])
  }
}
