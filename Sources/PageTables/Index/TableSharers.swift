extension SpaceIndex {
  /// Where spaces reach a table: the space, by its number in the order given, and the first address that the table
  /// translates there. Ordered by space and address among those visited; empty where no space reaches it, or
  /// there is no such window.
  ///
  /// - Parameters:
  ///   - spaceNumber: a space that reads the table by the scheme of one of its windows.
  ///   - limit: the most arrivals to return; `sharing` counts all of them.
  public func arrivals(
    at table: TableReference, in spaceNumber: Int, window: Int, limit: Int
  ) -> [(spaceNumber: Int, virtual: VirtualAddress)] {
    guard limit > 0 else { return [] }
    return group(of: spaceNumber, window: window)?.arrivals(at: table, limit: limit) ?? []
  }
}

extension IndexedSpaces {
  fileprivate func arrivals(
    at table: TableReference, limit: Int
  ) -> [(spaceNumber: Int, virtual: VirtualAddress)] {
    guard let node = graph.node(of: table), counts.isReached(node) else { return [] }
    var found: [(spaceNumber: Int, virtual: VirtualAddress)] = []
    graph.forEachArrival(at: node, parents) { arrival in
      for member in rootMembers[arrival.root] ?? [] {
        found.append((spaceNumbers[member], graph.virtual(arrival.base, member: member)))
        guard found.count < limit else { return false }
      }
      return true
    }
    return found.sorted { ($0.spaceNumber, $0.virtual) < ($1.spaceNumber, $1.virtual) }
  }
}
