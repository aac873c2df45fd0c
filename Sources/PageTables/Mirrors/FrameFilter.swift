/// A quick "certainly not" for frames of some ranges: a bit a frame, folded where there are too many.
struct FrameFilter {
  private var bits: [UInt64]
  private let mask: UInt64

  private static let mostBits: UInt64 = 1 << 24

  init(_ ranges: PhysicalRanges) {
    let frames = ranges.length >> UInt64(Frame.shift)
    var size: UInt64 = 1 << 12
    while size < FrameFilter.mostBits && size < frames &* 16 { size <<= 1 }
    mask = size - 1
    bits = [UInt64](repeating: 0, count: Int(size >> 6))
    if frames >= size {
      bits = [UInt64](repeating: .max, count: bits.count)
      return
    }
    for range in ranges.ranges {
      var frame = range.start.frame.number
      while frame << UInt64(Frame.shift) < range.end.value {
        bits[Int((frame & mask) >> 6)] |= 1 << (frame & 63)
        frame &+= 1
      }
    }
  }

  @inline(__always)
  func mayContain(_ address: PhysicalAddress) -> Bool {
    let frame = address.frame.number & mask
    return bits[Int(truncatingIfNeeded: frame >> 6)] & (1 << (frame & 63)) != 0
  }
}

extension PhysicalRanges {
  /// Calls `body` with each page of `length` bytes at `start` that lies in one of the ranges, until it answers false.
  func forEachPage(
    of pageSize: UInt64, from start: PhysicalAddress, length: UInt64, _ body: (PhysicalAddress) -> Bool
  ) {
    let (end, overflow) = start.value.addingReportingOverflow(length)
    let last = overflow ? UInt64.max : end
    var index = ranges.partitioningIndex { $0.end > start }
    while index < ranges.count, ranges[index].start.value < last {
      var page = max(ranges[index].start.value, start.value) & ~(pageSize &- 1)
      let stop = min(ranges[index].end.value, last)
      while page < stop {
        guard body(PhysicalAddress(page)) else { return }
        page &+= pageSize
        if page == 0 { return }
      }
      index += 1
    }
  }
}

extension RandomAccessCollection where Index == Int {
  /// The first index whose element and all after it answer true, in a collection that is sorted that way.
  func partitioningIndex(_ isBehind: (Element) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
