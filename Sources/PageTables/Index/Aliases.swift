/// Everything that maps one byte of physical memory.
public struct Aliases: Sendable {
  /// The byte that was asked for.
  public let physical: PhysicalAddress
  /// By the first space and its lowest address; hostile tables have more than are told.
  public let groups: [AliasGroup]
  /// How many groups there are.
  public let groupCount: Int
  /// How many (space, virtual address) there are, all groups together; saturating.
  public let count: UInt64
}

extension SpaceIndex {
  /// Everything that maps the byte at a physical address.
  ///
  /// - Parameter limit: groups that are told at most, by scheme; the count is that of all.
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

  /// Calls `body` with the members of one group of aliases, in no order, until it answers false: there may be more
  /// of them than anybody could hold.
  public func forEachMember(
    of group: AliasGroup, mapping address: PhysicalAddress, _ body: (Alias) -> Bool
  ) {
    let indexed = groups[positions[group.first.spaceNumber][group.first.window].group]
    guard let node = indexed.graph.node(of: group.table) else { return }
    indexed.graph.forEachArrival(at: node, indexed.parents) { arrival in
      for member in indexed.rootMembers[arrival.root] ?? [] {
        let alias = indexed.alias(arrival, member: member, node, group.slot, group.raw, address)
        guard body(alias) else { return false }
      }
      return true
    }
  }

  /// Up to `limit` members of one group of aliases, by space and address as far as they were looked at.
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

  /// The entries that map a byte, up to `limit` of them; how many there are, and how many paths lead to them.
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
          spaces > 1 || counts.paths[entry.node] > 1 ? .sharedTable : .entry
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

  /// An entry of a linear map stays one when a second path (a boot-time table) leads to it as well. Some paths are
  /// enough to look at: an honest kernel has a table at two addresses at most.
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
