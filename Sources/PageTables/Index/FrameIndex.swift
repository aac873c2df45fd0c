/// The reverse index from physical memory to tables: which tables hold a leaf that maps a given block of memory.
///
/// For each level that has leaves, blocks of memory are hashed into buckets, and each bucket lists the nodes with a
/// leaf in one of its blocks, once each: 4 bytes per table and block, whatever the number of leaves. A table whose
/// leaves are scattered over many blocks has a signature of fixed size instead, so that indexing a table takes at
/// most a sixteenth of the table's own size. A look-up reads the few tables of one bucket, and those whose
/// signature matches. If a table is written during indexing, the index may miss that table, but nothing else.
package struct FrameIndex: Sendable {
  /// One level's buckets.
  private struct Level: Sendable {
    let level: Int
    let shape: PagingLevelShape
    let blocks: MemoryBlocks
    /// The nodes of bucket b: `nodes[starts[b] ..< starts[b + 1]]`.
    var starts: [UInt32]
    var nodes: [UInt32]
    /// The nodes that have a signature, followed by the signatures in the same order.
    let strewn: [UInt32]
    let signatures: [UInt64]
  }

  private var levels: [Level] = []

  /// 16 frames: small enough that a look-up reads few tables, large enough that a run of frames takes few cells.
  private static let smallestBlockShift: UInt64 = 16

  /// - Parameter progress: called repeatedly with the number of tables read so far; returning false cancels the
  ///   work, and the result is nil.
  package init?(
    _ graph: TableGraph, memory: any PhysicalMemory, progress: (_ read: Int) -> Bool = { _ in true }
  ) {
    for level in graph.scheme.levels.indices {
      guard let index = FrameIndex.index(level, of: graph, memory, progress) else { return nil }
      if !index.nodes.isEmpty || !index.strewn.isEmpty { levels.append(index) }
    }
  }

  private static func index(
    _ level: Int, of graph: TableGraph, _ memory: any PhysicalMemory, _ progress: (Int) -> Bool
  ) -> Level? {
    let shape = PagingLevelShape(graph.scheme.levels[level])
    let nodes = graph.nodes(at: level)
    let leaves = nodes.reduce(0) { $0 + graph.leaves(in: $1) }
    var bits: UInt64 = 4
    while 1 << bits < leaves / 8 && bits < 24 { bits += 1 }
    let blocks = MemoryBlocks(shift: max(smallestBlockShift, shape.shift), mask: 1 << bits - 1)
    guard let parts = FrameIndexPart.parts(of: nodes, blocks, graph, memory, progress) else { return nil }
    var result = Level(
      level: level, shape: shape, blocks: blocks, starts: [0], nodes: [], strewn: parts.flatMap(\.strewn),
      signatures: parts.flatMap(\.signatures))
    if parts.count == 1 {
      (result.starts, result.nodes) = (parts[0].starts, parts[0].nodes)
      return result
    }
    result.starts.reserveCapacity(blocks.bucketCount + 1)
    result.nodes.reserveCapacity(parts.reduce(0) { $0 + $1.nodes.count })
    for bucket in 0..<blocks.bucketCount {
      for part in parts { result.nodes.append(contentsOf: part.nodes[part.cells(of: bucket)]) }
      result.starts.append(UInt32(truncatingIfNeeded: result.nodes.count))
    }
    return result
  }

  /// Calls `body` with every leaf entry that maps the byte at `address`, upper levels first, by node and slot.
  func forEachEntry(
    mapping address: PhysicalAddress, in graph: TableGraph, _ memory: any PhysicalMemory,
    _ body: (_ node: TableGraph.Node, _ slot: Int, _ raw: UInt64, _ shape: PagingLevelShape) -> Void
  ) {
    for level in levels {
      let block = level.blocks.block(of: address)
      let bucket = level.blocks.bucket(of: block)
      let pageMask = ~(level.shape.span &- 1)
      let wanted = address.value & pageMask
      let shape = level.shape
      func look(in node: UInt32) {
        graph.forEachLeaf(in: Int(node), shape, memory: memory) { slot, raw, physical in
          if physical.value & pageMask == wanted { body(Int(node), slot, raw, shape) }
        }
      }
      for node in level.nodes[Int(level.starts[bucket])..<Int(level.starts[bucket + 1])]
      where node != FrameIndexPart.nobody {
        look(in: node)
      }
      let bit = MemoryBlocks.signatureBit(of: block)
      for (number, node) in level.strewn.enumerated()
      where level.signatures[number * MemoryBlocks.signatureWords + bit >> 6] & 1 << UInt64(bit & 63) != 0 {
        look(in: node)
      }
    }
  }
}
