/// Everything that maps one byte of physical memory.
public struct Aliases: Sendable {
  public let physical: PhysicalAddress
  /// By the first space and its lowest address.
  public let groups: [AliasGroup]
  /// How many (space, virtual address) there are, all groups together; saturating.
  public var count: UInt64 {
    groups.reduce(0) { sum, group in
      let (total, overflow) = sum.addingReportingOverflow(group.count)
      return overflow ? .max : total
    }
  }
}

extension IndexedSpaces {
  /// The groups of entries that map a byte.
  func aliasGroups(of address: PhysicalAddress, in memory: any PhysicalMemory) -> [AliasGroup] {
    var found: [(node: TableGraph.Node, slot: Int, raw: UInt64, isUser: Bool)] = []
    frames.forEachEntry(mapping: address, in: graph, memory) { node, slot, raw in
      let format = graph.scheme.levels[graph.level(of: node)].format
      let rights = TableCounts.rights(counts.pathAccess[node], through: format.access(of: raw, kind: .leaf))
      found.append((node, slot, raw, rights & TableCounts.withUser != 0))
    }
    let isUserMapped = found.contains { $0.isUser }
    return found.map { entry in
      let level = graph.level(of: entry.node)
      let arrival = graph.firstArrival(at: entry.node, counts)
      let first = alias(arrival, entry.node, entry.slot, entry.raw, address)
      let spaces = Int(counts.spaces[entry.node])
      let kind: AliasKind =
        if arrival.isRecursive {
          .recursive
        } else if !entry.isUser, isDirect(entry.node, first, address) {
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
  }

  /// Up to `limit` of the aliases that end in one entry, by space and address as far as they were looked at.
  func members(of group: AliasGroup, mapping address: PhysicalAddress, limit: Int) -> [Alias] {
    guard let node = graph.node(of: group.table), limit > 0 else { return [] }
    var found: [Alias] = []
    graph.forEachArrival(at: node, parents) { arrival in
      for place in rootPlaces[arrival.root] ?? [] where found.count < limit {
        var one = alias(arrival, node, group.slot, group.raw, address)
        one = Alias(place: place, virtual: one.virtual, access: one.access)
        found.append(one)
      }
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
      access: arrival.access.intersection(level.format.access(of: raw, kind: .leaf)))
  }

  /// An entry of a linear map stays one when a second path (a boot-time table) leads to it as well.
  private func isDirect(_ node: TableGraph.Node, _ first: Alias, _ address: PhysicalAddress) -> Bool {
    if directMaps.contains(first.virtual, address) { return true }
    guard parents.count(of: node) > 1 || counts.paths[node] > UInt64(counts.spaces[node]) else {
      return false
    }
    var bases = VirtualBases(graph, parents, counts)
    let firstBase = graph.firstArrival(at: node, counts).base
    return bases(node).contains { base in
      let virtual = graph.scheme.canonical(first.virtual.value &+ (base.offset &- firstBase))
      return directMaps.contains(virtual, address)
    }
  }
}
