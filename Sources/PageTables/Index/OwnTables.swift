extension SpaceIndex {
  /// For each space, by space number: the tables that it reaches and that no other space does, and those that another
  /// one does, too.
  ///
  /// - Parameter owners: for each space, the number of the space that it is counted as: what only such spaces reach is
  ///   their own. Nil for one that takes nothing from others.
  func ownTables(_ owners: [Int?]) -> [(own: Int, shared: Int)] {
    var result = [(own: Int, shared: Int)](repeating: (0, 0), count: spaces.count)
    for group in groups {
      let users = group.graph.users(group.spaceNumbers.map { owners[$0] })
      group.graph.forEachRootBatch { batch, reached in
        var counts = [(nobodys: Int, own: Int, shared: Int)](repeating: (0, 0, 0), count: batch.count)
        for node in 0..<group.graph.count where reached[node] != 0 && group.graph.isReadable(node) {
          var bits = reached[node]
          while bits != 0 {
            switch users[node] {
            case TableGraph.noUser: counts[bits.trailingZeroBitCount].nobodys += 1
            case TableGraph.severalUsers: counts[bits.trailingZeroBitCount].shared += 1
            // That is whoever reaches it here.
            default: counts[bits.trailingZeroBitCount].own += 1
            }
            bits &= bits &- 1
          }
        }
        for (roots, count) in zip(batch, counts) {
          for spaceNumber in roots.members.map({ group.spaceNumbers[$0] }) {
            let isCounted = owners[spaceNumber] != nil
            result[spaceNumber].own += isCounted ? count.own : count.nobodys
            result[spaceNumber].shared += count.shared + (isCounted ? 0 : count.own)
          }
        }
      }
    }
    return result
  }
}

extension TableGraph {
  fileprivate static let noUser: Int32 = -1
  fileprivate static let severalUsers: Int32 = -2

  /// For each node, who reaches it: one of the given owners of members, `noUser` where no owner does, or
  /// `severalUsers`.
  fileprivate func users(_ owners: [Int?]) -> [Int32] {
    var users = [Int32](repeating: TableGraph.noUser, count: count)
    func add(_ user: Int32, to node: Node) {
      guard users[node] != user, user != TableGraph.noUser else { return }
      users[node] = users[node] == TableGraph.noUser ? user : TableGraph.severalUsers
    }
    for (root, owner) in zip(roots, owners) {
      if let root, let owner { add(Int32(truncatingIfNeeded: owner), to: root) }
    }
    for level in scheme.levels.indices.dropLast() {
      for node in nodes(at: level) {
        for child in children(of: node) { add(users[node], to: Int(child)) }
      }
    }
    return users
  }
}
