/// An index over all spaces of a memory: who shares which table, and what maps which frame.
///
/// Spaces are identified by their number in the order given. Spaces of different paging schemes have no tables in
/// common, since they read the same bytes differently; frames are looked up across all schemes.
public struct SpaceIndex: Sendable {
  /// In the order given.
  public let spaces: [AddressSpace]
  /// Spaces, by number, that are copies of others and count as these.
  public let copies: [Int: Int]
  /// Spaces, by number, whose roots were most likely freed: they share nothing with anybody.
  public let freed: Set<Int>
  /// One for each paging scheme, in the order of first appearance.
  let groups: [IndexedSpaces]
  /// For each window of each space, its group, and the member that it is in the group.
  let positions: [[(group: Int, member: Int)]]

  /// - Parameters:
  ///   - copies: spaces, by number, that are copies of others: under page-table isolation a process has two roots
  ///     over the same user tables. Both count as one space wherever spaces are counted.
  ///   - freed: spaces, by number, whose roots were most likely freed: they count only where no other space reaches
  ///     a table.
  ///   - phase: wraps each of the two phases, `index` and `frames`, so that they can be timed.
  ///   - progress: called repeatedly with the fraction done, 0 to 1; returning false cancels the work, and the
  ///     result is nil.
  public init?(
    _ spaces: [AddressSpace], memory: any PhysicalMemory, copies: [Int: Int] = [:], freed: Set<Int> = [],
    phase: @escaping (_ name: String, _ work: () -> Void) -> Void = { $1() },
    progress: (Double) -> Bool = { _ in true }
  ) {
    self.spaces = spaces
    self.copies = copies
    self.freed = freed
    let memory = memory.moment()
    let windows = spaces.windowsByScheme()
    var positions = spaces.map { [(group: Int, member: Int)](repeating: (0, 0), count: $0.windows.count) }
    for (number, group) in windows.enumerated() {
      for (index, member) in group.members.enumerated() {
        positions[member.spaceNumber][member.number] = (number, index)
      }
    }
    self.positions = positions

    let share = 1 / Double(max(windows.count, 1))
    var graphs: [TableGraph] = []
    phase("index") {
      for (number, group) in windows.enumerated() {
        let graph = TableGraph(
          members: group.members, scheme: group.scheme, memory: memory, copies: copies
        ) { read, known in
          progress(0.7 * share * (Double(number) + Double(read) / Double(max(known, 1))))
        }
        guard let graph else { return }
        graphs.append(graph)
      }
    }
    guard graphs.count == windows.count else { return nil }
    var groups: [IndexedSpaces] = []
    phase("frames") {
      for (number, graph) in graphs.enumerated() {
        let group = IndexedSpaces(graph, windows[number].members, freed, memory) { read in
          progress(0.7 + 0.3 * share * (Double(number) + Double(read) / Double(max(graph.count, 1))))
        }
        guard let group else { return }
        groups.append(group)
      }
    }
    guard groups.count == windows.count else { return nil }
    self.groups = groups
  }

  /// Who reaches a table.
  public struct TableSharing: Hashable, Sendable {
    /// How many spaces reach it; copies of one space count once.
    public let spaces: Int
    /// The first of them, by space number.
    public let owner: Int
    /// Entries that point at it.
    public let parents: Int
    /// How many (space, virtual address) pairs lead to it; saturating.
    public let paths: UInt64
    /// Whether several spaces reach it, or one at several addresses: what only copies of one space have in common, and
    /// what a freed root still leads to, is not shared.
    public let isShared: Bool
  }

  /// Distinct tables that could be read, over all spaces.
  public var tableCount: Int { groups.reduce(0) { $0 + $1.readableNodes.count } }
  /// Those of them that several spaces reach.
  public var sharedTableCount: Int {
    groups.reduce(0) { sum, group in sum + group.readableNodes.count { group.counts.spaces[$0] > 1 } }
  }

  /// Who reaches a table, read by the scheme of the given window of space number `spaceNumber`; nil where no
  /// space reaches it, or there is no such window.
  public func sharing(of table: TableReference, in spaceNumber: Int, window: Int) -> TableSharing? {
    guard let group = group(of: spaceNumber, window: window), let node = group.graph.node(of: table),
      group.counts.isReached(node)
    else { return nil }
    return group.sharing(of: node)
  }

  /// The tables that a page of memory holds: one for each level at which a root reaches it.
  public func tables(at frame: Frame) -> [(
    table: TableReference, scheme: PagingScheme, sharing: TableSharing
  )] {
    groups.flatMap { group in
      group.tables(at: frame).map { (group.graph.table($0), group.graph.scheme, group.sharing(of: $0)) }
    }
  }

  /// The kernel's linear maps, as seen in a window of space number `spaceNumber`; none where there is no such window.
  public func directMaps(in spaceNumber: Int, window: Int) -> DirectMaps {
    group(of: spaceNumber, window: window)?.directMaps ?? DirectMaps()
  }

  /// The group of a window of a space, by their numbers; nil where there is none.
  func group(of spaceNumber: Int, window: Int) -> IndexedSpaces? {
    guard positions.indices.contains(spaceNumber), positions[spaceNumber].indices.contains(window) else {
      return nil
    }
    return groups[positions[spaceNumber][window].group]
  }
}

/// The windows of one paging scheme: their graph, and what is derived from it.
struct IndexedSpaces: Sendable {
  let graph: TableGraph
  let counts: TableCounts
  let parents: ParentEdges
  let frames: FrameIndex
  let directMaps: DirectMaps
  /// The members of each root's node, ascending.
  let rootMembers: [TableGraph.Node: [Int]]
  /// The space of each member, by its number in the order given to the index.
  let spaceNumbers: [Int]
  /// The number of each member's window in its space.
  let windowNumbers: [Int]

  init?(
    _ graph: TableGraph, _ members: [WindowMember], _ freed: Set<Int>, _ memory: any PhysicalMemory,
    progress: (Int) -> Bool
  ) {
    let (tables, frames) = alongside {
      let counts = TableCounts(graph, isFreed: { freed.contains(members[$0].spaceNumber) })
      return (
        counts: counts, parents: ParentEdges(graph), directMaps: DirectMaps(graph, counts, memory: memory)
      )
    } work: {
      FrameIndex(graph, memory: memory, progress: progress)
    }
    guard let frames else { return nil }
    self.graph = graph
    self.frames = frames
    spaceNumbers = members.map(\.spaceNumber)
    windowNumbers = members.map(\.number)
    (counts, parents, directMaps) = (tables.counts, tables.parents, tables.directMaps)
    rootMembers = graph.rootMembers()
  }

  /// Nodes that some space reaches and whose tables could be read.
  var readableNodes: [TableGraph.Node] {
    (0..<graph.count).filter { graph.isReadable($0) && counts.isReached($0) }
  }

  /// Where each readable table begins, and each further frame of it.
  var framesOfTables: [UInt64] {
    readableNodes.flatMap { node in
      let size = graph.scheme.levels[graph.level(of: node)].tableSize
      return stride(from: 0, to: size, by: Int(Frame.size)).map { graph.address(of: node).value &+ $0 }
    }
  }

  func sharing(of node: TableGraph.Node) -> SpaceIndex.TableSharing {
    SpaceIndex.TableSharing(
      spaces: Int(counts.spaces[node]), owner: spaceNumbers[Int(counts.owners[node])],
      parents: parents.count(of: node), paths: counts.paths[node], isShared: counts.isShared(node))
  }

  /// The nodes whose table lies in a page or begins there.
  func tables(at frame: Frame) -> [TableGraph.Node] {
    var found: [TableGraph.Node] = []
    for (level, shape) in graph.scheme.levels.enumerated() {
      let step = min(shape.tableSize, Frame.size)
      for offset in stride(from: 0, to: Frame.size, by: Int(step)) {
        // Of a table of several pages, each leads to it.
        let address = frame.start.advanced(by: offset).value & ~(max(shape.tableSize, 1) - 1)
        let table = TableReference(address: PhysicalAddress(address), level: level)
        if let node = graph.node(of: table), counts.isReached(node) { found.append(node) }
      }
    }
    return found
  }
}
