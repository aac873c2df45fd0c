/// One look at all tables of one paging scheme.
struct FindingSearch {
  private let spaces: IndexedSpaces
  private let graph: TableGraph
  private let memory: any PhysicalMemory
  private let tables: [UInt64]
  private let kernelStart: VirtualAddress
  private(set) var found: [Finding] = []
  private(set) var isComplete = true
  /// Paths that may still be tried to find one by which a right holds.
  private var pathsLeft = 1 << 20

  private static let limit = 1 << 17
  private static let executingPaths: [Access] = [.all, [.write, .execute], [.user, .execute], .execute]

  /// Which path is wanted: one by which a leaf that allows `leaf` has the right that a kind is about.
  private struct Quest: Hashable {
    let kind: Finding.Kind
    let leaf: Access
  }

  /// Paths that are tried for one table.
  private static let triedPaths = 1 << 12

  /// - Parameter tables: addresses of all tables, ascending.
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
        guard found.count < FindingSearch.limit, node & 63 != 0 || !isCancelled() else {
          isComplete = false
          return
        }
        if hasFaults || shape.format.tableTolerated != 0 { lookForFaults(in: node, shape, unreadable) }
        lookAtLeaves(of: node, shape)
      }
    }
  }

  /// Tables on pages that the source promises and cannot give, such as compressed ones that are damaged.
  private func unreadableTables(at level: Int) -> Set<UInt64> {
    guard graph.scheme.levels.indices.contains(level) else { return [] }
    return Set(graph.nodes(at: level).filter { !graph.isReadable($0) }.map { graph.address(of: $0).value })
  }

  /// Entries that the processor or this dump cannot follow.
  private mutating func lookForFaults(
    in node: TableGraph.Node, _ shape: PagingLevelShape, _ unreadable: Set<UInt64>
  ) {
    let readable = memory.extent.readable
    var faults: [(kind: Finding.Kind, slot: Int, raw: UInt64)] = []
    try? memory.withEntries(of: graph.address(of: node), level: shape, slots: 0..<shape.entryCount) {
      page, offset, slots in
      for slot in slots {
        let raw = page.entry(
          at: offset &+ (slot &- slots.lowerBound) &* shape.entrySize, size: shape.entrySize)
        if raw == 0 { continue }
        switch shape.format.kind(of: raw) {
        case .malformed: faults.append((.malformedEntry, slot, raw))
        case .table:
          let table = shape.format.tableAddress.address(in: raw)
          if !readable.contains(table) || unreadable.contains(table.value) {
            faults.append((.tableOutsideDump, slot, raw))
          } else if raw & shape.format.tableTolerated != 0 {
            faults.append((.toleratedBits, slot, raw))
          }
        default: break
        }
      }
      return true
    }
    guard !faults.isEmpty else { return }
    let arrival = graph.firstArrival(at: node, spaces.counts)
    for fault in faults { add(fault.kind, node, arrival, fault.slot, fault.raw, arrival.access, shape) }
  }

  /// Rights of leaves. A right belongs to a path: what counts is whether any path gives it.
  private mutating func lookAtLeaves(of node: TableGraph.Node, _ shape: PagingLevelShape) {
    let rights = spaces.counts.pathAccess[node]
    // Most tables are open to nothing that is looked for: user space may not come here, and nobody execute.
    let scheme = graph.scheme
    let mayExecute =
      scheme.canForbidExecution
      && FindingSearch.executingPaths.contains { path in
        rights & (1 << path.rawValue) != 0 && (path.contains(.write) || scheme.supervisorWritesReadOnly)
      }
    let mayUser = rights & TableCounts.withUser != 0
    guard mayExecute || mayUser else { return }
    var arrivals: [Quest: Arrival?] = [:]
    let kernelQuest = Quest(kind: .userKernelMemory, leaf: .all)
    let kernelArrival = mayUser ? arrival(at: node, for: kernelQuest, shape) : nil
    arrivals[kernelQuest] = .some(kernelArrival)
    var suspects: [(kind: Finding.Kind, slot: Int, raw: UInt64)] = []
    graph.forEachLeaf(in: node, shape, memory: memory) { slot, raw, physical in
      let access = shape.format.access(of: raw, kind: .leaf)
      if mayExecute, access.contains(.execute), access.contains(.write) || scheme.supervisorWritesReadOnly {
        suspects.append((.writableExecutable, slot, raw))
      }
      guard mayUser, access.contains(.user) else { return }
      if kernelArrival != nil { suspects.append((.userKernelMemory, slot, raw)) }
      if access.contains(.write) {
        let first = tables.partitioningIndex { $0 >= physical.value }
        if first < tables.count, tables[first] &- physical.value < shape.span {
          suspects.append((.userWritableTable, slot, raw))
        }
      }
    }
    for suspect in suspects {
      let leaf = shape.format.access(of: suspect.raw, kind: .leaf)
      let quest = Quest(kind: suspect.kind, leaf: suspect.kind == .writableExecutable ? leaf : .all)
      if arrivals[quest] == nil { arrivals[quest] = .some(arrival(at: node, for: quest, shape)) }
      guard case .some(.some(let arrival)) = arrivals[quest] else { continue }
      // In a table that lies on both sides of where the kernel begins, the slot tells.
      let virtual = scheme.canonical(arrival.base &+ UInt64(suspect.slot) &* shape.span)
      if suspect.kind == .userKernelMemory, virtual < kernelStart { continue }
      let access = scheme.granted(by: arrival.access.intersection(leaf))
      add(suspect.kind, node, arrival, suspect.slot, suspect.raw, access, shape)
    }
  }

  /// A path by which leaves of a table have the right that a kind of finding is about: the owner's first one, or
  /// another.
  private mutating func arrival(
    at node: TableGraph.Node, for quest: Quest, _ shape: PagingLevelShape
  ) -> Arrival? {
    let kind = quest.kind
    let scheme = graph.scheme
    let needed: Access =
      switch kind {
      case .writableExecutable: [.write, .execute]
      case .userWritableTable: [.write, .user]
      default: .user
      }
    let last = UInt64(shape.entryCount - 1) &* shape.span
    func holds(_ arrival: Arrival) -> Bool {
      scheme.granted(by: arrival.access.intersection(quest.leaf)).isSuperset(of: needed)
        && (kind != .userKernelMemory || scheme.canonical(arrival.base &+ last) >= kernelStart)
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

  private mutating func add(
    _ kind: Finding.Kind, _ node: TableGraph.Node, _ arrival: Arrival, _ slot: Int, _ raw: UInt64,
    _ access: Access, _ shape: PagingLevelShape
  ) {
    found.append(
      Finding(
        kind: kind, place: graph.roots.firstIndex(of: arrival.root) ?? 0,
        virtual: graph.scheme.canonical(arrival.base &+ UInt64(slot) &* shape.span), length: shape.span,
        spaces: Int(spaces.counts.spaces[node]), table: graph.table(node), slot: slot, raw: raw,
        access: access))
  }
}
