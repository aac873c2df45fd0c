/// What multiplies along paths, for every node of a graph: who reaches it, and how often. Counts saturate.
public struct TableCounts: Sendable {
  /// How many spaces reach each node; a root that is given twice counts twice.
  public private(set) var spaces: [UInt32]
  /// The first space, in the order given, that reaches each node.
  public private(set) var owners: [UInt32]
  /// How many (space, virtual address) lead to each node.
  public private(set) var paths: [UInt64]
  /// The edge by which the owner reaches each node first, at its lowest address; `none` for a root.
  var firstEdges: [UInt32]
  /// What paths to each node allow: bit n is set where some path allows exactly `Access(rawValue: n)`.
  var pathAccess: [UInt8]

  static let none = UInt32.max
  private static let nobody = UInt32.max

  /// The bits of `pathAccess` that stand for paths open to user space, and for all others.
  static let withUser: UInt8 = 0b1100_1100
  static let withoutUser: UInt8 = 0b0011_0011

  /// - Parameter isWanted: which places count; what no other reaches is reached by nobody.
  public init(_ graph: TableGraph, isWanted: (_ place: Int) -> Bool = { _ in true }) {
    let count = graph.count
    spaces = [UInt32](repeating: 0, count: count)
    owners = [UInt32](repeating: TableCounts.nobody, count: count)
    paths = [UInt64](repeating: 0, count: count)
    firstEdges = [UInt32](repeating: TableCounts.none, count: count)
    pathAccess = [UInt8](repeating: 0, count: count)
    for (place, root) in graph.roots.enumerated() {
      guard let root, isWanted(place) else { continue }
      if owners[root] == TableCounts.nobody { owners[root] = UInt32(truncatingIfNeeded: place) }
      paths[root] &+= 1
      pathAccess[root] = 1 << Access.all.rawValue
    }
    handDown(graph)
    countSpaces(graph, isWanted)
  }

  /// Whether any space reaches a node: a root that could not be read leads nowhere.
  func isReached(_ node: TableGraph.Node) -> Bool { owners[node] != TableCounts.nobody }

  /// Owners, paths and rights go from every node to its children: nodes stand level by level, so one pass over
  /// the edges is enough.
  private mutating func handDown(_ graph: TableGraph) {
    var lowest = [UInt64](repeating: 0, count: graph.count)
    for level in graph.scheme.levels.indices.dropLast() {
      let shift = UInt64(graph.scheme.levels[level].shift)
      for node in graph.nodes(at: level) where paths[node] != 0 {
        let (owner, count, rights, base) = (owners[node], paths[node], pathAccess[node], lowest[node])
        for edge in graph.edges(of: node) {
          let child = Int(graph.edgeTargets[edge])
          let entry = graph.edgeEntries[edge]
          let address = base &+ UInt64(entry.slot) &<< shift
          if owner < owners[child] || (owner == owners[child] && address < lowest[child]) {
            owners[child] = owner
            lowest[child] = address
            firstEdges[child] = UInt32(truncatingIfNeeded: edge)
          }
          let (sum, overflow) = paths[child].addingReportingOverflow(count)
          paths[child] = overflow ? .max : sum
          pathAccess[child] |= TableCounts.rights(rights, through: entry.access)
        }
      }
    }
  }

  /// Every right of `rights` after an entry that allows `access`.
  static func rights(_ rights: UInt8, through access: Access) -> UInt8 {
    if access == .all { return rights }
    var result: UInt8 = 0
    var rest = rights
    while rest != 0 {
      result |= 1 << (UInt8(rest.trailingZeroBitCount) & access.rawValue)
      rest &= rest &- 1
    }
    return result
  }

  /// 64 roots at a time, a bit each, handed on from every node to its children. In hostile memory all roots reach
  /// all tables.
  private mutating func countSpaces(_ graph: TableGraph, _ isWanted: (Int) -> Bool) {
    graph.forEachRootBatch(isWanted) { batch, reached in
      let weights = batch.map { UInt32(truncatingIfNeeded: $0.places.count) }
      let isPlain = weights.allSatisfy { $0 == 1 }
      for node in 0..<graph.count where reached[node] != 0 {
        if isPlain {
          spaces[node] &+= UInt32(truncatingIfNeeded: reached[node].nonzeroBitCount)
          continue
        }
        var bits = reached[node]
        while bits != 0 {
          spaces[node] &+= weights[bits.trailingZeroBitCount]
          bits &= bits &- 1
        }
      }
    }
  }
}

extension TableGraph {
  /// A root, and the places that it has in the order given.
  struct PlacedRoot {
    let node: Node
    var places: [Int]
  }

  /// The distinct roots, by node, which is the order in which they came first.
  func placedRoots(_ isWanted: (_ place: Int) -> Bool = { _ in true }) -> [PlacedRoot] {
    var places: [Node: [Int]] = [:]
    for (place, root) in roots.enumerated() {
      if let root, isWanted(place) { places[root, default: []].append(place) }
    }
    return places.map { PlacedRoot(node: $0.key, places: $0.value) }.sorted { $0.node < $1.node }
  }

  /// Calls `body` with up to 64 roots at a time, and for each node a bit for each of them that reaches it.
  func forEachRootBatch(
    _ isWanted: (_ place: Int) -> Bool = { _ in true },
    _ body: (_ batch: [PlacedRoot], _ reached: [UInt64]) -> Void
  ) {
    let all = placedRoots(isWanted)
    for start in stride(from: 0, to: all.count, by: 64) {
      let batch = Array(all[start..<min(start + 64, all.count)])
      var reached = [UInt64](repeating: 0, count: count)
      for (bit, root) in batch.enumerated() { reached[root.node] = 1 << UInt64(bit) }
      for node in 0..<max(edgeStarts.count - 1, 0) where reached[node] != 0 {
        let bits = reached[node]
        for edge in edgeStarts[node]..<edgeStarts[node + 1] { reached[Int(edgeTargets[edge])] |= bits }
      }
      body(batch, reached)
    }
  }

  /// Bytes that the leaves below each node map, every path counted; saturating.
  public func bytesBelow() -> [UInt64] {
    sumsBelow { node in
      let (bytes, tooMany) = UInt64(leaves(in: node)).multipliedReportingOverflow(
        by: scheme.levels[level(of: node)].span)
      return tooMany ? .max : bytes
    }
  }

  /// Leaves in each node and below, every path counted; saturating.
  public func leavesBelow() -> [UInt64] { sumsBelow { UInt64(leaves(in: $0)) } }

  private func sumsBelow(_ own: (Node) -> UInt64) -> [UInt64] {
    var sums = [UInt64](repeating: 0, count: count)
    // Nodes were added level by level, so every child has a higher index than its parents.
    for node in stride(from: count - 1, through: 0, by: -1) {
      var sum = own(node)
      for child in children(of: node) {
        let (total, overflow) = sum.addingReportingOverflow(sums[Int(child)])
        sum = overflow ? .max : total
      }
      sums[node] = sum
    }
    return sums
  }
}
