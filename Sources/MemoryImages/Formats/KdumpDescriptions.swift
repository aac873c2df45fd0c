import PageTables

/// The descriptions of the pages in a kdump-compressed file: offset, size, flags, page flags; in the order of the
/// pages.
struct KdumpDescriptions {
  private let start: UInt64
  private let pageSize: UInt64
  private let pages: PhysicalRanges
  /// Pages in all ranges before.
  private let ranks: [UInt64]
  private let count: UInt64

  private static let size: UInt64 = 24
  /// The flags of a compressed page: zlib, lzo, snappy, zstd.
  private static let compressed: UInt32 = 0x27
  /// How many of the last pages, and how many throughout the file, are looked at to tell whether it is complete.
  private static let tried: UInt64 = 512

  /// - Parameter pages: those that the bitmap says to be in the file.
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

  /// The pages that the file really holds: all that the bitmap says, unless it ends early. All descriptions are
  /// read only where there is a sign of that, as they may be gigabytes.
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
          // The file ends in the descriptions: nothing is described from here on.
          return PhysicalRanges(present)
        }
        reached = next
        rank += 1
      }
    }
    return PhysicalRanges(present)
  }

  /// Writers put the pages into the file in their order, so that the last ones are missing first.
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

  /// Where the bytes of a page lie; nil when they do not lie in the file, or when they are more than libkdumpfile
  /// has room for: it reads them into a buffer of a page, whatever their size.
  func dataOffset(of address: PhysicalAddress, _ file: borrowing MappedFile) -> UInt64? {
    var low = 0
    var high = pages.ranges.count
    while low < high {
      let middle = (low + high) / 2
      if pages.ranges[middle].end <= address { low = middle + 1 } else { high = middle }
    }
    guard low < pages.ranges.count, pages.ranges[low].start <= address else { return nil }
    let rank = ranks[low] + (address.value - pages.ranges[low].start.value) / pageSize
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
