/// Physical memory in which new tables must not lie: the machine's memory, and whatever entries point at.
struct AvoidedMemory {
  private var ranges: [PhysicalRange]
  /// Ranges are joined only after this many have accumulated.
  private var patience = 1 << 16

  init(_ extent: MemoryExtent) {
    ranges = extent.readable.ranges + extent.physical.ranges + extent.dumped.ranges
  }

  mutating func add(_ start: PhysicalAddress, _ length: UInt64) {
    let (sum, overflow) = start.value.addingReportingOverflow(length)
    let end = PhysicalAddress(overflow ? .max : sum)
    if let last = ranges.last, last.start <= start, start <= last.end {
      ranges[ranges.count - 1].end = max(last.end, end)
      return
    }
    ranges.append(PhysicalRange(start, end))
    if ranges.count > patience {
      ranges = PhysicalRanges(ranges).ranges
      patience = max(patience, 2 * ranges.count)
    }
  }

  /// A place for `bytes` bytes, aligned to `alignment`, that ends at or below `limit`, and whose first `headBytes`
  /// end at or below `headLimit`: above all avoided memory if possible, otherwise at the start of the highest
  /// suitable gap. Never page 0.
  func place(
    for bytes: UInt64, alignment: UInt64, below limit: PhysicalAddress, headBytes: UInt64,
    headLimit: PhysicalAddress
  ) -> PhysicalAddress? {
    let taken = PhysicalRanges(ranges).ranges
    let highest = PhysicalAddress(.max & ~(Frame.size - 1))
    var gapEnd = highest
    for index in stride(from: taken.count - 1, through: -1, by: -1) {
      let above = index >= 0 ? taken[index].end.value : Frame.size
      let (rounded, overflow) = above.addingReportingOverflow(alignment - 1)
      let start = max(rounded & ~(alignment - 1), alignment)
      let (end, tooFar) = start.addingReportingOverflow(bytes)
      if !overflow, !tooFar, end <= min(gapEnd, limit).value, start &+ headBytes <= headLimit.value {
        return PhysicalAddress(start)
      }
      if index >= 0 { gapEnd = taken[index].start.frameStart }
    }
    return nil
  }
}
