/// The paths of one graph that are open to the user: how many lead to each table, which spaces have them, and what
/// lies at their ends.
///
/// Paths are told apart by what they allow the user, where that decides which leaves are open. On x86 all that
/// counts is whether the user may read.
struct UserPaths {
  /// What the leaves of a table hold for the user, and then those of all tables below it, too.
  struct Sums {
    var bytes: UInt64 = 0
    var swapped: UInt64 = 0
    /// Bytes, each divided by the number of its mappings.
    var share = 0.0
    /// Bytes that are mapped but once.
    var privateBytes: UInt64 = 0
  }

  private let graph: TableGraph
  /// The rights of the user that paths have, as the bits of `Rights` from `userRead` on; those of a root come first.
  private let kinds: [UInt8]
  /// Whether there is but one kind of path, and one bit says whether an entry is open.
  let isPlain: Bool
  /// For each kind, and each of the 8 combinations of rights that an entry can allow, the kind of the path through
  /// it, or `closed`.
  private let continuations: [UInt8]
  /// For each node and kind, the number of pairs of a counted space and such a path; saturating.
  private var weights: [UInt64]

  private static let closed = UInt8.max

  /// - Parameter isCounted: whether the mappings of a space, by its number, count.
  init(_ group: IndexedSpaces, isCounted: (_ spaceNumber: Int) -> Bool) {
    graph = group.graph
    isPlain = graph.scheme.levels.allSatisfy { $0.format.rights.isOneForBoth }
    let everything = isPlain ? UserPaths.bits(.userRead) : UserPaths.bits(.ofUser)
    var kinds = [everything]
    if !isPlain {
      for kind in 1..<everything where group.counts.hasPath(allowingUser: kind) { kinds.append(kind) }
    }
    self.kinds = kinds
    continuations = kinds.flatMap { kind in
      (0..<8 as Range<UInt8>).map { entry in
        UInt8(truncatingIfNeeded: kinds.firstIndex(of: kind & entry) ?? Int(UserPaths.closed))
      }
    }
    weights = []
    let counted = group.spaceNumbers.map(isCounted)
    var weights = [UInt64](repeating: 0, count: graph.count * kinds.count)
    for (member, root) in graph.roots.enumerated() where counted[member] {
      if let root { weights[root * kinds.count] &+= 1 }
    }
    forEachOpenEdge { parent, child in
      let (sum, overflow) = weights[child].addingReportingOverflow(weights[parent])
      weights[child] = overflow ? .max : sum
    }
    self.weights = weights
  }

  /// Rights of the user, shifted to the lowest bits.
  @inline(__always)
  private static func bits(_ rights: Rights) -> UInt8 { rights.intersection(.ofUser).rawValue >> 3 }

  /// Calls `body` with every entry that points at a table, for every kind of path that it is open to, parents before
  /// children: the places of the parent and of the child in an array by node and kind.
  @inline(__always)
  private func forEachOpenEdge(_ body: (_ parent: Int, _ child: Int) -> Void) {
    for level in graph.scheme.levels.indices.dropLast() {
      for node in graph.nodes(at: level) { forEachOpenEdge(of: node, body) }
    }
  }

  @inline(__always)
  private func forEachOpenEdge(
    of node: TableGraph.Node, _ body: (_ parent: Int, _ child: Int) -> Void
  ) {
    if isPlain {
      for edge in graph.edges(of: node) where graph.edgeEntries[edge].rights.contains(.userRead) {
        body(node, Int(graph.edgeTargets[edge]))
      }
      return
    }
    for edge in graph.edges(of: node) {
      let child = Int(graph.edgeTargets[edge]) &* kinds.count
      let allowed = Int(UserPaths.bits(graph.edgeEntries[edge].rights))
      for kind in kinds.indices {
        let next = continuations[kind &* 8 &+ allowed]
        if next != UserPaths.closed { body(node &* kinds.count &+ kind, child &+ Int(next)) }
      }
    }
  }

  /// How many mappings a leaf counts as that some path opens to the user; saturating.
  @inline(__always)
  func mappings(of raw: UInt64, in node: TableGraph.Node, _ shape: PagingLevelShape) -> UInt64 {
    if isPlain { return weights[node] }
    var mappings: UInt64 = 0
    forEachKind(opening: raw, shape) { kind in
      let (sum, overflow) = mappings.addingReportingOverflow(weights[node &* kinds.count &+ kind])
      mappings = overflow ? .max : sum
    }
    return mappings
  }

  /// Calls `body` with the kinds of paths that a leaf is open to.
  @inline(__always)
  private func forEachKind(opening raw: UInt64, _ shape: PagingLevelShape, _ body: (_ kind: Int) -> Void) {
    if isPlain { return body(0) }
    let allowed = UserPaths.bits(shape.format.rights(of: raw, kind: .leaf))
    for kind in kinds.indices where kinds[kind] & allowed != 0 { body(kind) }
  }

  // MARK: Sums

  /// Nothing, for every node and kind of path.
  var noSums: [Sums] { [Sums](repeating: Sums(), count: graph.count * kinds.count) }

  /// Adds what a leaf holds for the user to the sums of its table.
  @inline(__always)
  func add(
    _ raw: UInt64, of node: TableGraph.Node, _ shape: PagingLevelShape, share: MappedPages.Share,
    to sums: inout [Sums]
  ) {
    forEachKind(opening: raw, shape) { kind in
      let place = node &* kinds.count &+ kind
      sums[place].bytes &+= shape.span
      sums[place].share += share.bytes
      sums[place].privateBytes &+= share.privateBytes
    }
  }

  /// Adds what entries that are not present keep in swap space to the sums of their table.
  func add(swapped bytes: UInt64, of node: TableGraph.Node, to sums: inout [Sums]) {
    for kind in kinds.indices { sums[node * kinds.count + kind].swapped &+= bytes }
  }

  /// Adds to the sums of each table those of all tables below it, once per path; saturating.
  func addBelow(to sums: inout [Sums]) {
    for level in graph.scheme.levels.indices.dropLast().reversed() {
      for node in graph.nodes(at: level) {
        forEachOpenEdge(of: node) { parent, child in
          let below = sums[child]
          let (bytes, tooMany) = sums[parent].bytes.addingReportingOverflow(below.bytes)
          sums[parent].bytes = tooMany ? .max : bytes
          let (swapped, overflow) = sums[parent].swapped.addingReportingOverflow(below.swapped)
          sums[parent].swapped = overflow ? .max : swapped
          sums[parent].share += below.share
          let (sole, isPastAll) = sums[parent].privateBytes.addingReportingOverflow(below.privateBytes)
          sums[parent].privateBytes = isPastAll ? .max : sole
        }
      }
    }
  }

  /// The sums of a root.
  func sums(ofRoot root: TableGraph.Node, in sums: [Sums]) -> Sums { sums[root * kinds.count] }

  // MARK: Who has the paths

  /// Which of up to 64 spaces reach each node by each kind of path, one bit each.
  struct Reach {
    fileprivate var bits: [UInt64]
    fileprivate let kindCount: Int

    /// The spaces that reach a node, by whatever kind of path.
    @inline(__always)
    func spaces(reaching node: TableGraph.Node) -> UInt64 {
      var spaces: UInt64 = 0
      for kind in 0..<kindCount { spaces |= bits[node &* kindCount &+ kind] }
      return spaces
    }

    /// The kinds of paths by which a space reaches a node, one bit each.
    @inline(__always)
    func kinds(of bit: Int, reaching node: TableGraph.Node) -> UInt8 {
      var kinds: UInt8 = 0
      for kind in 0..<kindCount {
        kinds |=
          UInt8(truncatingIfNeeded: (bits[node &* kindCount &+ kind] &>> UInt64(bit)) & 1) &<< UInt8(kind)
      }
      return kinds
    }
  }

  /// - Parameter roots: the roots of each space.
  func reach(from roots: [[TableGraph.Node]]) -> Reach {
    var bits = [UInt64](repeating: 0, count: graph.count * kinds.count)
    for (bit, nodes) in roots.enumerated() {
      for node in nodes { bits[node * kinds.count] |= 1 << UInt64(bit) }
    }
    for level in graph.scheme.levels.indices.dropLast() {
      for node in graph.nodes(at: level) {
        let first = node * kinds.count
        guard bits[first..<first + kinds.count].contains(where: { $0 != 0 }) else { continue }
        forEachOpenEdge(of: node) { parent, child in bits[child] |= bits[parent] }
      }
    }
    return Reach(bits: bits, kindCount: kinds.count)
  }

  /// Whether a leaf is open to one of some kinds of paths.
  @inline(__always)
  func isOpen(_ raw: UInt64, to wanted: UInt8, _ shape: PagingLevelShape) -> Bool {
    var isOpen = false
    forEachKind(opening: raw, shape) { kind in isOpen = isOpen || wanted &>> UInt8(kind) & 1 == 1 }
    return isOpen
  }
}

extension TableCounts {
  /// Whether some path to some node allows the user exactly these rights, shifted to the lowest bits.
  fileprivate func hasPath(allowingUser bits: UInt8) -> Bool {
    pathRights.contains { paths in paths.contains { $0.rawValue >> 3 == bits } }
  }
}
