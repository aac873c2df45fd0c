/// How a path from a root arrives at a node.
struct Arrival: Sendable {
  /// The node of the root that the path starts at.
  var root: TableGraph.Node
  /// Offset of the node's first byte from the bottom of the translated bits.
  var base: UInt64
  /// What the path allows.
  var rights: Rights
  /// Whether the path passes through the same page twice.
  var isRecursive: Bool
}

extension TableGraph {
  /// The address at an offset from the bottom of a member's window.
  func virtual(_ offset: UInt64, member: Int) -> VirtualAddress {
    VirtualAddress(firstAddresses[member].value &+ scheme.canonical(offset).value)
  }

  /// The first path by which the owner of a node reaches it.
  func firstArrival(at node: Node, _ counts: TableCounts) -> Arrival {
    var arrival = Arrival(root: node, base: 0, rights: .all, isRecursive: false)
    var pages = [address(of: node).frame]
    while counts.firstEdges[arrival.root] != TableCounts.none {
      climb(Int(counts.firstEdges[arrival.root]), &arrival, &pages)
    }
    return arrival
  }

  /// Calls `body` with every path to a node, until `body` returns false. Every step up leads to a root, so the work
  /// is proportional to the number of paths requested.
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
