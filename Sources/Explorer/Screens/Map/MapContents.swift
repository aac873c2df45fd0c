import PageTables

/// Says what lies below a table of a map, by its leaves: the kind that a person looks for first.
struct MapContents {
  private let map: SpaceMap
  let memory: any PhysicalMemory
  /// Of each window of the space; none while that is not known.
  let directMaps: [DirectMaps]
  /// Whether frames of user space may be mirrored.
  let mayMirrorUsers: Bool
  /// Tables that may still be read for one picture; below others there is what their rights and addresses let expect.
  private var budget = 600
  /// The same for the entries of those at the picture's own level and below: a table in which no entry is like the one
  /// before costs most.
  private var runBudget = 14_000
  /// The table of each level that was read last: rows come in the order of addresses.
  private var last: [(table: TableReference, runs: [EntryRun])?] = []

  init(
    _ map: SpaceMap, memory: any PhysicalMemory, directMaps: [DirectMaps], mayMirrorUsers: Bool
  ) {
    self.map = map
    self.memory = memory
    self.directMaps = directMaps
    self.mayMirrorUsers = mayMirrorUsers
  }

  /// Whether a table was just read, or may still be.
  func mayRead(_ table: TableReference, _ scheme: PagingScheme) -> Bool {
    if table.level < last.count, last[table.level]?.table == table { return true }
    return budget > 0 && (table.level < map.level(of: scheme) || runBudget > 0)
  }

  /// The entries of a table; nil where it cannot be read, or enough was read for one picture.
  mutating func runs(of table: TableReference, _ scheme: PagingScheme) -> [EntryRun]? {
    if table.level < last.count, let known = last[table.level], known.table == table { return known.runs }
    guard mayRead(table, scheme), let runs = try? scheme.runs(of: table, in: memory) else { return nil }
    budget -= 1
    if table.level >= map.level(of: scheme) { runBudget -= runs.count }
    while last.count <= table.level { last.append(nil) }
    last[table.level] = (table, runs)
    return runs
  }

  /// - Parameters:
  ///   - base: where what the table translates begins in the picture.
  ///   - path: what the path to the table allows.
  mutating func kind(below table: TableReference, base: UInt64, rights path: Rights) -> MapCell.Kind {
    let most = path.isUser ? MapCell.Kind.user : .kernel
    let scheme = map.part(at: base).window.scheme
    guard scheme.levels.indices.contains(table.level), let runs = runs(of: table, scheme) else { return most }
    let level = scheme.levels[table.level]
    var found = MapCell.Kind.absent
    for run in runs where found.rawValue < most.rawValue {
      let start = base &+ UInt64(run.slot) &* level.span
      switch run.kind {
      case .absent, .marked, .malformed: continue
      case .leaf:
        let rights = path.intersection(level.format.rights(of: run.raw, kind: .leaf))
        let kind = kind(ofLeaf: rights, map.address(start), run.address)
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
    guard let window = map.space.window(of: virtual), directMaps.indices.contains(window) else {
      return .kernel
    }
    return directMaps[window].contains(virtual, physical) ? .direct : .kernel
  }
}
