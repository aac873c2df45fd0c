import PageTables

extension [FoundSpace] {
  /// The same spaces in the order in which they are listed, which does not depend on whether the guest or the scan
  /// told of them first: those known without a search as they came, processes by pid, the rest by root, and last
  /// what is possibly stale; of them all the kernel's own first, and a user copy behind its kernel copy. Roots that a
  /// person gave keep their order.
  ///
  /// - Parameter known: the roots of the spaces known without a search.
  func inListingOrder(known: [PhysicalAddress]) -> [FoundSpace] {
    let places = Dictionary(known.enumerated().map { ($1, $0) }) { first, _ in first }
    func rank(_ found: FoundSpace) -> (Int, Int, Int, UInt64) {
      let copy = found.isUserCopy ? 1 : 0
      let pair = [found.space.root, found.isolation.otherRoot].compactMap(\.self)
      if let place = pair.compactMap({ places[$0] }).min() { return (0, place, copy, 0) }
      if !found.isPossiblyStale, found.otherKernel == nil, let pid = found.pid {
        return (1, pid, copy, found.space.root.value)
      }
      return (found.isPossiblyStale ? 3 : 2, 0, 0, found.space.root.value)
    }
    if contains(where: { $0.origin == .given }) { return self }
    return map { ($0, rank($0)) }.sorted { $0.1 < $1.1 }.map(\.0).kernelFirst
  }
}
