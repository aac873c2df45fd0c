import PageTables
import Synchronization

/// Physical memory in Snappy chunks, each decompressed when one of its pages is requested.
final class CompressedMemory: PhysicalMemory {
  private let file: MappedFile
  private let chunks: [CompressedChunk]
  /// Chunk `index` is cached only in slot `index % count`: threads that scan different parts do not wait for each
  /// other.
  private let slots: [CacheSlot]
  let extent: MemoryExtent

  private static let slotCount = 64

  /// Every chunk of `index` must lie in `file`.
  init(_ file: consuming MappedFile, _ index: AvmlIndex) {
    self.file = file
    chunks = index.chunks
    extent = index.extent
    slots = (0..<Self.slotCount).map { _ in CacheSlot() }
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    var page = PageBuffer()
    var position = address.frameStart.value
    let (end, overflow) = position.addingReportingOverflow(Frame.size)
    var index = firstChunk(endingAbove: position)
    while !overflow, position < end, index < chunks.count, chunks[index].start <= position {
      let chunk = chunks[index]
      let stop = min(end, chunk.end)
      let part = Int(position - chunk.start)..<Int(stop - chunk.start)
      guard append(part, of: index, to: &page) else { throw .notInDump }
      position = stop
      index += 1
    }
    guard !overflow, position == end else { throw extent.reasonMissing(address) }
    return page.withBytes(body)
  }

  private func append(_ part: Range<Int>, of index: Int, to page: inout PageBuffer) -> Bool {
    slots[index % Self.slotCount].content.withLock { content in
      if content.index != index {
        content.index = index
        content.bytes = decompress(chunks[index])
      }
      guard part.upperBound <= content.bytes.count else { return false }
      page.append(content.bytes.span.bytes.extracting(part))
      return true
    }
  }

  /// The chunk's bytes; empty when it is corrupt.
  private func decompress(_ chunk: CompressedChunk) -> [UInt8] {
    let length = Int(chunk.end - chunk.start)
    guard chunk.isCompressed else {
      return file.copy(at: chunk.fileOffset, length: UInt64(chunk.fileSize)) ?? []
    }
    let bytes = try? file.withBytes(at: chunk.fileOffset, length: UInt64(chunk.fileSize)) { bytes in
      SnappyBlock.decompress(bytes, limit: length)
    }
    return bytes.flatMap { $0 } ?? []
  }

  private func firstChunk(endingAbove address: UInt64) -> Int {
    chunks.partitioningIndex { $0.end > address }
  }
}

extension CompressedMemory: FileBacked {
  var loss: FileLoss? { file.loss }
}

private final class CacheSlot: Sendable {
  struct Content {
    var index = -1
    var bytes: [UInt8] = []
  }

  let content = Mutex(Content())
}
