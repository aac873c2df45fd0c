/// Everything that maps one byte of physical memory.
public struct Aliases: Sendable {
  public let physical: PhysicalAddress
  /// By the first space and its lowest address; hostile tables have more than are told.
  public let groups: [AliasGroup]
  /// How many groups there are.
  public let groupCount: Int
  /// How many (space, virtual address) there are, all groups together; saturating.
  public let count: UInt64
}

extension IndexedSpaces {
  /// The groups of entries that map a byte, up to `limit` of them; how many there are, and how many paths lead to
  /// them.
  func aliasGroups(
    of address: PhysicalAddress, in memory: any PhysicalMemory, limit: Int
  ) -> (groups: [AliasGroup], groupCount: Int, count: UInt64) {
    var found: [(node: TableGraph.Node, slot: Int, raw: UInt64, isUser: Bool)] = []
    var isUserMapped = false
    var groupCount = 0
    var count: UInt64 = 0
    frames.forEachEntry(mapping: address, in: graph, memory) { node, slot, raw in
      guard counts.isReached(node) else { return }
      let format = graph.scheme.levels[graph.level(of: node)].format
      let rights = TableCounts.rights(counts.pathAccess[node], through: format.access(of: raw, kind: .leaf))
      let isUser = rights & TableCounts.withUser != 0
      isUserMapped = isUserMapped || isUser
      if found.count < limit { found.append((node, slot, raw, isUser)) }
      groupCount += 1
      let (sum, overflow) = count.addingReportingOverflow(counts.paths[node])
      count = overflow ? .max : sum
    }
    let groups = found.map { entry in
      let level = graph.level(of: entry.node)
      let arrival = graph.firstArrival(at: entry.node, counts)
      let first = alias(arrival, entry.node, entry.slot, entry.raw, address)
      let spaces = Int(counts.spaces[entry.node])
      let kind: AliasKind =
        if arrival.isRecursive {
          .recursive
        } else if !entry.isUser, isDirect(entry.node, first, arrival.base, address) {
          .directMap
        } else if !entry.isUser, isUserMapped {
          .mirror
        } else {
          spaces > 1 || counts.paths[entry.node] > 1 ? .sharedTable : .entry
        }
      return AliasGroup(
        kind: kind, table: graph.table(entry.node), slot: entry.slot, raw: entry.raw,
        pageSize: graph.scheme.levels[level].span, spaces: spaces, count: counts.paths[entry.node],
        first: first)
    }
    return (groups, groupCount, count)
  }

  /// Calls `body` with the aliases that end in one entry, until it answers false.
  func forEachMember(
    of group: AliasGroup, mapping address: PhysicalAddress, _ body: (Alias) -> Bool
  ) {
    guard let node = graph.node(of: group.table) else { return }
    graph.forEachArrival(at: node, parents) { arrival in
      let one = alias(arrival, node, group.slot, group.raw, address)
      for place in rootPlaces[arrival.root] ?? [] {
        guard body(Alias(place: place, virtual: one.virtual, access: one.access)) else { return false }
      }
      return true
    }
  }

  /// Up to `limit` of the aliases that end in one entry, by space and address as far as they were looked at.
  func members(of group: AliasGroup, mapping address: PhysicalAddress, limit: Int) -> [Alias] {
    guard limit > 0 else { return [] }
    var found: [Alias] = []
    forEachMember(of: group, mapping: address) { alias in
      found.append(alias)
      return found.count < limit
    }
    return found.sorted { ($0.place, $0.virtual) < ($1.place, $1.virtual) }
  }

  private func alias(
    _ arrival: Arrival, _ node: TableGraph.Node, _ slot: Int, _ raw: UInt64, _ address: PhysicalAddress
  ) -> Alias {
    let level = graph.scheme.levels[graph.level(of: node)]
    let base = arrival.base &+ UInt64(slot) &* level.span
    return Alias(
      place: rootPlaces[arrival.root]?.first ?? 0,
      virtual: graph.scheme.canonical(base &+ (address.value & (level.span &- 1))),
      access: graph.scheme.granted(by: arrival.access.intersection(level.format.access(of: raw, kind: .leaf)))
    )
  }

  /// An entry of a linear map stays one when a second path (a boot-time table) leads to it as well. Some paths are
  /// enough to look at: an honest kernel has a table at two addresses at most.
  private func isDirect(
    _ node: TableGraph.Node, _ first: Alias, _ firstBase: UInt64, _ address: PhysicalAddress
  ) -> Bool {
    if directMaps.contains(first.virtual, address) { return true }
    var paths = 0
    var isFound = false
    graph.forEachArrival(at: node, parents) { arrival in
      paths += 1
      let virtual = graph.scheme.canonical(first.virtual.value &+ (arrival.base &- firstBase))
      isFound = directMaps.contains(virtual, address)
      return !isFound && paths < 64
    }
    return isFound
  }
}
