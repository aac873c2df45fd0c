import Guests
import PageTables

/// What the detail side links to: the other side of a share or a mirror, other mappings, the page itself.
extension Explorer {
  /// Other mappings, and other places of a share, that are named here; `x` lists all.
  private static let mappingLimit = 5

  func linkLines(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    guard row.kind != .everybodys else { return [] }
    switch row.entryKind {
    case .table: return row.recursionLevel < 0 ? tableLinks(row, space) : []
    case .leaf: return frameLinks(row, space)
    case .absent, .marked, .malformed: return []
    }
  }

  private func place(_ address: VirtualAddress, in spaceNumber: Int, _ name: String = "") -> String {
    let space = tree.spaces[spaceNumber]
    return "\(space.label)  \(Numbers.grouped(address, in: space.scheme(at: address)))"
      + (name.isEmpty ? "" : "  " + name)
  }

  private func tableLinks(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    var lines: [StyledLine] = []
    let level = Int(row.level)
    let table = TableReference(address: row.address, level: level + 1)
    let window = space.window(of: row.virtual)
    if let index, let number = index.particular.share(table, spaceNumber: Int(row.space), window: window) {
      let others = index.shares[number].places.filter {
        $0.spaceNumber != Int(row.space) || $0.virtual != row.virtual
      }
      for other in others.prefix(Self.mappingLimit) {
        lines.append(
          fact("share", place(other.virtual, in: other.spaceNumber), .shared)
            .linked(to: .target(.entry(space: other.spaceNumber, other.virtual, level: level))))
      }
      if others.count > Self.mappingLimit { lines.append(more(others.count - Self.mappingLimit)) }
    } else if let index,
      let sharing = index.spaces.sharing(of: table, in: Int(row.space), window: window),
      sharing.owner != Int(row.space), tree.spaces.indices.contains(sharing.owner)
    {
      lines.append(ownerLine(row, sharing.owner, level))
    }
    lines.append(fact("table", Numbers.hex(row.address), .address).linked(to: .frame(row.address)))
    return lines
  }

  /// The owner of a table, and the way to it where the table is at the same address there.
  private func ownerLine(_ row: TreeRow, _ owner: Int, _ level: Int) -> StyledLine {
    let line = fact("owner", tree.spaces[owner].label)
    let steps = tree.spaces[owner].found.space.translate(row.virtual, in: memory).steps
    guard let step = steps.first(where: { $0.level == level }),
      tree.spaces[owner].scheme(at: row.virtual).levels[level].format.tableAddress.address(in: step.raw)
        == row.address
    else { return line.linked(to: .target(.space(owner))) }
    return line.linked(to: .target(.entry(space: owner, row.virtual, level: level)))
  }

  private func frameLinks(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    var lines: [StyledLine] = []
    let physical = physicalAddress(of: row)
    let peer = index.flatMap { mirrorPeer(of: row, space, $0) }
    if let peer {
      let names = index?.names(ofMirror: peer.number) ?? MirrorNames()
      let other = place(
        peer.virtual, in: peer.spaceNumber, peer.isKernelSide ? names.maker : names.userInShort)
      lines.append(
        fact(peer.isKernelSide ? "mirror" : "mirrors", other, .mirror)
          .linked(to: .target(.address(space: peer.spaceNumber, peer.virtual))))
    }
    if let index {
      let slots = Int(row.slot)..<Int(row.slot) + Int(row.count)
      let aliases = index.spaces.aliases(of: physical, in: memory, limit: Self.mappingLimit + 1)
      let others = aliases.groups.filter {
        ($0.table.address != row.table || $0.table.level != Int(row.level) || !slots.contains($0.slot))
          && !($0.first.virtual == peer?.virtual && $0.first.spaceNumber == peer?.spaceNumber)
      }
      for group in others.prefix(Self.mappingLimit) {
        let alias = group.first
        let link = DetailLink.target(
          .entry(space: alias.spaceNumber, alias.virtual, level: group.table.level))
        let name = group.kind == .mirror ? regionName(of: alias) : ""
        let isGivenBack = index.isGivenBack(group)
        lines.append(
          fact(
            isGivenBack ? AliasKind.givenBackTitle : group.kind.shortTitle,
            place(alias.virtual, in: alias.spaceNumber, name), isGivenBack ? .dim : group.kind.role
          ).linked(to: link))
      }
      let rest =
        aliases.groupCount - 1 - (peer == nil ? 0 : 1) - min(others.count, Self.mappingLimit)
      if rest > 0 { lines.append(more(rest)) }
    }
    lines.append(fact("frame", Numbers.hex(physical), .address).linked(to: .frame(physical)))
    return lines
  }

  private func more(_ count: Int) -> StyledLine {
    fact("", "and \(count) more; x lists them", .dim).linked(to: .crossReferences)
  }
}
