/// The virtual addresses at which tables start, over all spaces together: 400 spaces that reach a kernel table at
/// one address give it one base. Computed as asked for, and kept.
struct VirtualBases {
  private let graph: TableGraph
  private let parents: ParentEdges
  private var known: [TableGraph.Node: [UInt64]] = [:]

  /// A table that lies at more addresses than this has the rest left out: paths of hostile tables multiply.
  private static let limit = 64

  init(_ graph: TableGraph, _ parents: ParentEdges) {
    self.graph = graph
    self.parents = parents
  }

  /// Offsets from the bottom of the translated bits, ascending.
  mutating func callAsFunction(_ node: TableGraph.Node) -> [UInt64] {
    let level = graph.level(of: node)
    if level == 0 { return [0] }
    if let bases = known[node] { return bases }
    let shift = UInt64(graph.scheme.levels[level - 1].shift)
    var bases: Set<UInt64> = []
    for edge in parents(node) where bases.count < VirtualBases.limit {
      let offset = UInt64(graph.edgeEntries[Int(edge)].slot) &<< shift
      for base in self(graph.source(of: Int(edge))) { bases.insert(base &+ offset) }
    }
    let sorted = Array(bases.sorted().prefix(VirtualBases.limit))
    known[node] = sorted
    return sorted
  }
}
