/// What a look at all tables finds: rights that nobody should have, and entries that make no sense.
public struct Findings: Sendable {
  /// By kind, space and address; neighbours that say the same are joined.
  public private(set) var all: [Finding] = []
  /// The paging schemes in which no entry can forbid execution: there, writable memory is executable, and
  /// `writableExecutable` is said of none.
  public private(set) var schemesWithoutNoExecute: [PagingScheme] = []
  /// Whether everything was looked at: hostile tables hold more findings than anybody could list.
  public private(set) var isComplete = true

  /// - Parameter kernelStart: where the kernel's part of the address space begins in a paging scheme.
  public init(
    of index: SpaceIndex, in memory: any PhysicalMemory, kernelStart: (PagingScheme) -> VirtualAddress
  ) {
    let tables = index.groups.flatMap { $0.readableNodes.map($0.graph.address).map(\.value) }.sorted()
    for group in index.groups {
      if !group.graph.scheme.canForbidExecution { schemesWithoutNoExecute.append(group.graph.scheme) }
      var search = FindingSearch(group, memory, tables: tables, kernelStart: kernelStart(group.graph.scheme))
      search.run()
      isComplete = isComplete && search.isComplete
      all += search.found.map { finding in
        var finding = finding
        finding.place = index.place(finding.place, in: group)
        return finding
      }
    }
    all = Findings.joined(all)
  }

  private static func joined(_ findings: [Finding]) -> [Finding] {
    let order = Dictionary(
      uniqueKeysWithValues: Finding.Kind.allCases.enumerated().map { ($0.element, $0.offset) })
    let sorted = findings.sorted { one, other in
      (order[one.kind] ?? 0, one.place, one.virtual) < (order[other.kind] ?? 0, other.place, other.virtual)
    }
    var joined: [Finding] = []
    for finding in sorted {
      if let last = joined.last, last.kind == finding.kind, last.place == finding.place,
        last.virtual.value &+ last.length == finding.virtual.value, last.spaces == finding.spaces,
        last.access == finding.access, last.table.level == finding.table.level
      {
        joined[joined.count - 1].length &+= finding.length
      } else {
        joined.append(finding)
      }
    }
    return joined
  }
}

/// One look at all tables of one paging scheme.
private struct FindingSearch {
  private let spaces: IndexedSpaces
  private let graph: TableGraph
  private let memory: any PhysicalMemory
  private let tables: [UInt64]
  private let kernelStart: VirtualAddress
  private(set) var found: [Finding] = []
  private(set) var isComplete = true

  private static let limit = 1 << 17
  /// Paths that are tried to find one by which a right holds.
  private static let triedPaths = 1 << 12

  init(
    _ spaces: IndexedSpaces, _ memory: any PhysicalMemory, tables: [UInt64], kernelStart: VirtualAddress
  ) {
    self.spaces = spaces
    self.memory = memory
    self.tables = tables
    self.kernelStart = kernelStart
    graph = spaces.graph
  }

  mutating func run() {
    let hasFaults = graph.malformedEntries > 0 || graph.missingTables > 0
    for level in graph.scheme.levels.indices {
      let shape = PagingLevelShape(graph.scheme.levels[level])
      for node in graph.nodes(at: level) where graph.isReadable(node) {
        guard found.count < FindingSearch.limit else {
          isComplete = false
          return
        }
        if hasFaults { lookForFaults(in: node, shape) }
        lookAtLeaves(of: node, shape)
      }
    }
  }

  /// Entries that the processor or this dump cannot follow.
  private mutating func lookForFaults(in node: TableGraph.Node, _ shape: PagingLevelShape) {
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
        case .table where !readable.contains(shape.format.tableAddress.address(in: raw)):
          faults.append((.tableOutsideDump, slot, raw))
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
    var suspects: [(kind: Finding.Kind, slot: Int, raw: UInt64)] = []
    // Most tables are open to nothing that is looked for: user space may not write here, or nobody execute.
    let mayExecute =
      graph.scheme.canForbidExecution
      && [Access.all, [.write, .execute]].contains { rights & (1 << $0.rawValue) != 0 }
    let mayUser = rights & TableCounts.withUser != 0
    guard mayExecute || mayUser else { return }
    let bases = mayUser ? graph.firstArrival(at: node, spaces.counts).base : 0
    graph.forEachLeaf(in: node, shape, memory: memory) { slot, raw, physical in
      let access = shape.format.access(of: raw, kind: .leaf)
      if mayExecute, access.isSuperset(of: [.write, .execute]) {
        suspects.append((.writableExecutable, slot, raw))
      }
      guard mayUser, access.contains(.user) else { return }
      if graph.scheme.canonical(bases &+ UInt64(slot) &* shape.span) >= kernelStart {
        suspects.append((.userKernelMemory, slot, raw))
      }
      if access.contains(.write) {
        let first = tables.partitioningIndex { $0 >= physical.value }
        if first < tables.count, tables[first] &- physical.value < shape.span {
          suspects.append((.userWritableTable, slot, raw))
        }
      }
    }
    guard !suspects.isEmpty else { return }
    var arrivals: [Access: Arrival] = [:]
    for suspect in suspects {
      let needed: Access =
        switch suspect.kind {
        case .writableExecutable: [.write, .execute]
        case .userWritableTable: [.write, .user]
        default: .user
        }
      guard let arrival = arrivals[needed] ?? arrival(at: node, allowing: needed) else { continue }
      arrivals[needed] = arrival
      let access = arrival.access.intersection(shape.format.access(of: suspect.raw, kind: .leaf))
      add(suspect.kind, node, arrival, suspect.slot, suspect.raw, access, shape)
    }
  }

  /// A path that allows at least `needed`: the owner's first one, or another.
  private func arrival(at node: TableGraph.Node, allowing needed: Access) -> Arrival? {
    let first = graph.firstArrival(at: node, spaces.counts)
    if first.access.isSuperset(of: needed) { return first }
    var found: Arrival?
    var tried = 0
    graph.forEachArrival(at: node, spaces.parents) { arrival in
      tried += 1
      if arrival.access.isSuperset(of: needed) { found = arrival }
      return found == nil && tried < FindingSearch.triedPaths
    }
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
