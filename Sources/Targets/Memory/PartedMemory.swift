import PageTables

/// Memory whose parts are reached in different ways.
struct PartedMemory: PhysicalMemory {
  /// A part, which reads every page of its ranges.
  struct Part: Sendable {
    var ranges: PhysicalRanges
    var memory: any PhysicalMemory
  }

  let extent: MemoryExtent
  private let parts: [any PhysicalMemory]
  /// Ascending and disjoint; whole pages.
  private let stretches: [(range: PhysicalRange, part: Int)]

  /// Where parts overlap, the first one wins.
  init(_ parts: [Part]) {
    self.parts = parts.map(\.memory)
    var stretches: [(range: PhysicalRange, part: Int)] = []
    for (index, part) in parts.enumerated() {
      stretches += part.ranges.ranges.map { (range: $0.wholePages, part: index) }
    }
    stretches.sort { ($0.range.start, $0.part) < ($1.range.start, $1.part) }
    var reached = PhysicalAddress(0)
    for index in stretches.indices {
      stretches[index].range = PhysicalRange(
        max(stretches[index].range.start, reached), stretches[index].range.end)
      reached = max(reached, stretches[index].range.end)
    }
    self.stretches = stretches.filter { $0.range.length > 0 }
    extent = MemoryExtent(readable: PhysicalRanges(self.stretches.map(\.range)))
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    let index = firstStretch(endingAbove: address)
    guard index < stretches.count, stretches[index].range.start <= address else {
      throw .outsidePhysicalMemory
    }
    return try parts[stretches[index].part].withPage(at: address, body)
  }

  func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void) {
    var index = firstStretch(endingAbove: range.start)
    while index < stretches.count, stretches[index].range.start < range.end {
      let stretch = stretches[index]
      parts[stretch.part].forEachPage(
        in: PhysicalRange(max(range.start, stretch.range.start), min(range.end, stretch.range.end)), body)
      index += 1
    }
  }

  var populated: PhysicalRanges {
    var found: [PhysicalRange] = []
    for (index, part) in parts.enumerated() {
      let populated = part.populated
      for stretch in stretches where stretch.part == index {
        found += populated.overlap(with: stretch.range)
      }
    }
    return PhysicalRanges(found)
  }

  private func firstStretch(endingAbove address: PhysicalAddress) -> Int {
    var low = 0
    var high = stretches.count
    while low < high {
      let middle = (low + high) / 2
      if stretches[middle].range.end > address { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
