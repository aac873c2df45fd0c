/// The virtual addresses at which tables start, over all spaces together: 400 spaces that reach a kernel table at
/// one address give it one base. Computed as asked for, and kept.
struct VirtualBases {
  /// Where a table starts, as an offset from the bottom of the translated bits, and how many paths lead there;
  /// saturating.
  struct Base {
    let offset: UInt64
    var paths: UInt64
  }

  private let graph: TableGraph
  private let parents: ParentEdges
  private let counts: TableCounts
  private var known: [TableGraph.Node: [Base]] = [:]

  /// A table that lies at more addresses than this has the rest left out: paths of hostile tables multiply.
  private static let limit = 64

  init(_ graph: TableGraph, _ parents: ParentEdges, _ counts: TableCounts) {
    self.graph = graph
    self.parents = parents
    self.counts = counts
  }

  /// By offset.
  mutating func callAsFunction(_ node: TableGraph.Node) -> [Base] {
    let level = graph.level(of: node)
    if level == 0 { return [Base(offset: 0, paths: counts.paths[node])] }
    if let bases = known[node] { return bases }
    let shift = UInt64(graph.scheme.levels[level - 1].shift)
    var paths: [UInt64: UInt64] = [:]
    for edge in parents(node) {
      let offset = UInt64(graph.edgeEntries[Int(edge)].slot) &<< shift
      for base in self(graph.source(of: Int(edge))) {
        let place = base.offset &+ offset
        guard paths.count < VirtualBases.limit || paths[place] != nil else { continue }
        let (sum, overflow) = paths[place, default: 0].addingReportingOverflow(base.paths)
        paths[place] = overflow ? .max : sum
      }
    }
    let sorted = paths.map { Base(offset: $0.key, paths: $0.value) }.sorted { $0.offset < $1.offset }
    known[node] = sorted
    return sorted
  }

  /// Where most paths lead, by offset: a boot-time root that holds the kernel's tables a second time, elsewhere, does
  /// not count beside all the others.
  mutating func usual(_ node: TableGraph.Node) -> [UInt64] {
    let bases = self(node)
    let most = bases.map(\.paths).max()
    return bases.filter { $0.paths == most }.map(\.offset)
  }
}
