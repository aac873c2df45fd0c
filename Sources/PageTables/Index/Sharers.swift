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
  /// The spaces that share user memory with space number `spaceNumber`, those that share most first, freed ones last;
  /// of two copies of one space only the first; none where there is no such space.
  ///
  /// Spaces that reach the same tables are counted once for all of them, so the cost depends on the number of
  /// distinct tables, and only a number is kept per space.
  ///
  /// - Parameter limit: approximately the most leaves and runs of pages to visit; if that does not suffice, the
  ///   remaining counts are lower bounds.
  public func sharers(of spaceNumber: Int, in memory: any PhysicalMemory, limit: Int = 1 << 28) -> [Sharer] {
    guard positions.indices.contains(spaceNumber) else { return [] }
    let owned = userMemory(of: spaceNumber, memory)
    let pageSize = groups.map(\.graph.scheme.pageSize).min() ?? Frame.size
    var search = SharerSearch(
      owned.ranges, pageSize: pageSize, memory, isCut: owned.isCut, limit: limit)
    search.look(through: groups)
    // Two copies of one space are one, which shares nothing with itself.
    let asked = copies[spaceNumber] ?? spaceNumber
    func rank(_ sharer: Sharer) -> (Int, Int, Int) {
      (freed.contains(sharer.spaceNumber) ? 1 : 0, -sharer.pages, sharer.spaceNumber)
    }
    return search.found.values.filter { $0.spaceNumber != asked && copies[$0.spaceNumber] == nil }
      .sorted { rank($0) < rank($1) }
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

  /// What a space shares through its windows of one scheme.
  private struct Part: Hashable {
    let group: Int
    let signature: Signature
  }

  mutating func look(through groups: [IndexedSpaces]) {
    guard !pages.isEmpty else { return }
    let nodes = groups.map { sharingNodes(of: $0) }
    var parts: [Int: [Part]] = [:]
    for (number, group) in groups.enumerated() where !nodes[number].isEmpty {
      look(through: group, nodes[number]) { spaceNumber, signature in
        parts[spaceNumber, default: []].append(Part(group: number, signature: signature))
      }
    }
    // A page that a space maps through windows of two schemes is one page: count these spaces over all their windows.
    var counted: [[Part]: (pages: Int, isAtLeast: Bool)] = [:]
    for (spaceNumber, parts) in parts where parts.count > 1 {
      let result = counted[parts] ?? count(parts.map(\.group), nodes, of: spaceNumber, groups)
      counted[parts] = result
      found[spaceNumber] = sharer(spaceNumber, result)
    }
  }

  private func sharer(_ spaceNumber: Int, _ result: (pages: Int, isAtLeast: Bool)) -> Sharer {
    Sharer(
      spaceNumber: spaceNumber, pages: result.pages, bytes: UInt64(result.pages) &* pageSize,
      isAtLeast: result.isAtLeast)
  }

  /// How many distinct pages of the memory a space maps for its user through windows of several schemes.
  private mutating func count(
    _ numbers: [Int], _ nodes: [[TableGraph.Node]], of spaceNumber: Int, _ groups: [IndexedSpaces]
  ) -> (pages: Int, isAtLeast: Bool) {
    pages.clear()
    var isStopped = isCut
    for number in numbers {
      let group = groups[number]
      group.graph.forEachRootBatch({ group.spaceNumbers[$0] == spaceNumber }) { _, reached in
        isStopped = add(nodes[number].lazy.filter { reached[$0] != 0 }, of: group) || isStopped
      }
    }
    return (pages.count, isStopped)
  }

  /// Counts what spaces share through one group, and calls `body` with each of these spaces.
  private mutating func look(
    through group: IndexedSpaces, _ nodes: [TableGraph.Node], _ body: (Int, Signature) -> Void
  ) {
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
          found[spaceNumber] = sharer(spaceNumber, result)
          body(spaceNumber, signatures[bit])
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
    let isStopped = add(nodes, of: group)
    return (pages.count, isStopped || isCut)
  }

  /// Adds the pages of the memory that the given tables map for the user; returns whether it was stopped before the
  /// end.
  private mutating func add(_ nodes: some Sequence<TableGraph.Node>, of group: IndexedSpaces) -> Bool {
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
    return isStopped
  }
}
