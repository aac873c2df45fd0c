import PageTables

/// The tables below some roots.
struct TablesBelow {
  private let graph: TableGraph?

  init(of roots: [PhysicalAddress], _ scheme: PagingScheme, _ memory: any PhysicalMemory) {
    graph = TableGraph(roots: roots, scheme: scheme, memory: memory)
  }

  /// Those of the given frames at which another table points; a recursive slot does not count.
  func frames(among wanted: Set<Frame>) -> Set<Frame> {
    guard let graph else { return [] }
    var found: Set<Frame> = []
    for level in graph.scheme.levels.indices.dropLast() {
      for node in graph.nodes(at: level) {
        let own = graph.table(node).address.frame
        for child in graph.children(of: node) {
          let frame = graph.table(Int(child)).address.frame
          if frame != own, wanted.contains(frame) { found.insert(frame) }
        }
      }
    }
    return found
  }
}
