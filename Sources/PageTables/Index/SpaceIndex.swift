/// What all spaces of a memory say together: who shares which table, and what maps which frame.
///
/// Spaces are named by their place in the order given. Spaces of different paging schemes have no table in common,
/// since the same bytes read differently; their frames are looked up together.
public struct SpaceIndex: Sendable {
  public let spaces: [AddressSpace]
  /// One for each paging scheme, in the order in which they come first.
  let groups: [IndexedSpaces]
  /// The group of each place, and the place in it.
  let positions: [(group: Int, place: Int)]

  /// - Parameters:
  ///   - phase: wraps each of the two phases, `index` and `frames`, for whoever wants to time them.
  ///   - progress: asked now and then, with the part that is done, 0 to 1; answering false ends the work with nil.
  public init?(
    _ spaces: [AddressSpace], memory: any PhysicalMemory,
    phase: @escaping (_ name: String, _ work: () -> Void) -> Void = { $1() },
    progress: (Double) -> Bool = { _ in true }
  ) {
    self.spaces = spaces
    let members = spaces.placesByScheme()
    var positions = [(group: Int, place: Int)](repeating: (0, 0), count: spaces.count)
    for (number, member) in members.enumerated() {
      for (index, place) in member.places.enumerated() { positions[place] = (number, index) }
    }
    self.positions = positions

    let share = 1 / Double(max(members.count, 1))
    var graphs: [TableGraph] = []
    phase("index") {
      for (number, member) in members.enumerated() {
        let graph = TableGraph(
          roots: member.places.map { spaces[$0].root }, scheme: member.scheme, memory: memory
        ) { read, known in
          progress(0.7 * share * (Double(number) + Double(read) / Double(max(known, 1))))
        }
        guard let graph else { return }
        graphs.append(graph)
      }
    }
    guard graphs.count == members.count else { return nil }
    var groups: [IndexedSpaces] = []
    phase("frames") {
      for (number, graph) in graphs.enumerated() {
        let group = IndexedSpaces(graph, members[number].places, memory) { read in
          progress(0.7 + 0.3 * share * (Double(number) + Double(read) / Double(max(graph.count, 1))))
        }
        guard let group else { return }
        groups.append(group)
      }
    }
    guard groups.count == members.count else { return nil }
    self.groups = groups
  }

  /// Who reaches a table.
  public struct TableSharing: Hashable, Sendable {
    /// How many spaces reach it.
    public let spaces: Int
    /// The first of them, by place.
    public let owner: Int
    /// Entries that point at it.
    public let parents: Int
    /// How many (space, virtual address) lead to it; saturating.
    public let paths: UInt64
  }

  /// Distinct tables that could be read, over all spaces.
  public var tableCount: Int { groups.reduce(0) { $0 + $1.readableNodes.count } }
  /// Those of them that more than one space reaches.
  public var sharedTableCount: Int {
    groups.reduce(0) { sum, group in sum + group.readableNodes.count { group.counts.spaces[$0] > 1 } }
  }

  /// Who reaches a table that the space at `place` reads by its scheme; nil where no space reaches it.
  public func sharing(of table: TableReference, in place: Int) -> TableSharing? {
    let group = groups[positions[place].group]
    guard let node = group.graph.node(of: table), group.counts.isReached(node) else { return nil }
    return group.sharing(of: node)
  }

  /// Which tables a page of memory is used as: one at each level at which a root reaches it.
  public func tables(at frame: Frame) -> [(
    table: TableReference, scheme: PagingScheme, sharing: TableSharing
  )] {
    groups.flatMap { group in
      group.tables(at: frame).map { (group.graph.table($0), group.graph.scheme, group.sharing(of: $0)) }
    }
  }

  /// Everything that maps the byte at a physical address.
  ///
  /// - Parameter limit: groups that are told at most, by scheme; the count is that of all.
  public func aliases(
    of address: PhysicalAddress, in memory: any PhysicalMemory, limit: Int = 1 << 14
  ) -> Aliases {
    var found: [AliasGroup] = []
    var count: UInt64 = 0
    var groupCount = 0
    for group in groups {
      let part = group.aliasGroups(of: address, in: memory, limit: limit)
      found += part.groups
      groupCount += part.groupCount
      let (sum, overflow) = count.addingReportingOverflow(part.count)
      count = overflow ? .max : sum
    }
    return Aliases(
      physical: address,
      groups: found.sorted {
        ($0.first.place, $0.first.virtual, $0.slot) < ($1.first.place, $1.first.virtual, $1.slot)
      }, groupCount: groupCount, count: count)
  }

  /// Calls `body` with the members of one group of aliases, in no order, until it answers false: there may be more
  /// of them than anybody could hold.
  public func forEachMember(
    of group: AliasGroup, mapping address: PhysicalAddress, _ body: (Alias) -> Bool
  ) {
    groups[positions[group.first.place].group].forEachMember(of: group, mapping: address, body)
  }

  /// Up to `limit` members of one group of aliases, by space and address.
  public func members(of group: AliasGroup, mapping address: PhysicalAddress, limit: Int) -> [Alias] {
    groups[positions[group.first.place].group].members(of: group, mapping: address, limit: limit)
  }

  /// The place, in the order given, of what one group calls a place.
  func place(_ place: Int, in group: IndexedSpaces) -> Int { group.places[place] }

  /// The kernel's linear maps, as the space at `place` has them.
  public func directMaps(in place: Int) -> DirectMaps { groups[positions[place].group].directMaps }
}

/// The spaces of one paging scheme: their graph, and what stands on it.
struct IndexedSpaces: Sendable {
  let graph: TableGraph
  let counts: TableCounts
  let parents: ParentEdges
  let frames: FrameIndex
  let directMaps: DirectMaps
  /// The places of each root's node, ascending.
  let rootPlaces: [TableGraph.Node: [Int]]
  /// The place, in the order given to the index, of each of its spaces.
  let places: [Int]

  init?(_ graph: TableGraph, _ places: [Int], _ memory: any PhysicalMemory, progress: (Int) -> Bool) {
    guard let frames = FrameIndex(graph, memory: memory, progress: progress) else { return nil }
    self.graph = graph
    self.frames = frames
    self.places = places
    counts = TableCounts(graph)
    parents = ParentEdges(graph)
    directMaps = DirectMaps(graph, counts, memory: memory)
    rootPlaces = Dictionary(
      uniqueKeysWithValues: graph.placedRoots().map { ($0.node, $0.places.map { places[$0] }) })
  }

  /// Nodes whose tables could be read, and that some space reaches.
  var readableNodes: [TableGraph.Node] {
    (0..<graph.count).filter { graph.isReadable($0) && counts.isReached($0) }
  }

  func sharing(of node: TableGraph.Node) -> SpaceIndex.TableSharing {
    SpaceIndex.TableSharing(
      spaces: Int(counts.spaces[node]), owner: places[Int(counts.owners[node])],
      parents: parents.count(of: node), paths: counts.paths[node])
  }

  /// The nodes whose table lies in a page or begins there.
  func tables(at frame: Frame) -> [TableGraph.Node] {
    var found: [TableGraph.Node] = []
    for (level, shape) in graph.scheme.levels.enumerated() {
      let step = min(shape.tableSize, Frame.size)
      for offset in stride(from: 0, to: Frame.size, by: Int(step)) {
        let table = TableReference(address: frame.start.advanced(by: offset), level: level)
        if let node = graph.node(of: table), counts.isReached(node) { found.append(node) }
      }
    }
    return found
  }
}
