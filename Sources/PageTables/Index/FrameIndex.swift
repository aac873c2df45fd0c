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
    /// log2 of the bytes in a block.
    let blockShift: UInt64
    let mask: UInt64
    /// The nodes of bucket b: `nodes[starts[b] ..< starts[b + 1]]`.
    var starts: [UInt32]
    var nodes: [UInt32] = []
    /// The nodes that have a signature, followed by the signatures in the same order.
    var strewn: [UInt32] = []
    var signatures: [UInt64] = []
  }

  private var levels: [Level] = []

  /// A cell of `nodes` that stayed unused: a table had fewer leaves when it was read again.
  private static let nobody = UInt32.max
  /// 16 frames: small enough that a look-up reads few tables, large enough that a run of frames takes few cells.
  private static let smallestBlockShift: UInt64 = 16
  /// The most buckets for one table; beyond this a signature is smaller.
  private static let mostBuckets = 64
  /// 256 bytes: a full table of the usual size sets a fifth of the bits.
  private static let signatureWords = 32

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

  /// Two passes: the first counts what each bucket will hold, the second fills the buckets, so that no other
  /// storage is needed. Memory may change in between, so the second pass never uses more room than the first one
  /// reserved.
  private static func index(
    _ level: Int, of graph: TableGraph, _ memory: any PhysicalMemory, _ progress: (Int) -> Bool
  ) -> Level? {
    let shape = PagingLevelShape(graph.scheme.levels[level])
    let nodes = graph.nodes(at: level)
    let leaves = nodes.reduce(0) { $0 + graph.leaves(in: $1) }
    var bits: UInt64 = 4
    while 1 << bits < leaves / 8 && bits < 24 { bits += 1 }
    let mask: UInt64 = 1 << bits - 1
    var result = Level(
      level: level, shape: shape, blockShift: max(smallestBlockShift, shape.shift), mask: mask,
      starts: [UInt32](repeating: 0, count: Int(mask) + 2))
    var buckets = NodeBuckets(count: Int(mask) + 1)
    for node in nodes {
      if node & 63 == 0, !progress(node) { return nil }
      buckets.collect(node, of: graph, memory, result.shape, result.blockShift, mask, limit: mostBuckets)
      if buckets.isCut {
        result.strewn.append(UInt32(truncatingIfNeeded: node))
      } else {
        for bucket in buckets.found { result.starts[Int(bucket) &+ 1] &+= 1 }
      }
    }
    for bucket in 0...Int(mask) { result.starts[bucket &+ 1] &+= result.starts[bucket] }
    result.nodes = [UInt32](repeating: nobody, count: Int(result.starts[Int(mask) + 1]))
    result.signatures = [UInt64](repeating: 0, count: result.strewn.count * signatureWords)
    var next = result.starts
    var signature = 0
    buckets = NodeBuckets(count: Int(mask) + 1)
    for node in nodes {
      if node & 63 == 0, !progress(node) { return nil }
      if signature < result.strewn.count, Int(result.strewn[signature]) == node {
        let first = signature * signatureWords
        graph.forEachLeaf(in: node, shape, memory: memory) { _, _, physical in
          let bit = signatureBit(of: physical.value >> result.blockShift)
          result.signatures[first &+ bit >> 6] |= 1 << UInt64(bit & 63)
        }
        signature += 1
        continue
      }
      buckets.collect(node, of: graph, memory, shape, result.blockShift, mask, limit: mostBuckets)
      for bucket in buckets.found where next[Int(bucket)] < result.starts[Int(bucket) &+ 1] {
        result.nodes[Int(next[Int(bucket)])] = UInt32(truncatingIfNeeded: node)
        next[Int(bucket)] &+= 1
      }
    }
    return result
  }

  /// The buckets of one node's leaves, each listed once.
  private struct NodeBuckets {
    /// For each bucket, the last node seen in it.
    private var lastNodes: [UInt32]
    private(set) var found: [UInt32] = []
    /// Whether there are more buckets than the limit.
    private(set) var isCut = false

    init(count: Int) {
      lastNodes = [UInt32](repeating: .max, count: count)
    }

    @inline(__always)
    mutating func collect(
      _ node: TableGraph.Node, of graph: TableGraph, _ memory: any PhysicalMemory, _ shape: PagingLevelShape,
      _ blockShift: UInt64, _ mask: UInt64, limit: Int
    ) {
      found.removeAll(keepingCapacity: true)
      isCut = false
      let number = UInt32(truncatingIfNeeded: node)
      // Neighbouring leaves often map one block.
      var last = UInt64.max
      graph.forEachLeaf(in: node, shape, memory: memory) { _, _, physical in
        let block = physical.value >> blockShift
        guard block != last else { return }
        last = block
        let bucket = Int(truncatingIfNeeded: FrameIndex.bucket(of: block, mask))
        guard lastNodes[bucket] != number else { return }
        lastNodes[bucket] = number
        if found.count < limit { found.append(UInt32(truncatingIfNeeded: bucket)) } else { isCut = true }
      }
    }
  }

  @inline(__always)
  private static func signatureBit(of block: UInt64) -> Int {
    Int(truncatingIfNeeded: (block &* 0x9e37_79b9_7f4a_7c15) >> 53)
  }

  /// Neighbouring blocks hash into neighbouring buckets, distant ones anywhere.
  @inline(__always)
  private static func bucket(of block: UInt64, _ mask: UInt64) -> UInt64 {
    (block ^ (block >> 20) &* 0x9e37_79b9_7f4a_7c15) & mask
  }

  /// Calls `body` with every leaf entry that maps the byte at `address`, upper levels first, by node and slot.
  func forEachEntry(
    mapping address: PhysicalAddress, in graph: TableGraph, _ memory: any PhysicalMemory,
    _ body: (_ node: TableGraph.Node, _ slot: Int, _ raw: UInt64, _ shape: PagingLevelShape) -> Void
  ) {
    for level in levels {
      let bucket = Int(
        truncatingIfNeeded: FrameIndex.bucket(of: address.value >> level.blockShift, level.mask))
      let pageMask = ~(level.shape.span &- 1)
      let wanted = address.value & pageMask
      let shape = level.shape
      func look(in node: UInt32) {
        graph.forEachLeaf(in: Int(node), shape, memory: memory) { slot, raw, physical in
          if physical.value & pageMask == wanted { body(Int(node), slot, raw, shape) }
        }
      }
      for node in level.nodes[Int(level.starts[bucket])..<Int(level.starts[bucket + 1])]
      where node != FrameIndex.nobody {
        look(in: node)
      }
      let bit = FrameIndex.signatureBit(of: address.value >> level.blockShift)
      for (number, node) in level.strewn.enumerated()
      where level.signatures[number * FrameIndex.signatureWords + bit >> 6] & 1 << UInt64(bit & 63) != 0 {
        look(in: node)
      }
    }
  }
}
