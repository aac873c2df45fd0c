extension TableGraph {
  /// Calls `body` with every leaf in a node's own table, in slot order, and with the start of the memory that it
  /// maps.
  ///
  /// Reads the table once; empty entries cost next to nothing. Memory may have changed since the graph was built,
  /// so the leaves seen now need not match the counts.
  @inline(__always)
  func forEachLeaf(
    in node: Node, _ shape: PagingLevelShape, memory: any PhysicalMemory,
    _ body: (_ slot: Int, _ raw: UInt64, _ physical: PhysicalAddress) -> Void
  ) {
    guard leaves(in: node) > 0 else { return }
    // A table that could be read once normally can be read again; if a live target has gone, it gives no more
    // leaves.
    // Most consecutive leaves agree in all but the address, so only the first of them is decoded.
    var example: UInt64 = 0
    var hasExample = false
    try? memory.withEntries(of: address(of: node), level: shape, slots: 0..<shape.entryCount) {
      page, offset, slots in
      var cursor = EntryCursor(offset: offset, slots: slots)
      while true {
        let raw = cursor.nextEntry(in: page, size: shape.entrySize)
        guard raw != 0 else { return true }
        if !hasExample || (raw ^ example) & shape.leafDecidingBits != 0 {
          guard shape.format.kind(of: raw) == .leaf else { continue }
          example = raw
          hasExample = true
        }
        body(cursor.slot, raw, shape.frame(of: raw, slot: cursor.slot))
      }
    }
  }
}
