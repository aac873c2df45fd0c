/// The mirrors of a memory that somebody else wrote: supervisor leaves outside the direct map whose frames user
/// leaves map as well, joined to runs.
public struct Mirrors: Sendable {
  /// By kernel address.
  public private(set) var all: [Mirror] = []
  /// Whether everything was looked at: hostile tables map more than anybody could list.
  public private(set) var isComplete = true

  /// - Parameters:
  ///   - isWanted: whether the space of a number counts; what is left of a space that ended would show mirrors that
  ///     nobody has.
  ///   - isCancelled: asked now and then; answering true ends the search, which is incomplete then.
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
