import PageTables

/// Named regions in ascending address, and what a search in them needs: made once, and shared by all spaces that have
/// these regions in common.
package struct RegionTable: Sendable {
  /// Of two that start together the larger one first. They may lie inside of one another.
  package let regions: [NamedRegion]
  /// For each region the address up to which those before it and itself reach: where the search for a larger one ends.
  private let farthest: [VirtualAddress]
  /// Regions that are looked at for one address: real ones nest a few deep, those of hostile memory without end.
  private static let lookLimit = 1024

  package init(_ regions: [NamedRegion] = []) {
    self.regions = regions.sorted { ($0.first, $1.last) < ($1.first, $0.last) }
    var reach = VirtualAddress(0)
    farthest = self.regions.map { region in
      reach = max(reach, region.last)
      return reach
    }
  }

  /// The smallest region that holds an address; nil where none does.
  func smallest(at address: VirtualAddress) -> NamedRegion? {
    var index = regions.partitioningIndex { $0.first > address }
    var best: NamedRegion?
    let end = max(0, index - RegionTable.lookLimit)
    while index > end {
      index -= 1
      guard farthest[index] >= address else { break }
      let region = regions[index]
      if region.contains(address), best.map({ region.length < $0.length }) ?? true { best = region }
    }
    return best
  }

  /// The regions that touch any of the addresses from `first` to `last`, in ascending address.
  func touching(from first: VirtualAddress, through last: VirtualAddress) -> [NamedRegion] {
    var index = regions.partitioningIndex { $0.first >= first }
    let inside = regions[index..<max(index, regions.partitioningIndex { $0.first > last })]
    var around: [NamedRegion] = []
    let end = max(0, index - RegionTable.lookLimit)
    while index > end {
      index -= 1
      guard farthest[index] >= first else { break }
      if regions[index].last >= first { around.append(regions[index]) }
    }
    return Array(around.reversed()) + inside
  }

  /// The regions that start behind `first`, and not behind `last`.
  func starting(behind first: VirtualAddress, through last: VirtualAddress) -> ArraySlice<NamedRegion> {
    let start = regions.partitioningIndex { $0.first > first }
    return regions[start..<max(start, regions.partitioningIndex { $0.first > last })]
  }
}
