extension TableGraph {
  /// Reads every table that the roots reach, level by level.
  ///
  /// - Parameter progress: asked now and then, with the tables read and those known so far; answering false ends
  ///   the work with nil.
  public init?(
    roots: [PhysicalAddress], scheme: PagingScheme, memory: any PhysicalMemory,
    progress: (_ read: Int, _ known: Int) -> Bool = { _, _ in true }
  ) {
    precondition(scheme.levels.count < 32 && scheme.levels.allSatisfy { $0.indexBits <= 13 })
    var builder = TableGraphBuilder(scheme: scheme, memory: memory)
    guard builder.build(roots, progress) else { return nil }
    self = builder.graph
  }
}

/// Builds a graph: one pass over the tables of each level, which finds those of the next.
private struct TableGraphBuilder {
  var graph: TableGraph
  let memory: any PhysicalMemory
  let readable: PhysicalRanges
  let shapes: [PagingLevelShape]
  /// The range that the last table was found in: most lie in the same.
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
      for node in nodes {
        if node & 63 == 0, !progress(node, graph.count) { return false }
        read(node, shapes[level], level: level, isLast: isLast)
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
      try memory.withEntries(
        of: graph.address(of: node), level: shape, slots: 0..<shape.entryCount
      ) { page, offset, slots in
        if isLast {
          countLeaves(page, offset, slots.count, of: node, shape)
        } else {
          follow(page, offset, slots, of: node, level: level, shape)
        }
        return true
      }
    } catch {
      graph.missingTables &+= 1
      graph.leafCounts[node] = TableGraph.unreadable
      graph.edgeTargets.removeSubrange((graph.edgeStarts.last ?? 0)...)
      graph.edgeEntries.removeSubrange((graph.edgeStarts.last ?? 0)...)
    }
  }

  /// Counts the leaves of a table of the last level, in which every present entry is one unless it is malformed.
  @inline(__always)
  private mutating func countLeaves(
    _ page: RawSpan, _ offset: Int, _ count: Int, of node: Int, _ shape: PagingLevelShape
  ) {
    let (leaves, malformed) =
      shape.entrySize == 8
      ? shape.countLeaves(page, offset, count, size: 8) : shape.countLeaves(page, offset, count, size: 4)
    graph.leafCounts[node] &+= UInt16(truncatingIfNeeded: leaves)
    graph.malformedEntries &+= malformed
  }

  /// Counts the leaves of an upper table, and adds its edges.
  @inline(__always)
  private mutating func follow(
    _ page: RawSpan, _ offset: Int, _ slots: Range<Int>, of node: Int, level: Int, _ shape: PagingLevelShape
  ) {
    var leafCount: UInt16 = 0
    var position = offset
    // Entries come in crowds that agree in all but the address, and many point at one table (KASAN's shadow).
    var leaf: UInt64?
    var pointer: UInt64 = 0
    var target: UInt32?
    var next = slots.lowerBound
    while next < slots.upperBound {
      let blank = page.blankEntries(at: position, slot: next, end: slots.upperBound, size: shape.entrySize)
      if blank > 0 {
        next &+= blank
        position &+= blank &* shape.entrySize
        continue
      }
      let slot = next
      next &+= 1
      let raw = page.entry(at: position, size: shape.entrySize)
      position &+= shape.entrySize
      if raw == 0 { continue }
      if let leaf, (raw ^ leaf) & shape.leafDecidingBits == 0 {
        leafCount &+= 1
        continue
      }
      if raw != pointer || target == nil {
        switch shape.format.kind(of: raw) {
        case .leaf:
          leafCount &+= 1
          leaf = raw
          continue
        case .table:
          pointer = raw
          target = self.node(at: shape.format.tableAddress.address(in: raw), level: level + 1)
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
      graph.edgeEntries.append(EdgeEntry(slot: slot, access: shape.format.access(of: raw, kind: .table)))
    }
    graph.leafCounts[node] &+= leafCount
  }
}

extension PagingLevelShape {
  /// The leaves and the malformed entries of a table of the last level. A loop of a
  /// constant size without a branch an entry: this is where an index of many spaces spends its time.
  @inline(__always)
  fileprivate func countLeaves(
    _ page: RawSpan, _ offset: Int, _ count: Int, size: Int
  ) -> (leaves: UInt64, malformed: UInt64) {
    let present = format.present
    let faulty = format.faulty
    let reserved = format.leafReserved
    var leaves: UInt64 = 0
    var presentCount: UInt64 = 0
    var slot = 0
    while slot < count {
      let blank = page.blankEntries(at: offset &+ slot &* size, slot: slot, end: count, size: size)
      if blank > 0 {
        slot &+= blank
        continue
      }
      let stop = min(slot &+ 8, count)
      while slot < stop {
        let raw = page.entry(at: offset &+ slot &* size, size: size)
        slot &+= 1
        let isPresent: UInt64 = raw & present.mask == present.value ? 1 : 0
        let isBad: UInt64 = raw & faulty.mask == faulty.value || raw & reserved != 0 ? 1 : 0
        presentCount &+= isPresent
        leaves &+= isPresent & ~isBad
      }
    }
    return (leaves, presentCount &- leaves)
  }
}
