import MemoryImages
import PageTables

/// A pass over all of physical memory, page by page, that reports progress and can be stopped.
struct MemoryPass {
  let memory: any PhysicalMemory
  /// Called repeatedly with the fraction done, 0 to 1; returns whether to continue.
  let progress: (Double) -> Bool

  /// Pages between two progress reports.
  private static let pagesPerReport: UInt64 = 4096

  /// Calls `body` with every readable page, except those known to hold only zeroes; returns whether it reached the
  /// end.
  func forEachPage(_ body: (PhysicalAddress, RawSpan) -> Void) -> Bool {
    forEachPage(in: memory.extent.readable.ranges, body)
  }

  /// The same for these ranges, in this order.
  func forEachPage(in readable: [PhysicalRange], _ body: (PhysicalAddress, RawSpan) -> Void) -> Bool {
    let populated = memory.populated
    let ranges = readable.flatMap { populated.overlap(with: $0) }
    let total = Double(max(ranges.reduce(0) { $0 &+ $1.length }, 1))
    var done: UInt64 = 0
    for range in ranges {
      var rest = range.wholePages
      while rest.length > 0 {
        guard progress(Double(done &+ (rest.start.value &- range.start.value)) / total) else { return false }
        let end = rest.start.advanced(by: min(rest.length, MemoryPass.pagesPerReport &* Frame.size))
        memory.forEachPage(in: PhysicalRange(rest.start, end), body)
        rest.start = end
      }
      done &+= range.length
    }
    return progress(1)
  }
}
