/// How a path from a root arrives at a node.
struct Arrival: Sendable {
  /// The node of the root that the path starts at.
  var root: TableGraph.Node
  /// Offset of the node's first byte from the bottom of the translated bits.
  var base: UInt64
  /// What the path allows.
  var rights: Rights
  /// Whether the path leads through one page twice.
  var isRecursive: Bool
}

extension TableGraph {
  /// The address at an offset in the window of a member.
  func virtual(_ offset: UInt64, member: Int) -> VirtualAddress {
    VirtualAddress(firstAddresses[member].value &+ scheme.canonical(offset).value)
  }

  /// How the owner of a node reaches it first.
  func firstArrival(at node: Node, _ counts: TableCounts) -> Arrival {
    var arrival = Arrival(root: node, base: 0, rights: .all, isRecursive: false)
    var pages = [address(of: node).frame]
    while counts.firstEdges[arrival.root] != TableCounts.none {
      climb(Int(counts.firstEdges[arrival.root]), &arrival, &pages)
    }
    return arrival
  }

  /// Calls `body` with every path to a node, until it answers false. Each step up ends at a root, so the work is
  /// in proportion to the paths that are asked for.
  func forEachArrival(at node: Node, _ parents: ParentEdges, _ body: (Arrival) -> Bool) {
    let start = Arrival(root: node, base: 0, rights: .all, isRecursive: false)
    _ = visitArrivals(start, [address(of: node).frame], parents, body)
  }

  private func visitArrivals(
    _ arrival: Arrival, _ pages: [Frame], _ parents: ParentEdges, _ body: (Arrival) -> Bool
  ) -> Bool {
    if level(of: arrival.root) == 0 { return body(arrival) }
    for edge in parents(arrival.root) {
      var next = arrival
      var path = pages
      climb(Int(edge), &next, &path)
      guard visitArrivals(next, path, parents, body) else { return false }
    }
    return true
  }

  private func climb(_ edge: Int, _ arrival: inout Arrival, _ pages: inout [Frame]) {
    let parent = source(of: edge)
    let entry = edgeEntries[edge]
    arrival.root = parent
    arrival.base &+= UInt64(entry.slot) &<< UInt64(scheme.levels[level(of: parent)].shift)
    arrival.rights.formIntersection(entry.rights)
    let page = address(of: parent).frame
    if pages.contains(page) { arrival.isRecursive = true }
    pages.append(page)
  }
}
