/// The virtual addresses at which tables start, over all spaces together: a kernel table that 400 spaces reach at
/// one address has one base. Computed on demand and cached.
struct VirtualBases {
  struct Base {
    /// From the bottom of the translated bits of the owner's window.
    let offset: UInt64
    /// How many paths lead there; saturating.
    var paths: UInt64
    /// The first member that has the table there.
    var owner: UInt32
  }

  private let graph: TableGraph
  private let parents: ParentEdges
  private let counts: TableCounts
  /// The members of each root, for roots that translate several ranges of addresses.
  private let rootMembers: [TableGraph.Node: [Int]]
  private var known: [TableGraph.Node: [Base]] = [:]
  /// The most bases kept for one table; further ones are left out. In hostile memory paths multiply; in an honest
  /// kernel a shared table lies at two addresses at most, and the tables that repeat (KASAN's shadow, ESPFIX) hold
  /// nothing else.
  private static let limit = 8

  init(_ graph: TableGraph, _ parents: ParentEdges, _ counts: TableCounts) {
    self.graph = graph
    self.parents = parents
    self.counts = counts
    let isOneWindow = graph.firstAddresses.allSatisfy { $0 == graph.firstAddresses.first }
    rootMembers = isOneWindow ? [:] : graph.rootMembers()
  }

  mutating func callAsFunction(_ node: TableGraph.Node) -> [Base] {
    let level = graph.level(of: node)
    if level == 0 {
      guard counts.isReached(node) else { return [] }
      guard let members = rootMembers[node] else {
        return [Base(offset: 0, paths: counts.paths[node], owner: counts.owners[node])]
      }
      var bases: [Base] = []
      for member in members where counts.isWanted[member] {
        add(Base(offset: 0, paths: 1, owner: UInt32(truncatingIfNeeded: member)), to: &bases)
      }
      return bases
    }
    if let bases = known[node] { return bases }
    let shift = UInt64(graph.scheme.levels[level - 1].shift)
    var bases: [Base] = []
    for edge in parents(node) {
      let offset = UInt64(graph.edgeEntries[Int(edge)].slot) &<< shift
      for base in self(graph.source(of: Int(edge))) {
        add(Base(offset: base.offset &+ offset, paths: base.paths, owner: base.owner), to: &bases)
      }
    }
    known[node] = bases
    return bases
  }

  private mutating func add(_ base: Base, to bases: inout [Base]) {
    for index in bases.indices where bases[index].offset == base.offset && isSameWindow(bases[index], base) {
      let (sum, overflow) = bases[index].paths.addingReportingOverflow(base.paths)
      bases[index].paths = overflow ? .max : sum
      bases[index].owner = min(bases[index].owner, base.owner)
      return
    }
    if bases.count < VirtualBases.limit { bases.append(base) }
  }

  private func isSameWindow(_ one: Base, _ other: Base) -> Bool {
    graph.firstAddresses[Int(one.owner)] == graph.firstAddresses[Int(other.owner)]
  }

  /// The address `distance` bytes after the start of the table.
  func virtual(_ base: Base, _ distance: UInt64) -> VirtualAddress {
    graph.virtual(base.offset &+ distance, member: Int(base.owner))
  }

  /// The bases with most paths: they leave out a boot-time root that maps the kernel's tables a second time at
  /// another address.
  mutating func usual(_ node: TableGraph.Node) -> [Base] {
    let bases = self(node)
    let most = bases.map(\.paths).max()
    return bases.filter { $0.paths == most }.sorted { virtual($0, 0) < virtual($1, 0) }
  }
}
