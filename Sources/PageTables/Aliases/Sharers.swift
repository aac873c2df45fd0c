/// A space that maps frames of another one's user memory for its own user, too.
public struct Sharer: Hashable, Sendable {
  /// By its place in the order given.
  public let place: Int
  /// Distinct pages of the smallest size that both map.
  public let pages: Int
  /// The same in bytes.
  public let bytes: UInt64
}

extension SpaceIndex {
  /// The spaces that share user memory with the space at `place`, those that share most first.
  ///
  /// - Parameter limit: pages of one table, and of one space, that are counted at most; hostile tables map more than
  ///   there is.
  public func sharers(of place: Int, in memory: any PhysicalMemory, limit: Int = 1 << 20) -> [Sharer] {
    var owned: [PhysicalRange] = []
    _ = spaces[place].forEachRange(in: memory) { range in
      if range.access.contains(.user) {
        let length = range.isOneFrame ? spaces[place].scheme.levels[range.level].span : range.length
        owned.append(PhysicalRange(range.physical, range.physical.advanced(by: length)))
      }
      return owned.count < limit
    }
    let ranges = PhysicalRanges(owned)
    var pages = [[UInt64]](repeating: [], count: spaces.count)
    for group in groups {
      let hits = group.userPages(in: ranges, memory, limit: limit)
      group.graph.forEachReach { members, node in
        guard let found = hits[node] else { return }
        for member in members where pages[group.places[member]].count < limit {
          pages[group.places[member]] += found
        }
      }
    }
    return pages.indices.filter { $0 != place && !pages[$0].isEmpty }.map { other in
      let count = Set(pages[other]).count
      return Sharer(place: other, pages: count, bytes: UInt64(count) &* Frame.size)
    }.sorted { ($1.pages, $0.place) < ($0.pages, $1.place) }
  }
}

extension IndexedSpaces {
  /// The frames of some ranges that leaves of each table map for the user.
  fileprivate func userPages(
    in ranges: PhysicalRanges, _ memory: any PhysicalMemory, limit: Int
  ) -> [TableGraph.Node: [UInt64]] {
    var found: [TableGraph.Node: [UInt64]] = [:]
    guard !ranges.ranges.isEmpty else { return found }
    let filter = FrameFilter(ranges)
    for level in graph.scheme.levels.indices {
      let shape = PagingLevelShape(graph.scheme.levels[level])
      for node in graph.nodes(at: level)
      where graph.leaves(in: node) > 0 && counts.pathAccess[node] & TableCounts.withUser != 0 {
        var pages: [UInt64] = []
        graph.forEachLeaf(in: node, shape, memory: memory) { _, raw, physical in
          guard shape.format.access(of: raw, kind: .leaf).contains(.user) else { return }
          if shape.span == Frame.size, !filter.mayContain(physical) { return }
          ranges.forEachPage(of: Frame.size, from: physical, length: shape.span) { page in
            pages.append(page.value)
            return pages.count < limit
          }
        }
        if !pages.isEmpty { found[node] = pages }
      }
    }
    return found
  }
}
