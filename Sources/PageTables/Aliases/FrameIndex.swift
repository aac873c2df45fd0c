/// The way back from physical memory to the tables: which tables hold a leaf that maps some block of it.
///
/// For each level that has leaves, blocks of memory are hashed into buckets, and each bucket lists the nodes with a
/// leaf in one of its blocks, once each: 4 bytes for a table and a block, whatever the number of leaves. A look-up
/// reads the few tables of one bucket.
public struct FrameIndex: Sendable {
  /// One level's buckets.
  private struct Level: Sendable {
    let level: Int
    let shape: PagingLevelShape
    /// log2 of the bytes in a block.
    let blockShift: UInt64
    let mask: UInt64
    /// The nodes of bucket b: `nodes[starts[b] ..< starts[b + 1]]`.
    var starts: [UInt32]
    var nodes: [UInt32] = []
  }

  private var levels: [Level] = []

  /// 64 frames: small enough that a look-up reads few tables, large enough that a run of frames is one entry.
  private static let smallestBlockShift: UInt64 = 18

  /// - Parameter progress: asked now and then, with the tables read so far; answering false ends the work with nil.
  public init?(
    _ graph: TableGraph, memory: any PhysicalMemory, progress: (_ read: Int) -> Bool = { _ in true }
  ) {
    for level in graph.scheme.levels.indices {
      guard let index = FrameIndex.index(level, of: graph, memory, progress) else { return nil }
      if !index.nodes.isEmpty { levels.append(index) }
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
    let blockShift = max(smallestBlockShift, shape.shift)
    let mask: UInt64 = 1 << bits - 1
    var counts = [UInt32](repeating: 0, count: Int(mask) + 2)
    // The node that each bucket got last: a table counts once, however its leaves are strewn.
    var lastNodes = [UInt32](repeating: .max, count: Int(mask) + 1)
    var pairs: [(bucket: UInt32, node: UInt32)] = []
    for node in nodes {
      if node & 63 == 0, !progress(node) { return nil }
      let number = UInt32(truncatingIfNeeded: node)
      graph.forEachLeaf(in: node, shape, memory: memory) { _, _, physical in
        let bucket = Int(truncatingIfNeeded: bucket(of: physical.value >> blockShift, mask))
        if lastNodes[bucket] != number {
          lastNodes[bucket] = number
          counts[bucket &+ 1] &+= 1
          pairs.append((UInt32(truncatingIfNeeded: bucket), number))
        }
      }
    }
    for bucket in 0...Int(mask) { counts[bucket &+ 1] &+= counts[bucket] }
    var result = Level(level: level, shape: shape, blockShift: blockShift, mask: mask, starts: counts)
    result.nodes = [UInt32](repeating: 0, count: pairs.count)
    for pair in pairs {
      result.nodes[Int(counts[Int(pair.bucket)])] = pair.node
      counts[Int(pair.bucket)] &+= 1
    }
    return result
  }

  /// Neighbouring blocks lie in neighbouring buckets, far ones anywhere.
  @inline(__always)
  private static func bucket(of block: UInt64, _ mask: UInt64) -> UInt64 {
    (block ^ (block >> 20) &* 0x9e37_79b9_7f4a_7c15) & mask
  }

  /// Calls `body` with every leaf entry that maps the byte at `address`, upper levels first, by node and slot.
  func forEachEntry(
    mapping address: PhysicalAddress, in graph: TableGraph, _ memory: any PhysicalMemory,
    _ body: (_ node: TableGraph.Node, _ slot: Int, _ raw: UInt64) -> Void
  ) {
    for level in levels {
      let bucket = Int(
        truncatingIfNeeded: FrameIndex.bucket(of: address.value >> level.blockShift, level.mask))
      let pageMask = ~(level.shape.span &- 1)
      let wanted = address.value & pageMask
      for node in level.nodes[Int(level.starts[bucket])..<Int(level.starts[bucket + 1])] {
        graph.forEachLeaf(in: Int(node), level.shape, memory: memory) { slot, raw, physical in
          if physical.value & pageMask == wanted { body(Int(node), slot, raw) }
        }
      }
    }
  }

  /// Bytes that the index keeps.
  public var byteCount: Int { levels.reduce(0) { $0 + 4 * ($1.starts.count + $1.nodes.count) } }
}
