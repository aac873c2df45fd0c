#if LibKdumpfile
  import PageTables
  import Synchronization

  /// Physical memory read through libkdumpfile.
  final class KdumpMemory: PhysicalMemory {
    private let library: KdumpLibrary
    private let file: MappedFile
    private let descriptions: KdumpDescriptions?
    /// File offset of a page of zeroes, once one has been read. QEMU and makedumpfile store it once for all zero
    /// pages, which are most of what a scan of an idle machine reads.
    private let zeroPage = Atomic<UInt64>(0)
    let extent: MemoryExtent
    /// Bytes of pages that the bitmap lists but that the file does not hold.
    let missing: UInt64

    /// The memory of a kdump-compressed file.
    init(_ library: consuming KdumpLibrary, _ file: consuming MappedFile, header: KdumpHeader) {
      let promised = library.pages("file.pagemap")
      let memory = library.pages("memory.pagemap")
      let descriptions = KdumpDescriptions(header, of: promised)
      let readable = descriptions.present(in: file, isDoubtful: header.isIncomplete)
      missing = promised.length - readable.length
      extent = MemoryExtent(
        readable: readable, physical: PhysicalRanges(memory.ranges + promised.ranges), dumped: readable)
      self.descriptions = descriptions
      self.library = library
      self.file = file
    }

    /// The memory of a file whose pages are known and have all been checked.
    init(_ library: consuming KdumpLibrary, _ file: consuming MappedFile, pages: PhysicalRanges) {
      extent = MemoryExtent(readable: pages)
      missing = 0
      descriptions = nil
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
      // libkdumpfile returns zeroes for data past the end of the file.
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
#endif
