import PageTables
import Synchronization

/// Physical memory whose bytes are stored uncompressed in a mapped file.
final class SegmentedMemory: PhysicalMemory {
  private let file: MappedFile
  private let segments: [Segment]
  let extent: MemoryExtent
  /// Determined on first use: not every use of a file passes over all of it.
  private let knownPopulated = Mutex<PhysicalRanges?>(nil)
  /// Whether holes of the file may fill up at any time.
  private let isLive: Bool

  /// Every segment of `table` must lie in `file`.
  init(
    _ file: consuming MappedFile, _ table: SegmentTable, extent: MemoryExtent? = nil, isLive: Bool = false
  ) {
    self.file = file
    self.isLive = isLive
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
      return try file.withBytes(at: segment.fileOffset &+ (start &- segment.start), length: Frame.size, body)
    }
    var page = PageBuffer()
    try gather(start, end, from: index, into: &page, reason: address)
    return page.withBytes(body)
  }

  func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void) {
    var rest = range.wholePages
    while rest.length > 0 {
      let index = firstSegment(endingAbove: rest.start.value)
      let whole = index < segments.count ? segments[index].wholePages(from: rest) : 0
      if whole > 0 {
        let start = rest.start
        let offset = segments[index].fileOffset &+ (start.value &- segments[index].start)
        file.forEachPage(at: offset, length: whole) { body(start.advanced(by: $0), $1) }
        rest.start = start.advanced(by: whole)
      } else {
        let address = rest.start
        _ = try? withPage(at: address) { body(address, $0) }
        rest.start = address.advanced(by: Frame.size)
      }
    }
  }

  var populated: PhysicalRanges {
    knownPopulated.withLock { known in
      if let known, !isLive { return known }
      let found = SparseFile.populated(segments, data: file.dataRanges(limit: SparseFile.rangeLimit))
      known = found
      return found
    }
  }

  /// Assembles a page from several segments.
  private func gather(
    _ start: UInt64, _ end: UInt64, from first: Int, into page: inout PageBuffer, reason: PhysicalAddress
  ) throws(MissingPage) {
    var position = start
    var index = first
    while position < end, index < segments.count, segments[index].start <= position {
      let segment = segments[index]
      let stop = min(end, segment.end)
      try file.append(at: segment.fileOffset + (position - segment.start), length: stop - position, to: &page)
      position = stop
      index += 1
    }
    guard position == end else { throw extent.reasonMissing(reason) }
  }

  @inline(__always)
  private func firstSegment(endingAbove address: UInt64) -> Int {
    segments.partitioningIndex { $0.end > address }
  }
}

extension Segment {
  /// Bytes at the start of a range of whole pages that lie completely in this segment.
  fileprivate func wholePages(from range: PhysicalRange) -> UInt64 {
    guard start <= range.start.value, range.start.value < end else { return 0 }
    return (min(end, range.end.value) &- range.start.value) & ~(Frame.size - 1)
  }
}

extension SegmentedMemory: FileBacked {
  var loss: FileLoss? { file.loss }
}
