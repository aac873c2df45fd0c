import PageTables

/// What the holes of a file tell about the memory in it.
enum SparseFile {
  /// The most parts of a file that are distinguished: a bound for files full of tiny holes.
  static let rangeLimit = 1 << 16
  /// The most ranges of memory that are distinguished: segments may refer to the same parts of a file repeatedly.
  private static let populatedLimit = 1 << 18

  /// The whole pages around all bytes of the segments that lie in the `data` of their file, which must be
  /// ascending.
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
