import PageTables

/// What the holes of a file say about the memory in it.
enum SparseFile {
  /// Parts of a file that are told apart: a bound against files of nothing but tiny holes.
  static let rangeLimit = 1 << 16
  /// Ranges of memory that are told apart: segments may show the same parts of a file again and again.
  private static let populatedLimit = 1 << 18

  /// The whole pages around all bytes of the segments that lie in the `data` of their file, which is ascending.
  static func populated(_ segments: [Segment], data: [Range<UInt64>]) -> PhysicalRanges {
    var found: [PhysicalRange] = []
    for segment in segments {
      let fileEnd = segment.fileOffset + (segment.end - segment.start)
      func add(_ part: Range<UInt64>) {
        let start = segment.start + (max(part.lowerBound, segment.fileOffset) - segment.fileOffset)
        let end = segment.start + (min(part.upperBound, fileEnd) - segment.fileOffset)
        found.append(PhysicalRange(PhysicalAddress(start), PhysicalAddress(end)).roundedOutward)
      }
      guard found.count < populatedLimit else {
        add(segment.fileOffset..<fileEnd)
        continue
      }
      var index = data.partitioningIndex { $0.upperBound > segment.fileOffset }
      while index < data.count, data[index].lowerBound < fileEnd {
        add(data[index])
        index += 1
      }
    }
    return PhysicalRanges(found)
  }
}
