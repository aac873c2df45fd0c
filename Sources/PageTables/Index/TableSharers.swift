extension SpaceIndex {
  /// Where spaces reach a table: the space, by its place in the order given, and the first address that the table
  /// translates there. By space and address, as far as they were looked at; none where no space reaches it.
  ///
  /// - Parameters:
  ///   - place: a space that reads the table by its scheme.
  ///   - limit: arrivals that are told at most; `sharing` counts them all.
  public func arrivals(
    at table: TableReference, in place: Int, limit: Int
  ) -> [(place: Int, virtual: VirtualAddress)] {
    guard limit > 0, let group = groups.first(where: { $0.places.contains(place) }) else { return [] }
    return group.arrivals(at: table, limit: limit)
  }
}

extension IndexedSpaces {
  fileprivate func arrivals(
    at table: TableReference, limit: Int
  ) -> [(place: Int, virtual: VirtualAddress)] {
    guard let node = graph.node(of: table), counts.isReached(node) else { return [] }
    var found: [(place: Int, virtual: VirtualAddress)] = []
    graph.forEachArrival(at: node, parents) { arrival in
      for place in rootPlaces[arrival.root] ?? [] {
        found.append((place, graph.scheme.canonical(arrival.base)))
        guard found.count < limit else { return false }
      }
      return true
    }
    return found.sorted { ($0.place, $0.virtual) < ($1.place, $1.virtual) }
  }
}
