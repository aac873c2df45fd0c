extension TableGraph {
  /// Calls `body` with every leaf that stands in a node's own table, in slot order.
  ///
  /// Each table is read once; entries that hold nothing cost next to nothing.
  @inline(__always)
  func forEachLeaf(
    in node: Node, _ shape: PagingLevelShape, memory: any PhysicalMemory,
    _ body: (_ slot: Int, _ raw: UInt64, _ physical: PhysicalAddress) -> Void
  ) {
    guard leaves(in: node) > 0 else { return }
    let lineMask = RawSpan.lineSize / shape.entrySize &- 1
    // What could be read once can be read again; a live target that is gone gives nothing more.
    try? memory.withEntries(of: address(of: node), level: shape, slots: 0..<shape.entryCount) {
      page, offset, slots in
      var slot = slots.lowerBound
      while slot < slots.upperBound {
        let position = offset &+ (slot &- slots.lowerBound) &* shape.entrySize
        if slot & lineMask == 0, slots.upperBound &- slot > lineMask, page.isBlank(at: position) {
          slot &+= lineMask &+ 1
          continue
        }
        let raw = page.entry(at: position, size: shape.entrySize)
        if raw != 0, shape.format.kind(of: raw) == .leaf {
          body(slot, raw, shape.format.leafAddress.address(in: raw))
        }
        slot &+= 1
      }
      return true
    }
  }
}
