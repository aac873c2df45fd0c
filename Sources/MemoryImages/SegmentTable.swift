import PageTables

/// Bytes that are contiguous in physical memory and in the file.
struct Segment: Hashable {
  var start: UInt64
  /// Exclusive.
  var end: UInt64
  var fileOffset: UInt64
}

/// What a header says about one range. All of it is unchecked.
struct SegmentClaim {
  var physical: UInt64
  /// Bytes of memory; those beyond `fileSize` are not in the dump.
  var memorySize: UInt64
  var fileOffset: UInt64
  var fileSize: UInt64
}

/// The ranges of a file, validated: sorted by address, disjoint, each inside the file.
struct SegmentTable {
  private(set) var segments: [Segment] = []
  private(set) var extent = MemoryExtent(readable: PhysicalRanges([]))
  private(set) var warnings: [String] = []

  /// Where claims overlap, the one with the lower start wins; of those with the same start, the first.
  init(_ claims: some Sequence<SegmentClaim>, fileSize: UInt64) {
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
    join(
      checked.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
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

  /// Drops overlaps, and whatever would make the memory larger than the file: headers that point at the same bytes
  /// again and again would make every scan of the memory endless.
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

  /// All pages touched; the end is not rounded up when the last page ends at 2^64.
  var roundedOutward: PhysicalRange {
    let (up, overflow) = end.value.addingReportingOverflow(Frame.size - 1)
    return PhysicalRange(
      start.frameStart, PhysicalAddress(overflow ? .max : up & ~(Frame.size - 1)))
  }
}

extension PhysicalRanges {
  /// The lowest `length` bytes of the ranges.
  func first(_ length: UInt64) -> PhysicalRanges {
    var rest = length
    var kept: [PhysicalRange] = []
    for range in ranges where rest > 0 {
      let taken = min(rest, range.length)
      kept.append(PhysicalRange(range.start, range.start.advanced(by: taken)))
      rest -= taken
    }
    return PhysicalRanges(kept)
  }
}

extension UInt64 {
  func saturatingAdding(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

/// "1 page", "12 pages": the number of pages for some bytes, rounded up.
func pageCount(_ bytes: UInt64) -> String {
  let pages = bytes / Frame.size + (bytes % Frame.size == 0 ? 0 : 1)
  return pages == 1 ? "1 page" : "\(pages) pages"
}
