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
    // What could be read once can be read again; a live target that is gone gives nothing more.
    try? memory.withEntries(of: address(of: node), level: shape, slots: 0..<shape.entryCount) {
      page, offset, slots in
      var slot = slots.lowerBound
      while slot < slots.upperBound {
        let position = offset &+ (slot &- slots.lowerBound) &* shape.entrySize
        let blank = page.blankEntries(at: position, slot: slot, end: slots.upperBound, size: shape.entrySize)
        if blank > 0 {
          slot &+= blank
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
