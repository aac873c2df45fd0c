/// The edges that lead to each node of a graph.
struct ParentEdges: Sendable {
  /// The edges into node n: `edges[starts[n] ..< starts[n + 1]]`, ascending.
  private let starts: [UInt32]
  private let edges: [UInt32]

  init(_ graph: TableGraph) {
    var starts = [UInt32](repeating: 0, count: graph.count + 1)
    for target in graph.edgeTargets { starts[Int(target) + 1] &+= 1 }
    for node in 0..<graph.count { starts[node + 1] &+= starts[node] }
    var next = starts
    var edges = [UInt32](repeating: 0, count: graph.edgeTargets.count)
    for (edge, target) in graph.edgeTargets.enumerated() {
      edges[Int(next[Int(target)])] = UInt32(truncatingIfNeeded: edge)
      next[Int(target)] &+= 1
    }
    self.starts = starts
    self.edges = edges
  }

  func count(of node: TableGraph.Node) -> Int { Int(starts[node + 1] &- starts[node]) }

  func callAsFunction(_ node: TableGraph.Node) -> ArraySlice<UInt32> {
    edges[Int(starts[node])..<Int(starts[node + 1])]
  }
}
