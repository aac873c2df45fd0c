/// All tables of an index, and the entries between them.
extension SpaceIndex {
  /// A distinct table, and how all spaces together use it.
  public struct IndexedTable: Hashable, Sendable {
    /// Where it lies, and the level at which it is read.
    public let table: TableReference
    /// The scheme by which it is read.
    public let scheme: PagingScheme
    /// Who reaches it.
    public let sharing: TableSharing
    /// Leaves in the table itself.
    public let ownLeaves: Int
    /// Leaves in it and below, counted once per path from it; saturating.
    public let leaves: UInt64
  }

  /// A table entry that points at another table.
  public struct TableLink: Hashable, Sendable {
    /// The table that holds the entry, by its index in `tables`.
    public let parent: Int
    /// The table that the entry points at, by its index in `tables`.
    public let child: Int
    /// The entry's index in the parent.
    public let slot: Int
    /// What the entry by itself allows.
    public let rights: Rights

    /// What the entry by itself allows, in the short form.
    public var access: Access { rights.access }
  }

  /// Every distinct table that could be read, ordered by scheme, and within a scheme by level.
  public var tables: [IndexedTable] {
    groups.flatMap { group in
      let below = group.graph.leavesBelow()
      return group.readableNodes.map { node in
        IndexedTable(
          table: group.graph.table(node), scheme: group.graph.scheme, sharing: group.sharing(of: node),
          ownLeaves: group.graph.leaves(in: node), leaves: below[node])
      }
    }
  }

  /// Calls `body` with every entry of a table that points at a readable table, by parent and slot.
  public func forEachLink<Failure: Error>(_ body: (TableLink) throws(Failure) -> Void) throws(Failure) {
    var first = 0
    for group in groups {
      let nodes = group.readableNodes
      var numbers = [Int?](repeating: nil, count: group.graph.count)
      for (number, node) in nodes.enumerated() { numbers[node] = first + number }
      for (number, node) in nodes.enumerated() {
        for edge in group.graph.edges(of: node) {
          guard let child = numbers[Int(group.graph.edgeTargets[edge])] else { continue }
          let entry = group.graph.edgeEntries[edge]
          try body(
            TableLink(parent: first + number, child: child, slot: entry.slot, rights: entry.rights))
        }
      }
      first += nodes.count
    }
  }

  /// Entries that point at tables which cannot be read, saturating; no count includes what those tables map.
  public var missingTables: UInt64 {
    groups.reduce(0) { sum, group in
      let (total, overflow) = sum.addingReportingOverflow(group.graph.missingTables)
      return overflow ? .max : total
    }
  }

  /// For each space, by space number: the tables that it reaches and that could be read, and how many of them
  /// another space reaches, too.
  public var tableCountsOfSpaces: [(tables: Int, shared: Int)] {
    var result = [(tables: Int, shared: Int)](repeating: (0, 0), count: spaces.count)
    for group in groups {
      group.graph.forEachRootBatch { batch, reached in
        var counts = [(tables: Int, shared: Int)](repeating: (0, 0), count: batch.count)
        for node in 0..<group.graph.count where reached[node] != 0 && group.graph.isReadable(node) {
          let shared = group.counts.spaces[node] > 1 ? 1 : 0
          var bits = reached[node]
          while bits != 0 {
            counts[bits.trailingZeroBitCount].tables += 1
            counts[bits.trailingZeroBitCount].shared += shared
            bits &= bits &- 1
          }
        }
        for (roots, count) in zip(batch, counts) {
          for member in roots.members {
            result[group.spaceNumbers[member]].tables += count.tables
            result[group.spaceNumbers[member]].shared += count.shared
          }
        }
      }
    }
    return result
  }

  /// Bytes that each space maps, every path counted, saturating; by space number.
  public var bytesMapped: [UInt64] {
    var result = [UInt64](repeating: 0, count: spaces.count)
    for group in groups {
      let below = group.graph.bytesBelow()
      for (member, root) in group.graph.roots.enumerated() {
        guard let root else { continue }
        let (sum, overflow) = result[group.spaceNumbers[member]].addingReportingOverflow(below[root])
        result[group.spaceNumbers[member]] = overflow ? .max : sum
      }
    }
    return result
  }

  /// How many spaces reach at least one of the tables that hold the entries of these groups of aliases.
  public func spaceCount(of aliases: Aliases) -> Int {
    // A space whose windows have several schemes may reach tables in several of the groups.
    var reaching: Set<Int> = []
    for (number, group) in groups.enumerated() {
      let nodes = aliases.groups
        .filter { positions[$0.first.spaceNumber][$0.first.window].group == number }
        .compactMap { group.graph.node(of: $0.table) }
      reaching.formUnion(group.spaces(reaching: nodes))
    }
    return reaching.count
  }

  /// The spaces, by number, that reach at least one of some tables of a group.
  func spaces(reaching tables: Set<TableReference>, inGroup number: Int) -> Set<Int> {
    groups[number].spaces(reaching: tables.compactMap { groups[number].graph.node(of: $0) })
  }
}

extension IndexedSpaces {
  /// The spaces, by number, that reach one of the nodes. Searches upwards from the nodes; visits each table once.
  fileprivate func spaces(reaching nodes: [TableGraph.Node]) -> Set<Int> {
    var seen = Set(nodes)
    var open = Array(seen)
    var reaching: Set<Int> = []
    while let node = open.popLast() {
      for member in rootMembers[node] ?? [] { reaching.insert(spaceNumbers[member]) }
      for edge in parents(node) {
        let parent = graph.source(of: Int(edge))
        if seen.insert(parent).inserted { open.append(parent) }
      }
    }
    return reaching
  }
}
