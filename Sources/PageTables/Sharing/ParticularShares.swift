/// A table that some spaces share in particular: two processes with one page table for a stretch of huge pages, or a
/// table that one space has at two addresses.
public struct ParticularShare: Hashable, Sendable {
  /// Where a space has the table.
  public struct Place: Hashable, Sendable {
    /// The space, by its number in the order given.
    public let spaceNumber: Int
    /// The first address that the table translates there.
    public let virtual: VirtualAddress
  }

  /// An entry that points at the table, and whose own table is not shared.
  public struct Holder: Hashable, Sendable {
    /// The table that holds the entry.
    public let table: TableReference
    /// The entry's index in it.
    public let slot: Int
  }

  /// The shared table.
  public let table: TableReference
  /// The scheme by which it is read.
  public let scheme: PagingScheme
  /// How many spaces reach it; copies of one space count once.
  public let spaces: Int
  /// Where spaces have it, ordered by space and address; the first of them where there are very many.
  public let places: [Place]
  /// The entries that lead to it, in the order of their tables; the first of them where there are very many.
  public let holders: [Holder]

  /// Another place of the table for who looks at it in a space at an address: in another space if there is one.
  public func peer(
    of spaceNumber: Int, at virtual: VirtualAddress, copies: [Int: Int] = [:]
  ) -> Place? {
    func counted(_ number: Int) -> Int { copies[number] ?? number }
    return places.first { counted($0.spaceNumber) != counted(spaceNumber) }
      ?? places.first { counted($0.spaceNumber) == counted(spaceNumber) && $0.virtual != virtual }
  }
}

/// All particular shares of an index: the topmost tables that several spaces reach, or one space at several addresses,
/// and that not everybody has.
public struct ParticularShares: Sendable {
  /// Those of user memory first; then by first space and address.
  public private(set) var all: [ParticularShare] = []
  /// Whether they are all: hostile tables share more than anybody could list.
  public private(set) var isComplete = true

  /// The most shares kept, and the most places and entries of one share.
  private static let limit = 1 << 14
  private static let placeLimit = 64

  /// - Parameters:
  ///   - isWanted: whether the space with a given number counts; a leftover of a space that ended shares nothing.
  ///   - isCancelled: polled during the search; returning true ends it early, and the result is then incomplete.
  public init(
    of index: SpaceIndex, beside everybodys: EverybodysTables,
    kernelStart: (PagingScheme) -> VirtualAddress,
    isWanted: ((_ spaceNumber: Int) -> Bool)? = nil, isCancelled: () -> Bool = { false }
  ) {
    for (number, group) in index.groups.enumerated() {
      let isEveryone = isWanted.map { group.spaceNumbers.allSatisfy($0) } ?? true
      let counts =
        isEveryone
        ? group.counts : TableCounts(group.graph) { isWanted?(group.spaceNumbers[$0]) ?? true }
      let isKernels = group.isInKernelHalf(kernelStart(group.graph.scheme))
      for node in 0..<group.graph.count {
        if node & 255 == 0, isCancelled() {
          isComplete = false
          return
        }
        guard counts.isReached(node), group.graph.isReadable(node),
          !everybodys.contains(node, ofGroup: number),
          counts.spaces[node] > 1 || (!isKernels[node] && group.parents.count(of: node) > 1)
        else { continue }
        guard let share = group.share(node, counts, limit: Self.placeLimit) else { continue }
        guard all.count < Self.limit else {
          isComplete = false
          break
        }
        all.append(share)
      }
    }
    all.sort { one, other in
      let (first, second) = (one.places[0], other.places[0])
      return (first.virtual >= kernelStart(one.scheme) ? 1 : 0, first.spaceNumber, first.virtual)
        < (second.virtual >= kernelStart(other.scheme) ? 1 : 0, second.spaceNumber, second.virtual)
    }
  }
}

extension IndexedSpaces {
  /// The share that a table is the top of; nil where it is only reached through tables that are shared themselves.
  fileprivate func share(_ node: TableGraph.Node, _ counts: TableCounts, limit: Int) -> ParticularShare? {
    let isShared = counts.spaces[node] > 1
    var holders: [ParticularShare.Holder] = []
    var edges = 0
    for edge in parents(node) {
      let parent = graph.source(of: Int(edge))
      guard counts.isReached(parent), counts.spaces[parent] <= 1 else { continue }
      edges += 1
      if holders.count < limit {
        holders.append(
          ParticularShare.Holder(table: graph.table(parent), slot: graph.edgeEntries[Int(edge)].slot))
      }
    }
    let isRoot = graph.level(of: node) == 0
    guard isRoot || (isShared ? edges > 0 : edges > 1) else { return nil }
    var places: [ParticularShare.Place] = []
    // Paths multiply; of a table with very many only some are tried.
    var tries = limit * 16
    graph.forEachArrival(at: node, parents) { arrival in
      for member in rootMembers[arrival.root] ?? [] where counts.isWanted[member] {
        guard graph.countedSpaces[member] == graph.memberSpaces[member] else { continue }
        places.append(
          ParticularShare.Place(
            spaceNumber: spaceNumbers[member], virtual: graph.virtual(arrival.base, member: member)))
      }
      tries -= 1
      return tries > 0 && places.count < limit
    }
    guard places.count > 1 else { return nil }
    places.sort { ($0.spaceNumber, $0.virtual) < ($1.spaceNumber, $1.virtual) }
    return ParticularShare(
      table: graph.table(node), scheme: graph.scheme, spaces: Int(counts.spaces[node]), places: places,
      holders: holders)
  }
}
