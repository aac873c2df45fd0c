/// Everything that maps one byte of physical memory.
public struct Aliases: Sendable {
  /// The requested byte.
  public let physical: PhysicalAddress
  /// Ordered by first space and its lowest address; possibly not all of them: hostile tables have more than can be
  /// listed.
  public let groups: [AliasGroup]
  /// How many groups there are.
  public let groupCount: Int
  /// How many (space, virtual address) pairs there are, over all groups; saturating.
  public let count: UInt64
}

extension SpaceIndex {
  /// Everything that maps the byte at a physical address.
  ///
  /// - Parameter limit: the most groups to return per scheme; the counts cover all groups.
  public func aliases(
    of address: PhysicalAddress, in memory: any PhysicalMemory, limit: Int = 1 << 14
  ) -> Aliases {
    let entries = groups.map { $0.entries(mapping: address, in: memory, limit: limit) }
    let isUserMapped = entries.contains { $0.isUserMapped }
    var found: [AliasGroup] = []
    var count: UInt64 = 0
    var groupCount = 0
    for (group, part) in zip(groups, entries) {
      found += group.aliasGroups(
        of: part.found, mapping: address, isUserMapped: isUserMapped)
      groupCount += part.entryCount
      let (sum, overflow) = count.addingReportingOverflow(part.pathCount)
      count = overflow ? .max : sum
    }
    return Aliases(
      physical: address,
      groups: found.sorted {
        ($0.first.spaceNumber, $0.first.virtual, $0.slot) < ($1.first.spaceNumber, $1.first.virtual, $1.slot)
      }, groupCount: groupCount, count: count)
  }

  /// Calls `body` with the members of one group of aliases, in no particular order, until `body` returns false:
  /// there may be too many to hold in memory.
  public func forEachMember(
    of group: AliasGroup, mapping address: PhysicalAddress, _ body: (Alias) -> Bool
  ) {
    guard let indexed = self.group(of: group.first.spaceNumber, window: group.first.window),
      let node = indexed.graph.node(of: group.table)
    else { return }
    indexed.graph.forEachArrival(at: node, indexed.parents) { arrival in
      for member in indexed.rootMembers[arrival.root] ?? [] {
        let alias = indexed.alias(arrival, member: member, node, group.slot, group.raw, address)
        guard body(alias) else { return false }
      }
      return true
    }
  }

  /// Up to `limit` members of one group of aliases, ordered by space and address among those visited.
  public func members(of group: AliasGroup, mapping address: PhysicalAddress, limit: Int) -> [Alias] {
    guard limit > 0 else { return [] }
    var found: [Alias] = []
    forEachMember(of: group, mapping: address) { alias in
      found.append(alias)
      return found.count < limit
    }
    return found.sorted { ($0.spaceNumber, $0.virtual) < ($1.spaceNumber, $1.virtual) }
  }
}

extension IndexedSpaces {
  /// An entry that maps a byte.
  fileprivate struct MappingEntry {
    let node: TableGraph.Node
    let slot: Int
    let raw: UInt64
    /// Whether some path to it is open to the user.
    let isUser: Bool
  }

  /// Up to `limit` entries that map a byte, how many such entries there are, and how many paths lead to them.
  fileprivate func entries(
    mapping address: PhysicalAddress, in memory: any PhysicalMemory, limit: Int
  ) -> (found: [MappingEntry], entryCount: Int, pathCount: UInt64, isUserMapped: Bool) {
    var found: [MappingEntry] = []
    var isUserMapped = false
    var entryCount = 0
    var pathCount: UInt64 = 0
    frames.forEachEntry(mapping: address, in: graph, memory) { node, slot, raw, shape in
      guard counts.isReached(node) else { return }
      let isUser = shape.isOpenToUser(raw, by: counts.pathRights[node])
      isUserMapped = isUserMapped || isUser
      if found.count < limit { found.append(MappingEntry(node: node, slot: slot, raw: raw, isUser: isUser)) }
      entryCount += 1
      let (sum, overflow) = pathCount.addingReportingOverflow(counts.paths[node])
      pathCount = overflow ? .max : sum
    }
    return (found, entryCount, pathCount, isUserMapped)
  }

  fileprivate func aliasGroups(
    of entries: [MappingEntry], mapping address: PhysicalAddress, isUserMapped: Bool
  ) -> [AliasGroup] {
    entries.map { entry in
      let level = graph.scheme.levels[graph.level(of: entry.node)]
      let arrival = graph.firstArrival(at: entry.node, counts)
      let owner = Int(counts.owners[entry.node])
      let first = alias(arrival, member: owner, entry.node, entry.slot, entry.raw, address)
      let spaces = Int(counts.spaces[entry.node])
      let kind: AliasKind =
        if arrival.isRecursive {
          .recursive
        } else if !entry.isUser, isDirect(entry, first, arrival.base, address) {
          .directMap
        } else if !entry.isUser, isUserMapped {
          .mirror
        } else {
          counts.isShared(entry.node) ? .sharedTable : .entry
        }
      return AliasGroup(
        kind: kind, table: graph.table(entry.node), slot: entry.slot, raw: entry.raw,
        pageSize: level.pageSize(of: entry.raw), spaces: spaces, count: counts.paths[entry.node], first: first
      )
    }
  }

  fileprivate func alias(
    _ arrival: Arrival, member: Int, _ node: TableGraph.Node, _ slot: Int, _ raw: UInt64,
    _ address: PhysicalAddress
  ) -> Alias {
    let level = graph.scheme.levels[graph.level(of: node)]
    let offset = arrival.base &+ UInt64(slot) &* level.span &+ (address.value & (level.span &- 1))
    let rights = arrival.rights.intersection(level.format.rights(of: raw, kind: .leaf))
    return Alias(
      spaceNumber: spaceNumbers[member], virtual: graph.virtual(offset, member: member),
      rights: graph.scheme.granted(by: rights), window: windowNumbers[member])
  }

  /// Whether the entry belongs to a linear map. It does even if a second path (a boot-time table) also leads to it.
  /// Checking a few paths is enough: an honest kernel has a table at two addresses at most.
  private func isDirect(
    _ entry: MappingEntry, _ first: Alias, _ firstBase: UInt64, _ address: PhysicalAddress
  ) -> Bool {
    if directMaps.contains(first.virtual, address) { return true }
    let span = graph.scheme.levels[graph.level(of: entry.node)].span
    let within = UInt64(entry.slot) &* span &+ (address.value & (span &- 1))
    var paths = 0
    var isFound = false
    graph.forEachArrival(at: entry.node, parents) { arrival in
      for member in rootMembers[arrival.root]?.prefix(1) ?? [] {
        isFound =
          isFound || directMaps.contains(graph.virtual(arrival.base &+ within, member: member), address)
      }
      paths += 1
      return !isFound && paths < 64
    }
    return isFound
  }
}
