import PageTables

extension SpaceIndex {
  /// What each of the found spaces uses, by space number; nil when cancelled. What is possibly no space any more does not
  /// count for the others.
  ///
  /// - Parameters:
  ///   - found: the spaces of the index, in its order.
  ///   - guest: tells what is swapped out, where it is known.
  ///   - progress: called repeatedly with the fraction done, 0 to 1; returning false cancels the work.
  package func memory(
    of found: [FoundSpace], guest: LinuxGuest?, in memory: any PhysicalMemory,
    progress: (Double) -> Bool = { _ in true }
  ) -> [SpaceMemory]? {
    memoryOfSpaces(
      in: memory, isWanted: { !found[$0].isPossiblyStale }, swapTest: SwapEntries(guest).test,
      progress: progress)
  }
}
