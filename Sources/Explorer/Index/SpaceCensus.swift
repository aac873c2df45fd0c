import Guests

/// Which of the listed spaces count, and how, by their numbers in the list.
package struct SpaceCensus: Equatable, Sendable {
  /// Those that most likely ended: what they map is no mirror of anything, and they share nothing.
  var stale: Set<Int> = []
  /// Those that are nobody's or serve a special purpose, such as booting: they need not have what everybody has.
  var special: Set<Int> = []
  /// Those that are the user copy of another one, and count as it.
  var copies: [Int: Int] = [:]
  /// The kernel's own: what it shares with others is its own there.
  var kernels: Set<Int> = []

  /// The spaces, as they were found; empty where only addresses are known.
  private(set) var found: [FoundSpace] = []

  /// A list in which every space counts.
  package init() {}

  package init(_ found: [FoundSpace]) {
    self.found = found
    stale = Set(found.indices.filter { found[$0].isPossiblyStale })
    special = Set(
      found.indices.filter {
        found[$0].role == .special || found[$0].isUnowned || found[$0].otherKernel != nil
      })
    kernels = Set(found.indices.filter { found[$0].isKernelsOwn })
    copies = found.copies
  }

  /// Whether a space is one of those that make up everybody.
  package func isOrdinary(_ spaceNumber: Int) -> Bool {
    !stale.contains(spaceNumber) && !special.contains(spaceNumber)
  }

  /// The space that one counts as: itself, or the one that it is a copy of.
  func counted(_ spaceNumber: Int) -> Int { copies[spaceNumber] ?? spaceNumber }
}
