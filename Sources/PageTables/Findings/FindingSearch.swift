/// A check of all tables of one paging scheme.
struct FindingSearch {
  private let spaces: IndexedSpaces
  private let graph: TableGraph
  private let memory: any PhysicalMemory
  private let tables: [UInt64]
  private let kernelStart: VirtualAddress
  private(set) var found: [Finding] = []
  private(set) var isComplete = true
  /// Whether there are leaves that are open to the user, and whether one of them must not be executed.
  private(set) var hasUserLeaves = false
  private(set) var forbidsUsersExecution = false
  /// How many more paths may be tried in the search for one that gives a right.
  private var pathsLeft = 1 << 20

  /// For each kind, the index in `found` of its last finding, and how many there are.
  private var lastOfKind: [Finding.Kind: (number: Int, count: Int)] = [:]

  /// The most findings kept of one kind.
  private static let limit = 1 << 17
  /// The most paths tried for one table.
  private static let triedPaths = 1 << 12

  /// - Parameter tables: where each table begins, and each further frame of one, ascending.
  init(
    _ spaces: IndexedSpaces, _ memory: any PhysicalMemory, tables: [UInt64], kernelStart: VirtualAddress
  ) {
    self.spaces = spaces
    self.memory = memory
    self.tables = tables
    self.kernelStart = kernelStart
    graph = spaces.graph
  }

  mutating func run(_ isCancelled: () -> Bool) {
    let hasFaults = graph.malformedEntries > 0 || graph.missingTables > 0
    for level in graph.scheme.levels.indices {
      let shape = PagingLevelShape(graph.scheme.levels[level])
      let unreadable = hasFaults ? unreadableTables(at: level + 1) : []
      for node in graph.nodes(at: level) where graph.isReadable(node) && spaces.counts.isReached(node) {
        guard node & 63 != 0 || !isCancelled() else {
          isComplete = false
          return
        }
        if hasFaults || shape.format.tableTolerated != 0 { lookForFaults(in: node, shape, unreadable) }
        lookAtLeaves(of: node, shape)
      }
    }
  }

  /// Tables on pages that the source lists as readable but cannot deliver, such as damaged compressed ones.
  private func unreadableTables(at level: Int) -> Set<UInt64> {
    guard graph.scheme.levels.indices.contains(level) else { return [] }
    return Set(graph.nodes(at: level).filter { !graph.isReadable($0) }.map { graph.address(of: $0).value })
  }

  /// Finds entries that the processor cannot follow, or whose table this dump does not hold.
  private mutating func lookForFaults(
    in node: TableGraph.Node, _ shape: PagingLevelShape, _ unreadable: Set<UInt64>
  ) {
    let readable = memory.extent.readable
    var malformed = SlotRuns()
    var outside = SlotRuns()
    var tolerated = SlotRuns()
    try? memory.forEachEntry(of: graph.address(of: node), shape, slots: 0..<shape.entryCount) { slot, raw in
      switch shape.format.kind(of: raw) {
      case .malformed: malformed.add(slot, raw, .all)
      case .table:
        let table = shape.format.tableAddress.address(in: raw)
        if !readable.contains(table) || unreadable.contains(table.value) {
          outside.add(slot, raw, .all)
        } else if raw & shape.format.tableTolerated != 0 {
          tolerated.add(slot, raw, .all)
        }
      default: break
      }
      return true
    }
    guard !malformed.runs.isEmpty || !outside.runs.isEmpty || !tolerated.runs.isEmpty else { return }
    let arrival = graph.firstArrival(at: node, spaces.counts)
    for run in malformed.runs { add(.malformedEntry, node, arrival, run, shape) }
    for run in outside.runs { add(.tableOutsideDump, node, arrival, run, shape) }
    for run in tolerated.runs { add(.toleratedBits, node, arrival, run, shape) }
  }

  /// Checks the rights of leaves. A right belongs to a path: a leaf has it if any path gives it.
  private mutating func lookAtLeaves(of node: TableGraph.Node, _ shape: PagingLevelShape) {
    let rights = spaces.counts.pathRights[node]
    // Skips most tables: no path to them is open to the user, or could be both writable and executable.
    let scheme = graph.scheme
    let mayExecute = scheme.canForbidExecution && rights.contains { scheme.mayBecomeWritableExecutable($0) }
    let mayUser = rights.hasUser
    guard mayExecute || mayUser else { return }
    let isExecutable = rights.contains { $0.contains(.userExecute) }
    let kernelArrival = mayUser ? arrival(at: node, for: .userKernelMemory, leaf: .all, shape) : nil
    // In a table that straddles the start of the kernel's part, the slot tells which side an entry is on.
    let firstKernelSlot = kernelArrival.map { arrival in
      (0..<shape.entryCount).partitioningIndex {
        virtual(arrival, UInt64($0) &* shape.span) >= kernelStart
      }
    }
    var executable = SlotRuns()
    var kernel = SlotRuns()
    var writable = SlotRuns()
    graph.forEachLeaf(in: node, shape, memory: memory) { slot, raw, physical in
      let rights = shape.format.rights(of: raw, kind: .leaf)
      if mayExecute, scheme.mayBecomeWritableExecutable(rights) { executable.add(slot, raw, rights) }
      guard mayUser, rights.isUser else { return }
      hasUserLeaves = true
      if !isExecutable || !rights.contains(.userExecute) { forbidsUsersExecution = true }
      if let firstKernelSlot, slot >= firstKernelSlot { kernel.add(slot, raw, rights) }
      if rights.contains(.userWrite) {
        let first = tables.partitioningIndex { $0 >= physical.value }
        if first < tables.count, tables[first] &- physical.value < shape.span {
          writable.add(slot, raw, rights)
        }
      }
    }
    if let kernelArrival {
      for run in kernel.runs { add(.userKernelMemory, node, kernelArrival, run, shape) }
    }
    // Which path to report depends on what the leaf allows.
    var arrivals: [Rights: Arrival?] = [:]
    for run in executable.runs {
      if arrivals[run.rights] == nil {
        arrivals[run.rights] = .some(arrival(at: node, for: .writableExecutable, leaf: run.rights, shape))
      }
      guard case .some(.some(let arrival)) = arrivals[run.rights] else { continue }
      add(.writableExecutable, node, arrival, run, shape)
    }
    if !writable.runs.isEmpty,
      let arrival = arrival(at: node, for: .userWritableTable, leaf: .all, shape)
    {
      for run in writable.runs { add(.userWritableTable, node, arrival, run, shape) }
    }
  }

  /// A path by which leaves of a table have the right that a kind of finding is about: the owner's first path if it
  /// gives the right, otherwise another one.
  private mutating func arrival(
    at node: TableGraph.Node, for kind: Finding.Kind, leaf: Rights, _ shape: PagingLevelShape
  ) -> Arrival? {
    let scheme = graph.scheme
    let last = UInt64(shape.entryCount - 1) &* shape.span
    func holds(_ arrival: Arrival) -> Bool {
      let rights = arrival.rights.intersection(leaf)
      return switch kind {
      case .writableExecutable: scheme.isWritableExecutable(rights)
      case .userWritableTable: rights.contains(.userWrite)
      default: rights.isUser && virtual(arrival, last) >= kernelStart
      }
    }
    let first = graph.firstArrival(at: node, spaces.counts)
    if holds(first) { return first }
    if spaces.counts.paths[node] == 1 { return nil }
    var found: Arrival?
    var tried = 0
    let most = min(FindingSearch.triedPaths, pathsLeft)
    graph.forEachArrival(at: node, spaces.parents) { arrival in
      tried += 1
      if holds(arrival) { found = arrival }
      return found == nil && tried < most
    }
    pathsLeft -= tried
    if found == nil, tried >= most { isComplete = false }
    return found
  }

  /// Adds entries found for the same reason. If they continue the last finding of their kind, they extend it: a
  /// terabyte that is open to all is one line, not one per page.
  private mutating func add(
    _ kind: Finding.Kind, _ node: TableGraph.Node, _ arrival: Arrival, _ run: SlotRuns.Run,
    _ shape: PagingLevelShape
  ) {
    // The first of the members that have this root.
    let member = Int(spaces.counts.owners[arrival.root])
    let finding = Finding(
      kind: kind, spaceNumber: spaces.spaceNumbers[member],
      virtual: virtual(arrival, UInt64(run.slot) &* shape.span),
      length: UInt64(run.count) &* shape.span, spaces: Int(spaces.counts.spaces[node]),
      table: graph.table(node), slot: run.slot, raw: run.raw,
      rights: graph.scheme.granted(by: arrival.rights.intersection(run.rights)),
      window: spaces.windowNumbers[member])
    let last = lastOfKind[kind]
    if let last, found[last.number].isContinued(by: finding) {
      found[last.number].length &+= finding.length
      return
    }
    let count = last?.count ?? 0
    guard count < FindingSearch.limit else {
      isComplete = false
      return
    }
    lastOfKind[kind] = (found.count, count + 1)
    found.append(finding)
  }

  /// The address `distance` bytes after the start of an arrival's table, as the first member has it.
  private func virtual(_ arrival: Arrival, _ distance: UInt64) -> VirtualAddress {
    graph.virtual(arrival.base &+ distance, member: Int(spaces.counts.owners[arrival.root]))
  }
}

extension PagingScheme {
  /// Whether a path with these rights may be both written and executed by one privilege. That the supervisor may write
  /// what is read-only counts where only the supervisor comes: else all that users execute would be found.
  package func isWritableExecutable(_ path: Rights) -> Bool {
    rightsAdjustment.withoutForbidden(path).isWritableExecutable
      || (!path.isUser && granted(by: path).isWritableExecutable)
  }

  /// Whether an entry or a part of a path with these rights can belong to such a path.
  package func mayBecomeWritableExecutable(_ rights: Rights) -> Bool {
    rights.isWritableExecutable || granted(by: rights).isSuperset(of: [.write, .execute])
  }
}
