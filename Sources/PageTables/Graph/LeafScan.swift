extension TableGraph {
  /// Calls `body` with every leaf that stands in a node's own table, in slot order, and where the memory begins that
  /// it maps.
  ///
  /// Each table is read once; entries that hold nothing cost next to nothing. Memory may have changed since the graph
  /// was made: what comes now need not be what was counted.
  @inline(__always)
  func forEachLeaf(
    in node: Node, _ shape: PagingLevelShape, memory: any PhysicalMemory,
    _ body: (_ slot: Int, _ raw: UInt64, _ physical: PhysicalAddress) -> Void
  ) {
    guard leaves(in: node) > 0 else { return }
    // What could be read once can be read again; a live target that is gone gives nothing more.
    // Leaves come in crowds that agree in all but the address.
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
