/// All tables that some roots reach, each read once, however many paths lead to it.
///
/// Nodes are (table, level) pairs, so a table that points at itself is one node per level, and the graph has no
/// loops. Nodes are ordered by level, roots first; edges lead to a node only from the level above. All spaces of
/// one graph share one paging scheme. Everything is stored in flat arrays: about 60 bytes per table, and 12 per
/// entry that points at a table.
public struct TableGraph: Sendable {
  /// An index into the graph's nodes.
  public typealias Node = Int

  /// The scheme by which all tables of the graph are read.
  public let scheme: PagingScheme
  /// The node of each member's root, in the order given; nil where the root cannot be read. A member of the graph
  /// is a root with the addresses that it translates: a space has one member for each of its windows.
  public internal(set) var roots: [Node?] = []
  /// The lowest address that each member translates.
  var firstAddresses: [VirtualAddress] = []
  /// The space of each member, by a number that the caller chooses.
  var memberSpaces: [Int] = []
  /// The same, where two copies of one space, which isolation of its tables keeps, have one number: they count once.
  var countedSpaces: [Int] = []
  /// Entries that point at tables which cannot be read. Those tables have no nodes: hostile tables can point at
  /// more of them than there is memory.
  public internal(set) var missingTables: UInt64 = 0
  /// Entries with reserved bits set, over all tables read.
  public internal(set) var malformedEntries: UInt64 = 0

  /// The address of each node's table, with the level in the low bits, which are 0 in every table address.
  var keys: [UInt64] = []
  var lookup = TableLookup()
  /// Leaves in each table itself; `unreadable` where it could not be read.
  var leafCounts: [UInt32] = []
  /// Where each level's nodes begin, and one past the last.
  var levelStarts: [Int] = [0]
  /// Edges of node n: `edgeStarts[n] ..< edgeStarts[n + 1]`, in slot order. The last level has none.
  var edgeStarts: [Int] = [0]
  var edgeTargets: [UInt32] = []
  var edgeEntries: [EdgeEntry] = []

  static let unreadable = UInt32.max
  /// A scheme's tables lie at multiples of 16.
  static let levelBits: UInt64 = 0xf

  init(scheme: PagingScheme) {
    self.scheme = scheme
  }

  /// Nodes in the graph, including those whose table cannot be read.
  public var count: Int { keys.count }

  /// The table that a node stands for.
  public func table(_ node: Node) -> TableReference {
    TableReference(address: address(of: node), level: level(of: node))
  }

  /// The level of the table that a node stands for, the root's being 0.
  public func level(of node: Node) -> Int { Int(keys[node] & TableGraph.levelBits) }

  func address(of node: Node) -> PhysicalAddress { PhysicalAddress(keys[node] & ~TableGraph.levelBits) }

  /// The node of a table, nil where no root reaches it.
  public func node(of table: TableReference) -> Node? {
    guard table.address.value & TableGraph.levelBits == 0, scheme.levels.indices.contains(table.level) else {
      return nil
    }
    return lookup.node(for: table.address.value | UInt64(table.level), in: keys).map { Int($0) }
  }

  /// The nodes of one level; empty for a level that the scheme does not have.
  public func nodes(at level: Int) -> Range<Node> {
    scheme.levels.indices.contains(level) ? levelStarts[level]..<levelStarts[level + 1] : 0..<0
  }

  /// Whether the table itself could be read; an unreadable one has no leaves and no children.
  public func isReadable(_ node: Node) -> Bool { leafCounts[node] != TableGraph.unreadable }

  /// Leaves in the table itself.
  public func leaves(in node: Node) -> Int { isReadable(node) ? Int(leafCounts[node]) : 0 }

  /// The nodes that the entries of a node point at, in slot order; a node that two entries point at appears twice.
  public func children(of node: Node) -> ArraySlice<UInt32> { edgeTargets[edges(of: node)] }

  /// The edges that leave a node.
  func edges(of node: Node) -> Range<Int> {
    node + 1 < edgeStarts.count ? edgeStarts[node]..<edgeStarts[node + 1] : 0..<0
  }

  /// The node that an edge leaves.
  func source(of edge: Int) -> Node {
    edgeStarts.partitioningIndex { $0 > edge } - 1
  }
}

/// What an edge keeps of its entry: the slot, and what the entry allows.
struct EdgeEntry: Sendable {
  private let bits: UInt32

  /// A slot fits the 26 bits above, as a scheme's tables have no more entries.
  init(slot: Int, rights: Rights) {
    bits = UInt32(truncatingIfNeeded: slot << 6) | UInt32(rights.rawValue)
  }

  var slot: Int { Int(bits >> 6) }
  var rights: Rights { Rights(rawValue: UInt8(truncatingIfNeeded: bits & 63)) }
}
