extension TableGraph {
  /// The graph's invariants that are violated; empty when all hold. For tests: checks everything.
  package func brokenInvariants() -> [String] {
    var broken: [String] = []
    func check(_ holds: Bool, _ rule: String) { if !holds { broken.append(rule) } }
    check(levelStarts.count == scheme.levels.count + 1, "a start for each level, and an end")
    check(levelStarts == levelStarts.sorted() && levelStarts.last == count, "levels follow each other")
    check(leafCounts.count == count, "a leaf count for each node")
    check(
      edgeStarts == edgeStarts.sorted() && edgeStarts.last == edgeTargets.count, "edges follow each other")
    check(edgeStarts.count == levelStarts[scheme.levels.count - 1] + 1, "edges for all but the last level")
    check(edgeEntries.count == edgeTargets.count, "an entry for each edge")
    for level in scheme.levels.indices {
      for node in nodes(at: level) {
        check(self.level(of: node) == level, "node \(node) stands among its level")
        check(self.node(of: table(node)) == node, "node \(node) is found by its table")
        check(
          leaves(in: node) <= scheme.levels[level].entryCount, "node \(node) has no more leaves than entries")
        var slot = -1
        for edge in edges(of: node) {
          let target = Int(edgeTargets[edge])
          check(source(of: edge) == node, "edge \(edge) knows its source")
          check(target < count && self.level(of: target) == level + 1, "edge \(edge) leads one level down")
          check(edgeEntries[edge].slot > slot, "edges of node \(node) stand in slot order")
          slot = edgeEntries[edge].slot
        }
        check(isReadable(node) || edges(of: node).isEmpty, "unreadable node \(node) leads nowhere")
      }
    }
    check(roots.allSatisfy { $0.map { level(of: $0) == 0 } ?? true }, "roots stand at level 0")
    return broken
  }
}
