/// A space whose user space maps some of the same frames as another space's user space.
public struct Sharer: Hashable, Sendable {
  /// By its number in the order given.
  public let spaceNumber: Int
  /// Distinct pages of the smallest size that both spaces map.
  public let pages: Int
  /// The same in bytes.
  public let bytes: UInt64
  /// Whether there may be more of them: hostile tables map more than anybody could count.
  public let isAtLeast: Bool
}

extension SpaceIndex {
  /// The spaces that share user memory with space number `spaceNumber`, those that share most first.
  ///
  /// Spaces that reach the same tables are counted once for all of them, so the cost depends on the number of
  /// distinct tables, and only a number is kept per space.
  ///
  /// - Parameter limit: approximately the most leaves and runs of pages to visit; if that does not suffice, the
  ///   remaining counts are lower bounds.
  public func sharers(of spaceNumber: Int, in memory: any PhysicalMemory, limit: Int = 1 << 28) -> [Sharer] {
    let owned = userMemory(of: spaceNumber, memory)
    let pageSize = groups.map(\.graph.scheme.pageSize).min() ?? Frame.size
    var search = SharerSearch(
      owned.ranges, pageSize: pageSize, memory, isCut: owned.isCut, limit: limit)
    for group in groups { search.look(through: group) }
    return search.found.values.filter { $0.spaceNumber != spaceNumber }
      .sorted { ($1.pages, $0.spaceNumber) < ($0.pages, $1.spaceNumber) }
  }

  /// The memory that leaves of a space map for its user; each table is read once, however often the space reaches
  /// it.
  private func userMemory(
    of spaceNumber: Int, _ memory: any PhysicalMemory
  ) -> (ranges: PhysicalRanges, isCut: Bool) {
    var ranges: [PhysicalRange] = []
    // Ranges are joined only after this many have accumulated.
    var patience = 1 << 16
    var isCut = false
    for position in positions[spaceNumber] where !isCut {
      let graph = groups[position.group].graph
      let counts = TableCounts(graph) { $0 == position.member }
      for level in graph.scheme.levels.indices {
        let shape = PagingLevelShape(graph.scheme.levels[level])
        for node in graph.nodes(at: level) where counts.pathRights[node].hasUser {
          let paths = counts.pathRights[node]
          graph.forEachLeaf(in: node, shape, memory: memory) { _, raw, physical in
            guard shape.isOpenToUser(raw, by: paths) else { return }
            let end = physical.advanced(by: shape.span)
            if let last = ranges.last, last.end == physical {
              ranges[ranges.count - 1].end = end
            } else {
              ranges.append(PhysicalRange(physical, end))
            }
          }
          guard ranges.count > patience else { continue }
          ranges = PhysicalRanges(ranges).ranges
          patience = max(patience, 2 * ranges.count)
          if ranges.count > SharerSearch.mostRanges {
            isCut = true
            break
          }
        }
      }
    }
    return (PhysicalRanges(ranges), isCut)
  }
}

/// Searches for spaces that map given memory for their user.
private struct SharerSearch {
  /// By space number.
  private(set) var found: [Int: Sharer] = [:]
  private let memory: any PhysicalMemory
  private let isCut: Bool
  private let pageSize: UInt64
  private let filter: FrameFilter
  private var pages: SharedPages
  private var stepsLeft: Int

  /// The most ranges of memory kept for the one space: 16 GiB if no two pages are adjacent.
  static let mostRanges = 1 << 22
  /// The steps that each count may take at least, even when the overall limit is exhausted.
  private static let leastSteps = 1 << 12

  /// Which of the relevant tables a space reaches, as the exclusive or of one random number per table.
  private struct Signature: Hashable {
    var low: UInt64 = 0
    var high: UInt64 = 0
  }

  init(
    _ ranges: PhysicalRanges, pageSize: UInt64, _ memory: any PhysicalMemory, isCut: Bool, limit: Int
  ) {
    self.memory = memory
    self.pageSize = pageSize
    pages = SharedPages(ranges, pageSize: pageSize)
    filter = FrameFilter(ranges)
    self.isCut = isCut || pages.isCut
    stepsLeft = limit
  }

  mutating func look(through group: IndexedSpaces) {
    guard !pages.isEmpty else { return }
    let nodes = sharingNodes(of: group)
    guard !nodes.isEmpty else { return }
    let marks = nodes.map { _ in Signature(low: .random(in: 0 ... .max), high: .random(in: 0 ... .max)) }
    var counted: [Signature: (pages: Int, isAtLeast: Bool)] = [:]
    group.graph.forEachRootBatch { batch, reached in
      var signatures = [Signature](repeating: Signature(), count: batch.count)
      for (number, node) in nodes.enumerated() {
        var bits = reached[node]
        while bits != 0 {
          signatures[bits.trailingZeroBitCount].low ^= marks[number].low
          signatures[bits.trailingZeroBitCount].high ^= marks[number].high
          bits &= bits &- 1
        }
      }
      for (bit, root) in batch.enumerated() where signatures[bit] != Signature() {
        let result =
          counted[signatures[bit]]
          ?? count(nodes.lazy.filter { reached[$0] & 1 << UInt64(bit) != 0 }, of: group)
        counted[signatures[bit]] = result
        for member in root.members where result.pages > 0 {
          let spaceNumber = group.spaceNumbers[member]
          let known = found[spaceNumber]
          let pages = result.pages + (known?.pages ?? 0)
          found[spaceNumber] = Sharer(
            spaceNumber: spaceNumber, pages: pages, bytes: UInt64(pages) &* pageSize,
            isAtLeast: result.isAtLeast || known?.isAtLeast ?? false)
        }
      }
    }
  }

  /// The tables with a leaf that maps a page of the memory for the user.
  private mutating func sharingNodes(of group: IndexedSpaces) -> [TableGraph.Node] {
    var nodes: [TableGraph.Node] = []
    for level in group.graph.scheme.levels.indices {
      let shape = PagingLevelShape(group.graph.scheme.levels[level])
      for node in group.graph.nodes(at: level)
      where group.graph.leaves(in: node) > 0 && group.counts.pathRights[node].hasUser {
        var isHit = false
        let paths = group.counts.pathRights[node]
        group.graph.forEachLeaf(in: node, shape, memory: memory) { _, raw, physical in
          guard !isHit, shape.isOpenToUser(raw, by: paths) else { return }
          if shape.span == Frame.size, !filter.mayContain(physical) { return }
          isHit = pages.overlaps(physical, shape.span)
        }
        if isHit { nodes.append(node) }
      }
    }
    return nodes
  }

  /// How many distinct pages of the memory the given tables map for the user.
  private mutating func count(
    _ nodes: some Sequence<TableGraph.Node>, of group: IndexedSpaces
  ) -> (pages: Int, isAtLeast: Bool) {
    pages.clear()
    let allowance = max(stepsLeft, SharerSearch.leastSteps)
    var steps = 0
    var isStopped = false
    for node in nodes {
      guard steps < allowance else {
        isStopped = true
        break
      }
      let shape = PagingLevelShape(group.graph.scheme.levels[group.graph.level(of: node)])
      let paths = group.counts.pathRights[node]
      group.graph.forEachLeaf(in: node, shape, memory: memory) { _, raw, physical in
        steps &+= 1
        guard steps < allowance else {
          isStopped = true
          return
        }
        guard shape.isOpenToUser(raw, by: paths) else { return }
        if shape.span == Frame.size, !filter.mayContain(physical) { return }
        steps &+= pages.add(physical, shape.span)
      }
    }
    stepsLeft -= steps
    return (pages.count, isStopped || isCut)
  }
}
