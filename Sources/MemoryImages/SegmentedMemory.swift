import PageTables

/// Physical memory whose bytes stand uncompressed in a mapped file.
final class SegmentedMemory: PhysicalMemory, PrefetchableMemory {
  private let file: MappedFile
  private let segments: [Segment]
  let extent: MemoryExtent

  /// Every segment of `table` must lie in `file`.
  init(_ file: consuming MappedFile, _ table: SegmentTable, extent: MemoryExtent? = nil) {
    self.file = file
    segments = table.segments
    self.extent = extent ?? table.extent
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    let start = address.frameStart.value
    let (end, overflow) = start.addingReportingOverflow(Frame.size)
    let index = firstSegment(endingAbove: start)
    guard !overflow, index < segments.count, segments[index].start <= start else {
      throw extent.reasonMissing(address)
    }
    let segment = segments[index]
    if end <= segment.end {
      return file.withBytes(at: segment.fileOffset &+ (start &- segment.start), length: Frame.size, body)
    }
    var page = PageBuffer()
    try gather(start, end, from: index, into: &page, reason: address)
    return page.withBytes(body)
  }

  /// Puts a page together that several segments hold.
  private func gather(
    _ start: UInt64, _ end: UInt64, from first: Int, into page: inout PageBuffer, reason: PhysicalAddress
  ) throws(MissingPage) {
    var position = start
    for segment in segments[first...] where position < end {
      guard segment.start <= position else { break }
      let stop = min(end, segment.end)
      file.append(at: segment.fileOffset + (position - segment.start), length: stop - position, to: &page)
      position = stop
    }
    guard position == end else { throw extent.reasonMissing(reason) }
  }

  @inline(__always)
  private func firstSegment(endingAbove address: UInt64) -> Int {
    var low = 0
    var high = segments.count
    while low < high {
      let middle = (low &+ high) / 2
      if segments[middle].end <= address { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  func prefetch(_ range: PhysicalRange) {
    var index = firstSegment(endingAbove: range.start.value)
    while index < segments.count, segments[index].start < range.end.value {
      let segment = segments[index]
      let start = max(segment.start, range.start.value)
      let end = min(segment.end, range.end.value)
      file.prefetch(at: segment.fileOffset + (start - segment.start), length: end - start)
      index += 1
    }
  }
}

/// Memory that can be told what will be read next.
public protocol PrefetchableMemory: PhysicalMemory {
  /// A hint that all of `range` (some MiB) will be read soon, one page after the other.
  func prefetch(_ range: PhysicalRange)
}

/// Bytes of physical memory that follow each other in the file as well.
struct Segment: Hashable {
  var start: UInt64
  /// Exclusive.
  var end: UInt64
  var fileOffset: UInt64
}

/// What a header says about one range. Nothing in it has been checked.
struct SegmentClaim {
  var physical: UInt64
  /// Bytes of memory; what is more than `fileSize` is not in the dump.
  var memorySize: UInt64
  var fileOffset: UInt64
  var fileSize: UInt64
}

/// The ranges of a file, checked: sorted by address, disjoint, each inside the file.
struct SegmentTable {
  private(set) var segments: [Segment] = []
  private(set) var extent = MemoryExtent(readable: PhysicalRanges([]))
  private(set) var warnings: [String] = []

  /// Where claims overlap, the one that starts lower wins, and of two that start together the first.
  init(_ claims: [SegmentClaim], fileSize: UInt64) {
    var checked: [Segment] = []
    var physical: [PhysicalRange] = []
    var missing: UInt64 = 0
    var wrapped = 0
    for claim in claims {
      let size = max(claim.memorySize, claim.fileSize)
      let room = UInt64.max - claim.physical
      if size > room { wrapped += 1 }
      physical.append(
        PhysicalRange(PhysicalAddress(claim.physical), PhysicalAddress(claim.physical + min(size, room)))
          .roundedOutward)
      let wanted = min(claim.fileSize, room)
      let available = claim.fileOffset < fileSize ? min(wanted, fileSize - claim.fileOffset) : 0
      missing = missing.saturatingAdding(wanted - available)
      if available > 0 {
        checked.append(
          Segment(start: claim.physical, end: claim.physical + available, fileOffset: claim.fileOffset))
      }
    }
    warn(missing: missing, wrapped: wrapped)
    join(checked.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
      .map(\.element), fileSize: fileSize)
    let readable = PhysicalRanges(
      PhysicalRanges(segments.map { PhysicalRange(PhysicalAddress($0.start), PhysicalAddress($0.end)) })
        .ranges.map(\.roundedInward))
    extent = MemoryExtent(readable: readable, physical: PhysicalRanges(physical), dumped: readable)
  }

  private mutating func warn(missing: UInt64, wrapped: Int) {
    if missing > 0 {
      warnings.append("the file ends early: \(pageCount(missing)) of its memory missing")
    }
    if wrapped > 0 {
      warnings.append("\(wrapped) of its ranges reach past the highest address; cut there")
    }
  }

  /// Drops what overlaps, and what would make the memory larger than the file that holds it: headers that
  /// point at the same bytes again and again would make every scan of the memory endless.
  private mutating func join(_ sorted: [Segment], fileSize: UInt64) {
    var reached: UInt64 = 0
    var total: UInt64 = 0
    var repeated: UInt64 = 0
    for segment in sorted {
      var segment = segment
      if segment.start < reached {
        guard segment.end > reached else { continue }
        segment.fileOffset += reached - segment.start
        segment.start = reached
      }
      reached = segment.end
      let length = min(segment.end - segment.start, fileSize - total)
      repeated = repeated.saturatingAdding(segment.end - segment.start - length)
      guard length > 0 else { continue }
      total += length
      segment.end = segment.start + length
      if let last = segments.last, last.end == segment.start,
        last.fileOffset + (last.end - last.start) == segment.fileOffset
      {
        segments[segments.count - 1].end = segment.end
      } else {
        segments.append(segment)
      }
    }
    if repeated > 0 {
      warnings.append("its ranges share bytes of the file: \(pageCount(repeated)) left out")
    }
  }
}

extension PhysicalRange {
  /// The whole pages inside.
  var roundedInward: PhysicalRange {
    let (up, overflow) = start.value.addingReportingOverflow(Frame.size - 1)
    return PhysicalRange(
      overflow ? end : PhysicalAddress(up & ~(Frame.size - 1)), end.frameStart)
  }

  /// All pages touched; the end stays where it is when the last page ends at 2^64.
  var roundedOutward: PhysicalRange {
    let (up, overflow) = end.value.addingReportingOverflow(Frame.size - 1)
    return PhysicalRange(
      start.frameStart, PhysicalAddress(overflow ? .max : up & ~(Frame.size - 1)))
  }
}

extension UInt64 {
  func saturatingAdding(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

/// "1 page", "12 pages", of bytes, rounded up.
func pageCount(_ bytes: UInt64) -> String {
  let pages = bytes / Frame.size + (bytes % Frame.size == 0 ? 0 : 1)
  return pages == 1 ? "1 page" : "\(pages) pages"
}
