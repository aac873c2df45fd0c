import PageTables

/// The page descriptions in a kdump-compressed file: offset, size, flags, page flags; in page order.
struct KdumpDescriptions {
  private let start: UInt64
  private let pageSize: UInt64
  private let pages: PhysicalRanges
  /// For each range, the number of pages in all ranges before it.
  private let ranks: [UInt64]
  private let count: UInt64

  private static let size: UInt64 = 24
  /// The flags for a compressed page: zlib, lzo, snappy, zstd.
  private static let compressed: UInt32 = 0x27
  /// How many of the last pages, and how many throughout the file, are checked to tell whether the file is
  /// complete.
  private static let tried: UInt64 = 512

  /// - Parameter pages: those that the file holds according to its bitmap.
  init(_ header: KdumpHeader, of pages: PhysicalRanges) {
    start = header.descriptions
    pageSize = header.pageSize
    self.pages = pages
    var ranks: [UInt64] = []
    ranks.reserveCapacity(pages.ranges.count)
    var rank: UInt64 = 0
    for range in pages.ranges {
      ranks.append(rank)
      rank += range.length / header.pageSize
    }
    self.ranks = ranks
    count = rank
  }

  /// The pages that the file really holds: all in the bitmap, unless the file ends early. All descriptions are read
  /// only if there is a sign of that, as they may take gigabytes.
  func present(in file: borrowing MappedFile, isDoubtful: Bool) -> PhysicalRanges {
    if !isDoubtful && seemsComplete(file) { return pages }
    var present: [PhysicalRange] = []
    for (range, first) in zip(pages.ranges, ranks) {
      var reached = range.start
      var rank = first
      while reached < range.end {
        let next = reached.advanced(by: pageSize)
        if dataOffset(ofRank: rank, file) != nil {
          if let last = present.last, last.end == reached {
            present[present.count - 1].end = next
          } else {
            present.append(PhysicalRange(reached, next))
          }
        } else if file.count < description(rank) {
          // The file ends within the descriptions: nothing is described beyond this point.
          return PhysicalRanges(present)
        }
        reached = next
        rank += 1
      }
    }
    return PhysicalRanges(present)
  }

  /// Writers store pages in order, so the last ones go missing first.
  private func seemsComplete(_ file: borrowing MappedFile) -> Bool {
    let step = max(1, count / Self.tried)
    for index in 0..<min(count, Self.tried) {
      guard dataOffset(ofRank: count - 1 - index, file) != nil, dataOffset(ofRank: index * step, file) != nil
      else {
        return false
      }
    }
    return true
  }

  /// The offset of a page's bytes; nil when they do not lie in the file, or when there are more than libkdumpfile
  /// has room for: it reads them into a buffer of one page, whatever their size.
  func dataOffset(of address: PhysicalAddress, _ file: borrowing MappedFile) -> UInt64? {
    let index = pages.ranges.partitioningIndex { $0.end > address }
    guard index < pages.ranges.count, pages.ranges[index].start <= address else { return nil }
    let rank = ranks[index] + (address.value - pages.ranges[index].start.value) / pageSize
    guard let offset = dataOffset(ofRank: rank, file), file.canRead(offset, 1) else { return nil }
    return offset
  }

  private func dataOffset(ofRank rank: UInt64, _ file: borrowing MappedFile) -> UInt64? {
    let description = description(rank)
    guard let offset = file.load(UInt64.self, at: description),
      let size = file.load(UInt32.self, at: description + 8).map(UInt64.init),
      let flags = file.load(UInt32.self, at: description + 12), size > 0, offset > start,
      file.holds(offset, size), flags & Self.compressed == 0 ? size == pageSize : size <= pageSize
    else { return nil }
    return offset
  }

  private func description(_ rank: UInt64) -> UInt64 { start.saturatingAdding(rank * Self.size) }
}
