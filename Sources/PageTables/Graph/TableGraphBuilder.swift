extension TableGraph {
  /// Reads every table that the roots reach, level by level.
  ///
  /// - Parameter progress: called repeatedly with the number of tables read and the number known so far; returning
  ///   false cancels the work, and the result is nil.
  public init?(
    roots: [PhysicalAddress], scheme: PagingScheme, memory: any PhysicalMemory,
    progress: (_ read: Int, _ known: Int) -> Bool = { _, _ in true }
  ) {
    let members = roots.enumerated().map { spaceNumber, root in
      WindowMember(spaceNumber: spaceNumber, number: 0, window: AddressWindow(root: root, scheme: scheme))
    }
    self.init(members: members, scheme: scheme, memory: memory, progress: progress)
  }

  /// The same for windows of spaces; all of them must be read by `scheme`.
  ///
  /// - Parameter copies: the spaces, by number, that are copies of others and count as these.
  init?(
    members: [WindowMember], scheme: PagingScheme, memory: any PhysicalMemory, copies: [Int: Int] = [:],
    progress: (_ read: Int, _ known: Int) -> Bool
  ) {
    var builder = TableGraphBuilder(scheme: scheme, memory: memory)
    guard builder.build(members.map(\.window.root), progress) else { return nil }
    self = builder.graph
    firstAddresses = members.map(\.window.first)
    memberSpaces = members.map(\.spaceNumber)
    countedSpaces = memberSpaces.map { copies[$0] ?? $0 }
  }
}

/// Builds a graph: one pass over the tables of each level finds those of the next.
private struct TableGraphBuilder {
  var graph: TableGraph
  let memory: any PhysicalMemory
  let readable: PhysicalRanges
  /// The range that held the last table: most tables lie in the same one.
  private var recent = PhysicalRange(PhysicalAddress(0), PhysicalAddress(0))
  /// What the last root has, slot by slot, and where it leads: most of it the next root has as well.
  private var lastRoot: [(raw: UInt64, target: UInt32)]

  /// Slots of roots that are remembered.
  private static let mostRootSlots = 1 << 13

  init(scheme: PagingScheme, memory: any PhysicalMemory) {
    graph = TableGraph(scheme: scheme)
    let slots = min(scheme.levels.first?.entryCount ?? 0, TableGraphBuilder.mostRootSlots)
    lastRoot = Array(repeating: (0, 0), count: slots)
    self.memory = memory
    readable = memory.extent.readable
  }

  mutating func build(_ roots: [PhysicalAddress], _ progress: (Int, Int) -> Bool) -> Bool {
    let rootNodes = roots.map { node(at: graph.scheme.aligned(root: $0), level: 0) }
    for level in graph.scheme.levels.indices {
      let nodes = graph.levelStarts[level]..<graph.count
      graph.levelStarts.append(nodes.upperBound)
      let reading = LevelReading(graph.scheme, level: level, memory)
      for first in stride(from: nodes.lowerBound, to: nodes.upperBound, by: reading.tablesInRound) {
        guard progress(first, graph.count) else { return false }
        let keys = graph.keys[first..<min(first + reading.tablesInRound, nodes.upperBound)]
        for part in reading.read(keys.map { PhysicalAddress($0 & ~TableGraph.levelBits) }) {
          add(part, level: level, isLast: reading.isLast)
        }
      }
    }
    graph.roots = rootNodes.map { node in node.flatMap { graph.isReadable(Int($0)) ? Int($0) : nil } }
    return progress(graph.count, graph.count)
  }

  /// The node of the table that an entry points at, nil where its memory cannot be read.
  @inline(__always)
  private mutating func child(of raw: UInt64, _ slot: Int, _ level: Int, _ format: EntryFormat) -> UInt32? {
    guard level == 0, slot < lastRoot.count else {
      return node(at: format.tableAddress.address(in: raw), level: level &+ 1)
    }
    if lastRoot[slot].raw == raw { return lastRoot[slot].target }
    let target = node(at: format.tableAddress.address(in: raw), level: 1)
    if let target { lastRoot[slot] = (raw, target) }
    return target
  }

  /// The node of a table, nil where its memory cannot be read.
  @inline(__always)
  private mutating func node(at address: PhysicalAddress, level: Int) -> UInt32? {
    let key = address.value | UInt64(level)
    if let known = graph.lookup.node(for: key, in: graph.keys) { return known }
    return newNode(key, address)
  }

  private mutating func newNode(_ key: UInt64, _ address: PhysicalAddress) -> UInt32? {
    if !recent.contains(address) {
      guard let range = readable.range(containing: address) else { return nil }
      recent = range
    }
    guard graph.count < Int(UInt32.max) - 1 else { return nil }
    let new = UInt32(graph.count)
    graph.keys.append(key)
    graph.lookup.add(new, in: graph.keys)
    return new
  }

  /// Takes what some tables of a level hold: they are the graph's next.
  private mutating func add(_ part: LevelPart, level: Int, isLast: Bool) {
    graph.leafCounts.append(contentsOf: part.leafCounts)
    graph.malformedEntries &+= part.malformed
    graph.missingTables &+= part.missing
    if isLast { return }
    let format = graph.scheme.levels[level].format
    var pointer = 0
    for end in part.pointerEnds {
      // Many consecutive entries may point at one table (KASAN's shadow).
      var (raw, target): (UInt64, UInt32?) = (0, nil)
      while pointer < end {
        let (next, entry) = part.pointers[pointer]
        pointer &+= 1
        if next != raw || target == nil {
          raw = next
          target = child(of: next, entry.slot, level, format)
        }
        guard let target else {
          graph.missingTables &+= 1
          continue
        }
        graph.edgeTargets.append(target)
        graph.edgeEntries.append(entry)
      }
      graph.edgeStarts.append(graph.edgeTargets.count)
    }
  }
}
