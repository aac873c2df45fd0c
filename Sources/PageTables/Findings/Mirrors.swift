/// The mirrors of a memory that somebody else wrote: supervisor leaves outside the direct map whose frames user
/// leaves map as well, joined to runs.
public struct Mirrors: Sendable {
  /// By kernel address.
  public private(set) var all: [Mirror] = []
  /// Whether everything was looked at: hostile tables map more than anybody could list.
  public private(set) var isComplete = true

  /// - Parameters:
  ///   - isWanted: whether the space at a place counts; what is left of a space that ended would show mirrors that
  ///     nobody has.
  ///   - isCancelled: asked now and then; answering true ends the search, which is incomplete then.
  public init(
    of index: SpaceIndex, in memory: any PhysicalMemory, isWanted: ((_ place: Int) -> Bool)? = nil,
    isCancelled: () -> Bool = { false }
  ) {
    for group in index.groups {
      var counts = group.counts
      if let isWanted, !group.places.allSatisfy(isWanted) {
        counts = TableCounts(group.graph) { isWanted(index.place($0, in: group)) }
      }
      withoutActuallyEscaping(isCancelled) { isCancelled in
        var search = MirrorSearch(group, counts, memory, isCancelled)
        search.run()
        isComplete = isComplete && search.isComplete
        all += search.mirrors.map { mirror in
          Mirror(
            place: index.place(mirror.place, in: group), userVA: mirror.userVA, kernelVA: mirror.kernelVA,
            length: mirror.length, physical: mirror.physical,
            kernelPlace: index.place(mirror.kernelPlace, in: group), userMappings: mirror.userMappings)
        }
      }
    }
    all.sort { ($0.kernelVA, $0.place) < ($1.kernelVA, $1.place) }
  }
}
