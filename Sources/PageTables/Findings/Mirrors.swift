/// The mirrors found in a memory: supervisor leaves outside the direct map whose frames user leaves map as well,
/// joined into runs.
public struct Mirrors: Sendable {
  /// By kernel address; after all others those of the kernel's image, and of these last what was given back.
  public private(set) var all: [Mirror] = []
  /// Where user space maps frames that the kernel maps, too; by frame.
  public private(set) var userEntries: [UserEntry] = []
  /// Whether the search was exhaustive: hostile tables can map more than can be listed.
  public private(set) var isComplete = true

  /// An entry that maps a frame for the user.
  public struct UserEntry: Hashable, Sendable {
    /// Where the smallest page begins that both sides map; the entry may map more.
    public let physical: PhysicalAddress
    /// The table that holds the entry.
    public let table: TableReference
    /// A space by whose scheme the table is read, by its number.
    public let spaceNumber: Int
    /// Which of the windows of that space has the scheme.
    public let window: Int
  }

  /// - Parameters:
  ///   - isWanted: whether the space with a given number counts; leftovers of a space that has ended would show
  ///     mirrors that no longer exist.
  ///   - isInUse: whether the kernel's image still has the frame at an address, where a guest tells; nil otherwise.
  ///     Of what lies in the image, the rest is given back.
  ///   - isCancelled: polled during the search; returning true ends it early, and the result is then incomplete.
  public init(
    of index: SpaceIndex, in memory: any PhysicalMemory, isWanted: ((_ spaceNumber: Int) -> Bool)? = nil,
    isInUse: ((PhysicalAddress) -> Bool)? = nil, isCancelled: () -> Bool = { false }
  ) {
    let memory = memory.moment()
    let counts = index.groups.map { group in
      guard let isWanted, !group.spaceNumbers.allSatisfy(isWanted) else { return group.counts }
      return TableCounts(group.graph) { isWanted(group.spaceNumbers[$0]) }
    }
    // Both copies of a space map what its user maps, and are one.
    let counted = zip(index.groups, counts).map { group, counts in
      guard group.spaceNumbers.contains(where: { index.copies[$0] != nil }) else { return counts }
      return TableCounts(group.graph) {
        counts.isWanted[$0] && index.copies[group.spaceNumbers[$0]] == nil
      }
    }
    withoutActuallyEscaping(isCancelled) { isCancelled in
      var search = MirrorSearch(index, counts, counted, memory, isInUse: isInUse, isCancelled)
      search.run()
      isComplete = search.isComplete
      all = search.mirrors
      userEntries = search.userEntries
    }
    func rank(_ mirror: Mirror) -> (Int, VirtualAddress, Int) {
      (mirror.isParticular ? 0 : mirror.kind == .mirror ? 1 : 2, mirror.kernelVA, mirror.spaceNumber)
    }
    all.sort { rank($0) < rank($1) }
  }
}
