/// What the user half of a space uses: the memory that its leaves map for the user, and what its tables cost.
///
/// Linux has numbers of its own for four of these, in `/proc/PID/smaps`: `Rss`, `Pss`, `Swap`, and the private bytes, which
/// are `Private_Clean` and `Private_Dirty`. It counts by regions and by what it knows of a frame, this by tables alone, so
/// they differ where
/// - a frame is mapped twice in one space: once in `residentBytes`, twice in `Rss`;
/// - a frame has no owner to the kernel: the page of zeroes, the huge page of zeroes, and a device's memory count here,
///   and not there;
/// - a page is present for the kernel and kept from the processor (PROT_NONE, a page being migrated): it counts there,
///   and not here, since no leaf maps it;
/// - a page is one of hugetlbfs: it counts here as any other, and there under a name of its own;
/// - a frame is mapped by a process whose space is not among those given: it counts there for `Pss`;
/// - a page of a file in memory (tmpfs) was swapped out: the tables keep nothing of it, and the kernel counts it.
///
/// `Pss` is rounded down to a kilobyte for each region, and 32-bit kernels leave out huge pages that nobody shares.
public struct SpaceMemory: Hashable, Sendable {
  /// Bytes that leaves open to the user map, every path counted; saturating.
  public internal(set) var userBytes: UInt64 = 0
  /// Bytes of memory that these leaves map, each counted once.
  public internal(set) var residentBytes: UInt64 = 0
  /// The bytes that these leaves map, each divided by the number of its mappings for the user, in all spaces and this
  /// one; the sum over all spaces is the memory that they use together. Rounded to a byte; saturating.
  public internal(set) var proportionalBytes: UInt64 = 0
  /// Bytes of memory that these leaves map, and nothing else does for the user: neither another space, nor this one a
  /// second time. Saturating.
  public internal(set) var privateBytes: UInt64 = 0
  /// Bytes covered by entries that are not present, and in which the system keeps a place in swap space; nil where
  /// nothing tells which entries these are.
  public internal(set) var swappedBytes: UInt64?
  /// Tables that the space reaches and no other does; copies of one space do not take them from each other.
  public internal(set) var ownTables = 0
  /// Tables that the space reaches, and another one, too.
  public internal(set) var sharedTables = 0
  /// Whether everything was counted: hostile tables map more than can be. If not, resident bytes are a lower bound,
  /// and the others only an estimate.
  public internal(set) var isComplete = true

  /// Nothing at all.
  public init() {}
}

extension SpaceIndex {
  /// What each space uses, by space number; nil when cancelled.
  ///
  /// A table is read once for every question, not once for every space that reaches it.
  ///
  /// Copies of one space are counted as one, and each gets the answer.
  ///
  /// - Parameters:
  ///   - isWanted: whether the mappings of a space, by its number, count. Others get an answer, too: leftovers of a
  ///     space that has ended would take from what others have in proportion.
  ///   - swapTest: for a paging scheme, what tells whether an entry that is not present keeps a place in swap space;
  ///     nil where nothing does. The mark's address is the first at which a space has it.
  ///   - limit: approximately the most leaves to visit again for spaces that share a table and map one of its pages
  ///     elsewhere, too, and the most pages to visit for large pages of which parts are mapped by themselves; if that
  ///     does not suffice, the result says that it is not complete.
  ///   - progress: called repeatedly with the fraction done, 0 to 1; returning false cancels the work.
  public func memoryOfSpaces(
    in memory: any PhysicalMemory, isWanted: (_ spaceNumber: Int) -> Bool = { _ in true },
    swapTest: (_ scheme: PagingScheme) -> ((Mark) -> Bool)? = { _ in nil }, limit: Int = 1 << 26,
    progress: (Double) -> Bool = { _ in true }
  ) -> [SpaceMemory]? {
    let isCounted = spaces.indices.map { number in
      isWanted(number) && copies[number].map { $0 == number || !isWanted($0) } ?? true
    }
    var search = SpaceMemorySearch(self, memory.moment(), isCounted: isCounted, swapTest, limit: limit)
    guard search.run(progress) else { return nil }
    var result = search.result
    for (spaceNumber, counts) in tableCountsOfSpaces.enumerated() {
      result[spaceNumber].ownTables = counts.tables - counts.shared
      result[spaceNumber].sharedTables = counts.shared
    }
    return result
  }
}
