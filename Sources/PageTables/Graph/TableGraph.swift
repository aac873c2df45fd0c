/// All tables that some roots reach, each read once, however many paths lead to it.
///
/// Nodes are (table, level), so a table that points at itself is a node per level and nothing loops. Nodes of a
/// deeper level always have edges from the level above only. All spaces of one graph share one paging scheme.
public struct TableGraph: Sendable {
  /// An index into the graph's nodes.
  public typealias Node = Int

  public let scheme: PagingScheme
  /// The nodes, by index: what they are.
  public private(set) var tables: [TableReference] = []
  /// Whether the table itself could be read; one that could not has no leaves and no children.
  public private(set) var isReadable: [Bool] = []
  /// Leaves in the table itself.
  public private(set) var leaves: [UInt32] = []
  /// The node of each root, in the order given; nil where the root cannot be read.
  public private(set) var roots: [Node?] = []
  /// Entries that point at tables which cannot be read. Those are no nodes: hostile tables point at more of them
  /// than there is memory.
  public private(set) var missingTables: UInt64 = 0
  /// Entries with reserved bits set, over all tables read.
  public private(set) var malformedEntries: UInt64 = 0
  /// Edges of node n: `edges[edgeStarts[n] ..< edgeStarts[n + 1]]`, in slot order.
  private var edgeStarts: [Int] = [0]
  private var edges: [UInt32] = []
  private var indices: [UInt64: UInt32] = [:]

  /// Reads every table that the roots reach, level by level.
  ///
  /// - Parameter isCancelled: asked once a table; answering true ends the work with nil.
  public init?(
    roots rootAddresses: [PhysicalAddress], scheme: PagingScheme, memory: any PhysicalMemory,
    isCancelled: () -> Bool = { false }
  ) {
    self.scheme = scheme
    let readable = memory.extent.readable
    let shapes = scheme.levels.map(PagingLevelShape.init)
    var rootIndices: [UInt32?] = []
    for root in rootAddresses {
      rootIndices.append(node(for: TableReference(address: scheme.aligned(root: root), level: 0), readable))
    }
    var next = 0
    while next < tables.count {
      if isCancelled() { return nil }
      isReadable.append(read(node: next, shapes[tables[next].level], memory, readable))
      edgeStarts.append(edges.count)
      next += 1
    }
    roots = rootIndices.map { index in index.flatMap { isReadable[Int($0)] ? Int($0) : nil } }
  }

  public var count: Int { tables.count }

  /// The nodes that the entries of a node point at, in slot order; one that two entries point at comes twice.
  public func children(of node: Node) -> ArraySlice<UInt32> {
    edges[edgeStarts[node]..<edgeStarts[node + 1]]
  }

  /// The node of a table, nil where its memory cannot be read.
  private mutating func node(for table: TableReference, _ readable: PhysicalRanges) -> UInt32? {
    // Tables lie at 32-byte boundaries or coarser, so the low bits are free for the level.
    let key = table.address.value | UInt64(table.level)
    if let known = indices[key] { return known }
    guard readable.contains(table.address) else { return nil }
    let new = UInt32(tables.count)
    indices[key] = new
    tables.append(table)
    leaves.append(0)
    return new
  }

  /// Appends the edges of one table; answers whether it could be read.
  private mutating func read(
    node: Node, _ shape: PagingLevelShape, _ memory: any PhysicalMemory, _ readable: PhysicalRanges
  ) -> Bool {
    let table = tables[node]
    do throws(MissingPage) {
      try memory.withEntries(of: table.address, level: shape, slots: 0..<shape.entryCount) {
        page, offset, slots in
        scan(page, offset, slots, of: node, level: table.level, shape, readable)
        return true
      }
    } catch {
      missingTables &+= 1
      return false
    }
    return true
  }

  @inline(__always)
  private mutating func scan(
    _ page: RawSpan, _ offset: Int, _ slots: Range<Int>, of node: Node, level: Int, _ shape: PagingLevelShape,
    _ readable: PhysicalRanges
  ) {
    var leafCount: UInt32 = 0
    var position = offset
    // Entries come in crowds that agree in all but the address, and many point at one table (KASAN's shadow).
    var leaf: UInt64?
    var pointer: UInt64 = 0
    var target: UInt32?
    for _ in slots {
      let raw = page.entry(at: position, size: shape.entrySize)
      position &+= shape.entrySize
      if raw == 0 { continue }
      if let leaf, (raw ^ leaf) & shape.leafDecidingBits == 0 {
        leafCount &+= 1
        continue
      }
      if let target, raw == pointer {
        edges.append(target)
        continue
      }
      switch shape.format.kind(of: raw) {
      case .leaf:
        leafCount &+= 1
        leaf = raw
      case .table:
        let reference = TableReference(address: shape.format.tableAddress.address(in: raw), level: level + 1)
        guard let child = self.node(for: reference, readable) else {
          missingTables &+= 1
          continue
        }
        edges.append(child)
        pointer = raw
        target = child
      case .malformed: malformedEntries &+= 1
      case .absent, .marked: break
      }
    }
    leaves[node] &+= leafCount
  }
}

extension TableGraph {
  /// How many of the roots reach each node; a root that is given twice counts twice.
  public func spacesReaching() -> [Int] {
    var counts = [Int](repeating: 0, count: count)
    forEachReach { spaces, node in counts[node] += spaces.count }
    return counts
  }

  /// Calls `body` once for each distinct root and each node that it reaches, with the places that the root has
  /// in the order given.
  public func forEachReach(_ body: (_ spaces: [Int], _ node: Node) -> Void) {
    var places: [Node: [Int]] = [:]
    for (place, root) in roots.enumerated() {
      if let root { places[root, default: []].append(place) }
    }
    let distinct = places.keys.sorted()
    // 64 roots at a time, a bit each, handed on from every node to its children: nodes stand level by level, so
    // one pass over the edges is enough. In hostile memory all roots reach all tables.
    for start in stride(from: 0, to: distinct.count, by: 64) {
      let batch = distinct[start..<min(start + 64, distinct.count)]
      let batchPlaces = batch.map { places[$0] ?? [] }
      var reached = [UInt64](repeating: 0, count: count)
      for (bit, root) in batch.enumerated() { reached[root] = 1 << UInt64(bit) }
      for node in 0..<count where reached[node] != 0 {
        var bits = reached[node]
        for child in children(of: node) { reached[Int(child)] |= bits }
        while bits != 0 {
          body(batchPlaces[bits.trailingZeroBitCount], node)
          bits &= bits - 1
        }
      }
    }
  }

  /// Bytes that the leaves below each node map, every path counted; saturating.
  public func bytesBelow() -> [UInt64] {
    var bytes = [UInt64](repeating: 0, count: count)
    // Nodes were added level by level, so every child has a higher index than its parents.
    for node in stride(from: count - 1, through: 0, by: -1) {
      let span = scheme.levels[tables[node].level].span
      let (own, tooMany) = UInt64(leaves[node]).multipliedReportingOverflow(by: span)
      var sum = tooMany ? UInt64.max : own
      for child in children(of: node) {
        let (total, overflow) = sum.addingReportingOverflow(bytes[Int(child)])
        sum = overflow ? .max : total
      }
      bytes[node] = sum
    }
    return bytes
  }
}
