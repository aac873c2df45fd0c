import PageTables

/// Says what lies below a table of a map, by its leaves: the kind that a person looks for first.
struct MapContents {
  let scheme: PagingScheme
  let memory: any PhysicalMemory
  let directMaps: DirectMaps?
  /// Whether frames of user space may be mirrored.
  let mayMirrorUsers: Bool
  /// Tables that may still be read for one picture; below others there is what their rights and addresses let expect.
  var budget = 600

  /// - Parameters:
  ///   - base: the first address that the table translates, in the translated bits.
  ///   - path: what the path to the table allows.
  mutating func kind(below table: TableReference, base: UInt64, rights path: Rights) -> MapCell.Kind {
    let most = path.isUser ? MapCell.Kind.user : .kernel
    guard budget > 0, scheme.levels.indices.contains(table.level) else { return most }
    budget -= 1
    guard let runs = try? scheme.runs(of: table, in: memory) else { return most }
    let level = scheme.levels[table.level]
    var found = MapCell.Kind.absent
    for run in runs where found.rawValue < most.rawValue {
      let start = base &+ UInt64(run.slot) &* level.span
      switch run.kind {
      case .absent, .marked, .malformed: continue
      case .leaf:
        let rights = path.intersection(level.format.rights(of: run.raw, kind: .leaf))
        let kind = kind(ofLeaf: rights, scheme.canonical(start), run.address)
        if kind.rawValue > found.rawValue { found = kind }
      case .table:
        let rights = path.intersection(level.format.rights(of: run.raw, kind: .table))
        // Neighbours that point at one table hold the same, but for the distance that makes a direct map.
        for number in 0..<min(run.count, run.stride == 0 ? 2 : run.count) where found.rawValue < most.rawValue
        {
          let below = TableReference(
            address: PhysicalAddress(run.address.value &+ UInt64(number) &* run.stride),
            level: table.level + 1)
          let kind = kind(below: below, base: start &+ UInt64(number) &* level.span, rights: rights)
          if kind.rawValue > found.rawValue { found = kind }
        }
      }
    }
    return found
  }

  func kind(ofLeaf rights: Rights, _ virtual: VirtualAddress, _ physical: PhysicalAddress) -> MapCell.Kind {
    if rights.isUser { return .user }
    return directMaps?.contains(virtual, physical) == true ? .direct : .kernel
  }
}
