import Synchronization

/// How memory is divided into blocks, and how these are hashed into buckets.
struct MemoryBlocks: Sendable {
  /// log2 of the bytes in a block.
  let shift: UInt64
  /// One less than the number of buckets, which is a power of two.
  let mask: UInt64

  /// 256 bytes: a full table of the usual size sets a fifth of the bits.
  static let signatureWords = 32

  var bucketCount: Int { Int(mask) + 1 }

  @inline(__always)
  func block(of address: PhysicalAddress) -> UInt64 { address.value >> shift }

  /// Neighbouring blocks hash into neighbouring buckets, distant ones anywhere.
  @inline(__always)
  func bucket(of block: UInt64) -> Int {
    Int(truncatingIfNeeded: (block ^ (block >> 20) &* 0x9e37_79b9_7f4a_7c15) & mask)
  }

  /// The bit of a block in a signature.
  @inline(__always)
  static func signatureBit(of block: UInt64) -> Int {
    Int(truncatingIfNeeded: (block &* 0x9e37_79b9_7f4a_7c15) >> 53)
  }
}

/// The buckets of some neighbouring nodes of a level, filled by one processor.
struct FrameIndexPart: Sendable {
  /// The nodes of bucket b: `nodes[starts[b] ..< starts[b + 1]]`.
  private(set) var starts: [UInt32]
  private(set) var nodes: [UInt32] = []
  /// The nodes that have a signature, and the signatures in the same order.
  private(set) var strewn: [UInt32] = []
  private(set) var signatures: [UInt64] = []

  /// A cell of `nodes` that stayed unused: a table had fewer leaves when it was read again.
  static let nobody = UInt32.max
  /// The most buckets for one table; beyond this a signature is smaller.
  private static let mostBuckets = 64
  /// With fewer nodes one processor is done before another has begun.
  private static let fewestNodes = 512

  func cells(of bucket: Int) -> Range<Int> { Int(starts[bucket])..<Int(starts[bucket + 1]) }

  /// Whether another processor should leave off.
  private final class Cancellation: Sendable {
    let isWanted = Atomic(false)
  }

  /// The parts of a level's nodes, in their order; nil where `progress` returned false.
  static func parts(
    of nodes: Range<TableGraph.Node>, _ blocks: MemoryBlocks, _ graph: TableGraph,
    _ memory: any PhysicalMemory, _ progress: (Int) -> Bool
  ) -> [FrameIndexPart]? {
    guard nodes.count >= fewestNodes else {
      return FrameIndexPart(nodes, blocks, graph, memory, progress).map { [$0] }
    }
    let middle = nodes.lowerBound + nodes.count / 2
    let cancellation = Cancellation()
    let halves = alongside {
      FrameIndexPart(middle..<nodes.upperBound, blocks, graph, memory) { _ in
        !cancellation.isWanted.load(ordering: .relaxed)
      }
    } work: {
      FrameIndexPart(nodes.lowerBound..<middle, blocks, graph, memory) { node in
        let goesOn = progress(node)
        if !goesOn { cancellation.isWanted.store(true, ordering: .relaxed) }
        return goesOn
      }
    }
    guard let first = halves.work, let second = halves.other else { return nil }
    return [first, second]
  }

  /// Two passes: the first counts what each bucket will hold, the second fills the buckets, so that no other
  /// storage is needed. Memory may change in between, so the second pass never uses more room than the first one
  /// reserved.
  private init?(
    _ range: Range<TableGraph.Node>, _ blocks: MemoryBlocks, _ graph: TableGraph,
    _ memory: any PhysicalMemory, _ progress: (Int) -> Bool
  ) {
    guard let level = range.first.map({ graph.level(of: $0) }) else {
      starts = [UInt32](repeating: 0, count: blocks.bucketCount + 1)
      return
    }
    let shape = PagingLevelShape(graph.scheme.levels[level])
    starts = [UInt32](repeating: 0, count: blocks.bucketCount + 1)
    var buckets = NodeBuckets(count: blocks.bucketCount)
    for node in range {
      if node & 63 == 0, !progress(node) { return nil }
      buckets.collect(node, of: graph, memory, shape, blocks, limit: FrameIndexPart.mostBuckets)
      if buckets.isCut {
        strewn.append(UInt32(truncatingIfNeeded: node))
      } else {
        for bucket in buckets.found { starts[Int(bucket) &+ 1] &+= 1 }
      }
    }
    for bucket in 0..<blocks.bucketCount { starts[bucket &+ 1] &+= starts[bucket] }
    nodes = [UInt32](repeating: FrameIndexPart.nobody, count: Int(starts[blocks.bucketCount]))
    signatures = [UInt64](repeating: 0, count: strewn.count * MemoryBlocks.signatureWords)
    var next = starts
    var signature = 0
    buckets = NodeBuckets(count: blocks.bucketCount)
    for node in range {
      if node & 63 == 0, !progress(node) { return nil }
      if signature < strewn.count, Int(strewn[signature]) == node {
        let first = signature * MemoryBlocks.signatureWords
        graph.forEachLeaf(in: node, shape, memory: memory) { _, _, physical in
          let bit = MemoryBlocks.signatureBit(of: blocks.block(of: physical))
          signatures[first &+ bit >> 6] |= 1 << UInt64(bit & 63)
        }
        signature += 1
        continue
      }
      buckets.collect(node, of: graph, memory, shape, blocks, limit: FrameIndexPart.mostBuckets)
      for bucket in buckets.found where next[Int(bucket)] < starts[Int(bucket) &+ 1] {
        nodes[Int(next[Int(bucket)])] = UInt32(truncatingIfNeeded: node)
        next[Int(bucket)] &+= 1
      }
    }
  }
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
    _ blocks: MemoryBlocks, limit: Int
  ) {
    found.removeAll(keepingCapacity: true)
    isCut = false
    let number = UInt32(truncatingIfNeeded: node)
    // Neighbouring leaves often map one block.
    var last = UInt64.max
    graph.forEachLeaf(in: node, shape, memory: memory) { _, _, physical in
      let block = blocks.block(of: physical)
      guard block != last else { return }
      last = block
      let bucket = blocks.bucket(of: block)
      guard lastNodes[bucket] != number else { return }
      lastNodes[bucket] = number
      if found.count < limit { found.append(UInt32(truncatingIfNeeded: bucket)) } else { isCut = true }
    }
  }
}
