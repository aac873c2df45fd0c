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
  let shapes: [PagingLevelShape]
  /// The range that held the last table: most tables lie in the same one.
  private var recent = PhysicalRange(PhysicalAddress(0), PhysicalAddress(0))

  init(scheme: PagingScheme, memory: any PhysicalMemory) {
    graph = TableGraph(scheme: scheme)
    self.memory = memory
    readable = memory.extent.readable
    shapes = scheme.levels.map(PagingLevelShape.init)
  }

  mutating func build(_ roots: [PhysicalAddress], _ progress: (Int, Int) -> Bool) -> Bool {
    let rootNodes = roots.map { node(at: graph.scheme.aligned(root: $0), level: 0) }
    for level in shapes.indices {
      let nodes = graph.levelStarts[level]..<graph.count
      graph.levelStarts.append(nodes.upperBound)
      let isLast = level == shapes.count - 1
      // Copied once: it is several hundred bytes.
      let shape = shapes[level]
      for node in nodes {
        if node & 63 == 0, !progress(node, graph.count) { return false }
        read(node, shape, level: level, isLast: isLast)
        if !isLast { graph.edgeStarts.append(graph.edgeTargets.count) }
      }
    }
    graph.roots = rootNodes.map { node in node.flatMap { graph.isReadable(Int($0)) ? Int($0) : nil } }
    return progress(graph.count, graph.count)
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
    graph.leafCounts.append(0)
    graph.lookup.add(new, in: graph.keys)
    return new
  }

  private mutating func read(_ node: Int, _ shape: PagingLevelShape, level: Int, isLast: Bool) {
    do throws(MissingPage) {
      if isLast {
        try countLeaves(of: node, shape)
      } else {
        try follow(node, level: level, shape)
      }
    } catch {
      graph.missingTables &+= 1
      graph.leafCounts[node] = TableGraph.unreadable
      graph.edgeTargets.removeSubrange((graph.edgeStarts.last ?? 0)...)
      graph.edgeEntries.removeSubrange((graph.edgeStarts.last ?? 0)...)
    }
  }

  /// Counts the leaves of a table of the last level, in which every present entry is one unless it is malformed.
  private mutating func countLeaves(of node: Int, _ shape: PagingLevelShape) throws(MissingPage) {
    var leaves: UInt64 = 0
    var malformed: UInt64 = 0
    try memory.withEntries(of: graph.address(of: node), level: shape, slots: 0..<shape.entryCount) {
      page, offset, slots in
      let counts = shape.countLeaves(page, offset, slots.count)
      leaves &+= counts.leaves
      malformed &+= counts.malformed
      return true
    }
    graph.leafCounts[node] = UInt32(truncatingIfNeeded: leaves)
    graph.malformedEntries &+= malformed
  }

  /// Counts the leaves of an upper table, and adds its edges.
  private mutating func follow(_ node: Int, level: Int, _ shape: PagingLevelShape) throws(MissingPage) {
    var leafCount: UInt32 = 0
    try memory.withEntries(of: graph.address(of: node), level: shape, slots: 0..<shape.entryCount) {
      page, offset, slots in
      // Begun anew for each page, so that the loop keeps them in registers.
      var cursor = EntryCursor(offset: offset, slots: slots)
      var decoder = EntryDecoder(path: .all, scheme: graph.scheme)
      var leaves: UInt32 = 0
      defer { leafCount &+= leaves }
      // Many consecutive entries may point at one table (KASAN's shadow).
      var pointer: UInt64 = 0
      var target: UInt32?
      while true {
        let raw = cursor.nextEntry(in: page, size: shape.entrySize)
        guard raw != 0 else { return true }
        if raw != pointer || target == nil {
          switch decoder.kind(of: raw, shape) {
          case .leaf:
            leaves &+= 1
            continue
          case .table:
            pointer = raw
            target = self.node(at: shape.format.tableAddress.address(in: raw), level: level &+ 1)
          case .malformed:
            graph.malformedEntries &+= 1
            continue
          case .absent, .marked: continue
          }
        }
        guard let target else {
          graph.missingTables &+= 1
          continue
        }
        graph.edgeTargets.append(target)
        graph.edgeEntries.append(EdgeEntry(slot: cursor.slot, rights: decoder.tableRights))
      }
    }
    graph.leafCounts[node] = leafCount
  }
}
