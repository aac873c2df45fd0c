import PageTables

/// Opens a dump of AVML, version 2 (microsoft/avml, `src/image.rs`): each range is a header like LiME's, a Snappy
/// framed stream, and the stream's length in 8 bytes. The streams are indexed, not decompressed.
func avmlImage(_ file: consuming MappedFile, path: String) throws(ImageError) -> MemoryImage {
  var index = AvmlIndex()
  var warnings: [String] = []
  var offset: UInt64 = 0
  while offset < file.count {
    do throws(RangeProblem) {
      offset = try index.addRange(file, at: offset)
    } catch {
      guard !index.chunks.isEmpty else { throw ImageError.corrupt(path, offset: offset, problem: error.text) }
      warnings.append(tail(offset, file.count, error.text))
      break
    }
  }
  index.finish()
  guard !index.extent.readable.ranges.isEmpty else {
    throw .corrupt(path, offset: 0, problem: "no range holds a whole page")
  }
  if index.missing > 0 { warnings.append("\(pageCount(index.missing)) of its memory missing") }
  return MemoryImage(
    memory: CompressedMemory(file, index), format: "AVML", name: path, machine: nil, notes: ElfNotes(),
    warnings: warnings)
}

/// A separately compressed piece of memory, at most 64 KiB long.
struct CompressedChunk {
  var start: UInt64
  /// Exclusive; an address of the memory.
  var end: UInt64
  var fileOffset: UInt64
  var fileSize: UInt32
  var isCompressed: Bool
}

/// The location of each chunk of each range.
struct AvmlIndex {
  private(set) var chunks: [CompressedChunk] = []
  private(set) var extent = MemoryExtent(readable: PhysicalRanges([]))
  /// Bytes that the headers list but no chunk holds.
  private(set) var missing: UInt64 = 0
  private var ranges: [PhysicalRange] = []

  /// The framing format's limit for one chunk (google/snappy, `framing_format.txt`).
  static let chunkLimit = 65536
  /// AVML leaves out blocks of this many bytes that are all zero.
  private static let omittedBlock: UInt64 = 16 << 20

  /// Reads the header at `offset` and finds the chunks that follow it.
  ///
  /// - Returns: the file offset of the next header.
  /// - Throws: what is wrong; the chunks found before are kept.
  mutating func addRange(_ file: borrowing MappedFile, at offset: UInt64) throws(RangeProblem) -> UInt64 {
    let header = try RangeHeader(file, at: offset, format: .avml)
    guard header.length <= .max - header.start else { throw RangeProblem(text: "a range ends past 2^64") }
    let end = header.start + header.length
    ranges.append(PhysicalRange(PhysicalAddress(header.start), PhysicalAddress(end)))
    let streamStart = offset + RangeHeader.size
    var position = streamStart
    var address = header.start
    missing = missing.saturatingAdding(header.length)
    while address < end {
      guard let word = file.load(UInt32.self, at: position) else {
        throw RangeProblem(text: "the file ends in a compressed range")
      }
      let size = UInt64(word >> 8)
      let body = position + 4
      guard file.holds(body, size) else { throw RangeProblem(text: "the file ends in a compressed chunk") }
      switch UInt8(truncatingIfNeeded: word) {
      case 0, 1:
        let chunk = try chunk(file, body: body, size: size, isCompressed: word & 0xff == 0, address: address)
        guard chunk.end <= end else {
          throw RangeProblem(text: "a compressed range is longer than its header says")
        }
        missing -= chunk.end - chunk.start
        if chunk.end > chunk.start { chunks.append(chunk) }
        address = chunk.end
      case 0x80...0xff: break  // the stream's identifier, padding, or something to skip
      default: throw RangeProblem(text: "unknown kind of compressed chunk")
      }
      position = body + size
    }
    // The stream's length adds no information, but confirms that the position is right.
    guard let length = file.load(UInt64.self, at: position) else {
      throw RangeProblem(text: "the file ends before the length of a compressed range")
    }
    guard length == position - streamStart else {
      throw RangeProblem(text: "a compressed range is not as long as it says")
    }
    return position + 8
  }

  /// A chunk's size includes 4 bytes of checksum; the rest is its data.
  private func chunk(
    _ file: borrowing MappedFile, body: UInt64, size: UInt64, isCompressed: Bool, address: UInt64
  ) throws(RangeProblem) -> CompressedChunk {
    guard size >= 4 else { throw RangeProblem(text: "a compressed chunk without checksum") }
    let dataSize = size - 4
    var length: Int? = Int(dataSize)
    if isCompressed {
      let told = try? file.withBytes(at: body + 4, length: min(dataSize, 5)) { bytes in
        SnappyBlock.decompressedLength(bytes)?.length
      }
      length = told.flatMap { $0 }
    }
    // A block element makes at most 64 bytes out of 3: a larger claim is false and would waste memory.
    guard let length, length <= Self.chunkLimit, !isCompressed || UInt64(length) <= dataSize * 22 else {
      throw RangeProblem(text: "a compressed chunk has an impossible length")
    }
    return CompressedChunk(
      start: address, end: address.saturatingAdding(UInt64(length)), fileOffset: body + 4,
      fileSize: UInt32(dataSize), isCompressed: isCompressed)
  }

  /// Sorts the chunks, drops those that overlap earlier ones, and determines what is readable.
  mutating func finish() {
    chunks.sort { $0.start < $1.start }
    var kept = 0
    for chunk in chunks where kept == 0 || chunks[kept - 1].end <= chunk.start {
      chunks[kept] = chunk
      kept += 1
    }
    chunks.removeLast(chunks.count - kept)
    let held = PhysicalRanges(
      chunks.map { PhysicalRange(PhysicalAddress($0.start), PhysicalAddress($0.end)) })
    let readable = PhysicalRanges(held.ranges.map(\.roundedInward))
    var physical = ranges.map(\.roundedOutward)
    let known = PhysicalRanges(physical).ranges
    for (before, after) in zip(known, known.dropFirst())
    where (after.start.value - before.end.value) % Self.omittedBlock == 0 {
      physical.append(PhysicalRange(before.end, after.start))
    }
    extent = MemoryExtent(readable: readable, physical: PhysicalRanges(physical), dumped: readable)
  }
}
