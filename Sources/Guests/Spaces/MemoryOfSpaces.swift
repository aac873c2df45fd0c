import PageTables

extension SpaceIndex {
  /// What each of the found spaces uses, by space number; nil when cancelled. The copies of an isolated pair are counted
  /// as one, and spaces that are possibly none any more are not counted.
  ///
  /// - Parameters:
  ///   - found: the spaces of the index, in its order.
  ///   - guest: tells what is swapped out, where it is known.
  ///   - progress: called repeatedly with the fraction done, 0 to 1; returning false cancels the work.
  package func memory(
    of found: [FoundSpace], guest: LinuxGuest?, in memory: any PhysicalMemory,
    progress: (Double) -> Bool = { _ in true }
  ) -> [SpaceMemory]? {
    let owners = found.countedAs
    return memoryOfSpaces(
      in: memory, countedAs: { owners[$0] }, swapTest: SwapEntries(guest).test, progress: progress)
  }
}

extension [FoundSpace] {
  /// For each space, the number of the space that its user half is counted as: itself; for a user copy that of the
  /// kernel copy, which has the same tables there; nil for what is possibly no space any more.
  package var countedAs: [Int?] {
    let numbers = Dictionary(
      enumerated().map { ($1.space.root, $0) }, uniquingKeysWith: { first, _ in first })
    return enumerated().map { number, found in
      if found.isPossiblyStale { return nil }
      if case .userCopy(let kernel) = found.isolation, let other = numbers[kernel],
        !self[other].isPossiblyStale
      {
        return other
      }
      return number
    }
  }
}
