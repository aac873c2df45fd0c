/// The mirrors found in a memory: supervisor leaves outside the direct map whose frames user leaves map as well,
/// joined into runs.
public struct Mirrors: Sendable {
  /// By kernel address.
  public private(set) var all: [Mirror] = []
  /// Whether the search was exhaustive: hostile tables can map more than can be listed.
  public private(set) var isComplete = true

  /// - Parameters:
  ///   - isWanted: whether the space with a given number counts; leftovers of a space that has ended would show
  ///     mirrors that no longer exist.
  ///   - isCancelled: polled during the search; returning true ends it early, and the result is then incomplete.
  public init(
    of index: SpaceIndex, in memory: any PhysicalMemory, isWanted: ((_ spaceNumber: Int) -> Bool)? = nil,
    isCancelled: () -> Bool = { false }
  ) {
    let memory = memory.moment()
    let counts = index.groups.map { group in
      guard let isWanted, !group.spaceNumbers.allSatisfy(isWanted) else { return group.counts }
      return TableCounts(group.graph) { isWanted(group.spaceNumbers[$0]) }
    }
    withoutActuallyEscaping(isCancelled) { isCancelled in
      var search = MirrorSearch(index, counts, memory, isCancelled)
      search.run()
      isComplete = search.isComplete
      all = search.mirrors
    }
    all.sort { ($0.kernelVA, $0.spaceNumber) < ($1.kernelVA, $1.spaceNumber) }
  }
}
