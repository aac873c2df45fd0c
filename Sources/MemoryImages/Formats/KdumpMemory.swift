#if LibKdumpfile
  import PageTables
  import Synchronization

  /// Physical memory behind libkdumpfile.
  final class KdumpMemory: PhysicalMemory {
    private let library: KdumpLibrary
    private let file: MappedFile
    private let descriptions: KdumpDescriptions?
    /// Where a page of zeroes lies in the file, once one has been read. QEMU and makedumpfile store it once
    /// for all pages of zeroes, and those are most of what a scan of an idle machine reads.
    private let zeroPage = Atomic<UInt64>(0)
    let extent: MemoryExtent
    /// Bytes of pages whose descriptions the file lacks.
    let missing: UInt64

    init(_ library: consuming KdumpLibrary, _ file: consuming MappedFile, header: KdumpHeader?) {
      let promised = library.pages("file.pagemap")
      let memory = library.pages("memory.pagemap")
      var readable = promised
      if let header {
        let described = KdumpDescriptions(header.descriptions, of: promised, pageSize: library.pageSize)
        let (most, overflow) = described.mostPages(file).multipliedReportingOverflow(by: library.pageSize)
        if !overflow { readable = promised.first(most) }
        descriptions = described
      } else {
        descriptions = nil
      }
      missing = promised.length - readable.length
      extent = MemoryExtent(
        readable: readable, physical: PhysicalRanges(memory.ranges + promised.ranges), dumped: readable)
      self.library = library
      self.file = file
    }

    func withPage<Result>(
      at address: PhysicalAddress, _ body: (RawSpan) -> Result
    ) throws(MissingPage) -> Result {
      guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
      var page = PageBuffer()
      guard let descriptions else {
        guard library.read(address.frameStart.value, into: &page) else { throw .notInDump }
        return page.withBytes(body)
      }
      // libkdumpfile gives zeroes for data past the end of the file.
      guard let offset = descriptions.dataOffset(of: address, file) else { throw .notInDump }
      if offset != zeroPage.load(ordering: .relaxed) {
        guard library.read(address.frameStart.value, into: &page), file.canRead(offset, 1) else {
          throw .notInDump
        }
        if page.isZero && library.pageSize == Frame.size { zeroPage.store(offset, ordering: .relaxed) }
      }
      return page.withBytes(body)
    }
  }

  extension KdumpMemory: FileBacked {
    var loss: FileLoss? { file.loss }
  }

  /// The descriptions of the pages in a kdump-compressed file: offset, size, flags, page flags; in the order
  /// of the pages.
  struct KdumpDescriptions {
    private let start: UInt64
    private let pageSize: UInt64
    private let ranges: [PhysicalRange]
    /// Pages in all ranges before.
    private let ranks: [UInt64]

    private static let size: UInt64 = 24

    init(_ start: UInt64, of pages: PhysicalRanges, pageSize: UInt64) {
      self.start = start
      self.pageSize = pageSize
      ranges = pages.ranges
      var ranks: [UInt64] = []
      var rank: UInt64 = 0
      for range in pages.ranges {
        ranks.append(rank)
        rank += range.length / pageSize
      }
      self.ranks = ranks
    }

    /// As many descriptions as the file has room for.
    func mostPages(_ file: borrowing MappedFile) -> UInt64 {
      (file.count - min(file.count, start)) / Self.size
    }

    /// Where the bytes of a page lie; nil when they do not lie in the file.
    func dataOffset(of address: PhysicalAddress, _ file: borrowing MappedFile) -> UInt64? {
      var low = 0
      var high = ranges.count
      while low < high {
        let middle = (low + high) / 2
        if ranges[middle].end <= address { low = middle + 1 } else { high = middle }
      }
      guard low < ranges.count, ranges[low].start <= address else { return nil }
      let rank = ranks[low] + (address.value - ranges[low].start.value) / pageSize
      let description = start + rank * Self.size
      guard let offset = file.load(UInt64.self, at: description),
        let size = file.load(UInt32.self, at: description + 8), size > 0, offset > start,
        file.canRead(offset, UInt64(size))
      else { return nil }
      return offset
    }
  }
#endif
