/// Counts along paths, for every node of a graph: who reaches it, and how often. Counts saturate.
///
/// Owners are members of the graph; members come in the order of their spaces.
public struct TableCounts: Sendable {
  /// How many spaces reach each node: two spaces with the same root count as two, two windows of one space and two
  /// copies of one space as one. Freed roots count only where nothing else reaches a node.
  public private(set) var spaces: [UInt32]
  /// The first member, in the order given, that reaches each node.
  public private(set) var owners: [UInt32]
  /// How many (space, virtual address) pairs lead to each node.
  public private(set) var paths: [UInt64]
  /// The same without those of further copies of a space and of freed roots.
  private var countedPaths: [UInt64]
  /// The edge by which the owner first reaches each node, at its lowest address; `none` for a root.
  var firstEdges: [UInt32]
  /// What the paths to each node allow.
  var pathRights: [RightsSet]

  /// Which members count.
  let isWanted: [Bool]

  static let none = UInt32.max
  private static let nobody = UInt32.max

  /// - Parameters:
  ///   - isWanted: which members count; a node that only other members reach counts as not reached.
  ///   - isFreed: which members are roots that were freed: what they reach besides others is not shared.
  public init(
    _ graph: TableGraph, isWanted: (_ member: Int) -> Bool = { _ in true },
    isFreed: (_ member: Int) -> Bool = { _ in false }
  ) {
    let count = graph.count
    self.isWanted = graph.roots.indices.map(isWanted)
    spaces = []
    owners = [UInt32](repeating: TableCounts.nobody, count: count)
    paths = [UInt64](repeating: 0, count: count)
    countedPaths = []
    firstEdges = [UInt32](repeating: TableCounts.none, count: count)
    pathRights = [RightsSet](repeating: RightsSet(), count: count)
    for (member, root) in graph.roots.enumerated() {
      guard let root, self.isWanted[member] else { continue }
      if owners[root] == TableCounts.nobody { owners[root] = UInt32(truncatingIfNeeded: member) }
      paths[root] &+= 1
      pathRights[root] = RightsSet(.all)
    }
    handDown(graph)
    let freed = graph.roots.indices.map(isFreed)
    let isCounted = graph.roots.indices.map { member in
      self.isWanted[member] && !freed[member] && graph.countedSpaces[member] == graph.memberSpaces[member]
    }
    countedPaths = isCounted == self.isWanted ? paths : paths(of: graph, from: isCounted)
    spaces = counted(graph) { self.isWanted[$0] && !freed[$0] }
    guard freed.contains(true) else { return }
    for (node, count) in counted(graph, { self.isWanted[$0] && freed[$0] }).enumerated()
    where spaces[node] == 0 {
      spaces[node] = count
    }
  }

  /// Whether any space reaches a node. A root that could not be read leads nowhere.
  func isReached(_ node: TableGraph.Node) -> Bool { owners[node] != TableCounts.nobody }

  /// Whether several spaces reach a node, or one at several addresses: by its copy alone, or by a freed root, a table of
  /// its own is not shared.
  func isShared(_ node: TableGraph.Node) -> Bool { spaces[node] > 1 || countedPaths[node] > 1 }

  /// How many paths lead to each node from some members; saturating.
  private func paths(of graph: TableGraph, from isCounted: [Bool]) -> [UInt64] {
    var paths = [UInt64](repeating: 0, count: graph.count)
    for (member, root) in graph.roots.enumerated() where isCounted[member] {
      if let root { paths[root] &+= 1 }
    }
    for level in graph.scheme.levels.indices.dropLast() {
      for node in graph.nodes(at: level) where paths[node] != 0 {
        for edge in graph.edges(of: node) {
          let child = Int(graph.edgeTargets[edge])
          let (sum, overflow) = paths[child].addingReportingOverflow(paths[node])
          paths[child] = overflow ? .max : sum
        }
      }
    }
    return paths
  }

  /// Passes owners, paths and rights from every node to its children: nodes are ordered by level, so one pass over
  /// the edges is enough.
  private mutating func handDown(_ graph: TableGraph) {
    var lowest = [UInt64](repeating: 0, count: graph.count)
    for level in graph.scheme.levels.indices.dropLast() {
      let shift = UInt64(graph.scheme.levels[level].shift)
      for node in graph.nodes(at: level) where paths[node] != 0 {
        let (owner, count, rights, base) = (owners[node], paths[node], pathRights[node], lowest[node])
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
          pathRights[child].formUnion(rights.through(entry.rights))
        }
      }
    }
  }

  /// Counts the spaces that reach each node. Handles 64 roots at a time, one bit each, passed from every node to
  /// its children; in hostile memory every root may reach every table.
  private func counted(_ graph: TableGraph, _ isCounted: (_ member: Int) -> Bool) -> [UInt32] {
    var spaces = [UInt32](repeating: 0, count: graph.count)
    graph.forEachRootBatch(of: graph.countedSpaces, isCounted) { batch, reached in
      let weights = batch.map { UInt32(truncatingIfNeeded: $0.members.count) }
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
    return spaces
  }
}

extension TableGraph {
  /// The roots of a space, and the spaces that have exactly these roots.
  struct SharedRoots {
    /// One for each window.
    let nodes: [Node]
    /// The first member of each of those spaces.
    var members: [Int]
  }

  /// The distinct sets of roots, ordered by first node, which is the order in which they first appear.
  private func sharedRoots(_ spaces: [Int], _ isWanted: (_ member: Int) -> Bool) -> [SharedRoots] {
    if zip(spaces, spaces.dropFirst()).allSatisfy(<) { return singleRoots(isWanted) }
    var bySpace: [Int: (first: Int, nodes: [Node])] = [:]
    for (member, root) in roots.enumerated() {
      guard let root, isWanted(member) else { continue }
      bySpace[spaces[member], default: (member, [])].nodes.append(root)
    }
    var members: [[Node]: [Int]] = [:]
    for (first, nodes) in bySpace.values { members[nodes, default: []].append(first) }
    return members.map { SharedRoots(nodes: $0.key, members: $0.value.sorted()) }
      .sorted { $0.nodes.lexicographicallyPrecedes($1.nodes) }
  }

  /// The same where each space has one root, which needs no look-up.
  private func singleRoots(_ isWanted: (_ member: Int) -> Bool) -> [SharedRoots] {
    var all: [(node: Node, member: Int)] = []
    all.reserveCapacity(roots.count)
    for (member, root) in roots.enumerated() {
      if let root, isWanted(member) { all.append((root, member)) }
    }
    all.sort { $0 < $1 }
    var shared: [SharedRoots] = []
    shared.reserveCapacity(all.count)
    for (node, member) in all {
      if let last = shared.indices.last, shared[last].nodes[0] == node {
        shared[last].members.append(member)
      } else {
        shared.append(SharedRoots(nodes: [node], members: [member]))
      }
    }
    return shared
  }

  /// The members that have each root, ascending.
  func rootMembers() -> [Node: [Int]] {
    var members: [Node: [Int]] = [:]
    for (member, root) in roots.enumerated() {
      if let root { members[root, default: []].append(member) }
    }
    return members
  }

  /// Calls `body` with up to 64 sets of roots at a time, and for each node a bit mask of the sets that reach it.
  ///
  /// - Parameter spaces: the space of each member, whose roots belong together; by default each one's own.
  func forEachRootBatch(
    of spaces: [Int]? = nil, _ isWanted: (_ member: Int) -> Bool = { _ in true },
    _ body: (_ batch: [SharedRoots], _ reached: [UInt64]) -> Void
  ) {
    let all = sharedRoots(spaces ?? memberSpaces, isWanted)
    for start in stride(from: 0, to: all.count, by: 64) {
      let batch = Array(all[start..<min(start + 64, all.count)])
      var reached = [UInt64](repeating: 0, count: count)
      for (bit, roots) in batch.enumerated() {
        for node in roots.nodes { reached[node] |= 1 << UInt64(bit) }
      }
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
