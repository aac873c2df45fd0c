import PageTables

/// Named regions in ascending address, with an index to search them: created once, and shared by all spaces that
/// have these regions.
package struct RegionTable: Sendable {
  /// If two start together, the larger one comes first. Regions may lie inside each other.
  package let regions: [NamedRegion]
  /// For each region, the highest end of it and all regions before it: tells the search for a larger region when to
  /// stop.
  private let farthest: [VirtualAddress]
  /// The most regions visited for one address: real ones nest a few levels deep, those of hostile memory without
  /// end.
  private static let lookLimit = 1024

  package init(_ regions: [NamedRegion] = []) {
    self.regions = regions.sorted { ($0.first, $1.last) < ($1.first, $0.last) }
    var reach = VirtualAddress(0)
    farthest = self.regions.map { region in
      reach = max(reach, region.last)
      return reach
    }
  }

  /// The smallest region that contains an address; nil where none does.
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

  /// The regions that start after `first`, up to and including `last`.
  func starting(behind first: VirtualAddress, through last: VirtualAddress) -> ArraySlice<NamedRegion> {
    let start = regions.partitioningIndex { $0.first > first }
    return regions[start..<max(start, regions.partitioningIndex { $0.first > last })]
  }
}
