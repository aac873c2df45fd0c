/// A half-open range of physical addresses, `start ..< end`. `end` is exclusive and may not exceed 2^64 - 1.
public struct PhysicalRange: Hashable, Sendable {
  /// The first byte.
  public var start: PhysicalAddress
  /// One past the last byte.
  public var end: PhysicalAddress

  /// Creates a range, which is empty where `end` lies below `start`.
  @inlinable
  public init(_ start: PhysicalAddress, _ end: PhysicalAddress) {
    self.start = start
    self.end = max(start, end)
  }

  /// Bytes in the range.
  @inlinable
  public var length: UInt64 { end.value &- start.value }

  /// Whether the byte at `address` lies inside.
  @inlinable
  public func contains(_ address: PhysicalAddress) -> Bool { start <= address && address < end }

  /// The part that consists of whole frames.
  public var wholePages: PhysicalRange {
    let (first, overflow) = start.value.addingReportingOverflow(Frame.size - 1)
    guard !overflow else { return PhysicalRange(end, end) }
    return PhysicalRange(PhysicalAddress(first).frameStart, end.frameStart)
  }
}

/// Disjoint ranges of physical addresses in ascending order; touching ranges are joined.
public struct PhysicalRanges: Hashable, Sendable {
  /// Ascending, disjoint, none of them empty.
  public let ranges: [PhysicalRange]

  /// Sorts the ranges, drops empty ones, and joins those that touch or overlap.
  public init(_ unsorted: [PhysicalRange]) {
    var joined: [PhysicalRange] = []
    for range in unsorted.filter({ $0.length > 0 }).sorted(by: { $0.start < $1.start }) {
      if let last = joined.last, range.start <= last.end {
        joined[joined.count - 1].end = max(last.end, range.end)
      } else {
        joined.append(range)
      }
    }
    ranges = joined
  }

  /// Whether the byte at `address` lies in one of the ranges; binary search.
  public func contains(_ address: PhysicalAddress) -> Bool { range(containing: address) != nil }

  /// The range that the byte at `address` lies in; binary search.
  public func range(containing address: PhysicalAddress) -> PhysicalRange? {
    let index = ranges.partitioningIndex { $0.end > address }
    return index < ranges.count && ranges[index].start <= address ? ranges[index] : nil
  }

  /// Whether a single one of the ranges holds all bytes of `range`.
  public func contains(_ range: PhysicalRange) -> Bool {
    guard let holder = self.range(containing: range.start) else { return false }
    return range.end <= holder.end
  }

  /// How many bytes of `range` the ranges hold together.
  public func overlappingBytes(_ range: PhysicalRange) -> UInt64 {
    var bytes: UInt64 = 0
    var index = ranges.partitioningIndex { $0.end > range.start }
    while index < ranges.count, ranges[index].start < range.end {
      bytes &+= min(ranges[index].end, range.end).value &- max(ranges[index].start, range.start).value
      index += 1
    }
    return bytes
  }

  /// The parts of `other` that lie in these ranges, ascending.
  public func overlap(with other: PhysicalRange) -> [PhysicalRange] {
    var parts: [PhysicalRange] = []
    var index = ranges.partitioningIndex { $0.end > other.start }
    while index < ranges.count, ranges[index].start < other.end {
      let start = max(ranges[index].start, other.start)
      parts.append(PhysicalRange(start, min(ranges[index].end, other.end)))
      index += 1
    }
    return parts
  }

  /// Total bytes of all ranges, saturating.
  public var length: UInt64 {
    ranges.reduce(0) { total, range in
      let (sum, overflow) = total.addingReportingOverflow(range.length)
      return overflow ? .max : sum
    }
  }

  /// One past the highest address, 0 when empty.
  public var end: PhysicalAddress { ranges.last?.end ?? PhysicalAddress(0) }
}

extension PhysicalRanges {
  /// Calls `body` with each page of `length` bytes at `start` that lies in one of the ranges, until `body` returns
  /// false.
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
