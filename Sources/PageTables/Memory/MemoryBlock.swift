/// A contiguous memory that never changes, such as the result of a rebuild or the snapshot of a simulated machine.
public struct MemoryBlock: PhysicalMemory {
  /// The first byte; page-aligned.
  public let start: PhysicalAddress
  /// Which part of the block can be read, and what other memory the machine has.
  public let extent: MemoryExtent
  private let words: [UInt64]

  /// - Parameters:
  ///   - words: little-endian; whole pages.
  ///   - holes: pages of the block that cannot be read.
  ///   - surroundings: the machine's other memory.
  init(
    start: PhysicalAddress, words: [UInt64], holes: Set<Frame> = [], surroundings: MemoryExtent? = nil
  ) {
    let pages = words.count / (Int(Frame.size) / 8)
    let end = start.advanced(by: UInt64(pages) &* Frame.size)
    precondition(start.offsetInFrame == 0 && start <= end, "a block is made of pages")
    self.start = start
    self.words = words
    var readable: [PhysicalRange] = []
    var first = start
    for hole in holes.sorted() {
      readable.append(PhysicalRange(first, hole.start))
      first = hole.start.advanced(by: Frame.size)
    }
    readable.append(PhysicalRange(first, end))
    let around = surroundings ?? MemoryExtent(readable: PhysicalRanges([]))
    extent = MemoryExtent(
      readable: PhysicalRanges(readable), physical: PhysicalRanges(readable + around.physical.ranges),
      dumped: PhysicalRanges(readable + around.dumped.ranges))
  }

  /// Creates a memory that consists of `bytes` at `start` only.
  ///
  /// Preconditions: `start` is page-aligned, and `bytes` consists of whole pages.
  public init(_ bytes: [UInt8], at start: PhysicalAddress = PhysicalAddress(0)) {
    precondition(
      start.offsetInFrame == 0 && bytes.count % Int(Frame.size) == 0, "a block is made of whole pages")
    let words = stride(from: 0, to: bytes.count, by: 8).map { offset in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }.littleEndian
    }
    self.init(start: start, words: words)
  }

  /// All bytes of the block, with zeroes for holes, ready to be written to a file.
  public var bytes: [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word.littleEndian >> UInt64(8 * $0)) } }
  }

  /// Copies all pages that `range` touches, as far as they can be read, from one moment of the memory; keeps the extent
  /// of the machine's other memory.
  ///
  /// - Parameter range: is allocated in full, however little of it can be read.
  public init(copying memory: any PhysicalMemory, _ range: PhysicalRange) {
    let memory = memory.moment()
    self.init(copyingMoment: memory, range, extent: memory.extent)
  }

  /// The same for a memory that is a moment already, and whose extent is known.
  init(copyingMoment memory: any PhysicalMemory, _ range: PhysicalRange, extent: MemoryExtent) {
    let start = range.start.frameStart
    let length = range.end.value &- start.value
    let touched = length / Frame.size + (length % Frame.size == 0 ? 0 : 1)
    // The last page of all has no end that 64 bits can hold.
    let pages = range.length == 0 ? 0 : min(touched, (.max - start.value) / Frame.size)
    var words: [UInt64] = []
    var holes: Set<Frame> = []
    for page in 0..<pages {
      let address = start.advanced(by: page &* Frame.size)
      do throws(MissingPage) {
        try memory.withPage(at: address) { bytes in
          for offset in stride(from: 0, to: bytes.byteCount, by: 8) {
            words.append(bytes.entry(at: offset, size: 8).littleEndian)
          }
        }
      } catch {
        holes.insert(address.frame)
        words.append(contentsOf: repeatElement(0, count: Int(Frame.size) / 8))
      }
    }
    self.init(start: start, words: words, holes: holes, surroundings: extent)
  }

  /// Creates a block without bytes, for a machine that has the given memory nonetheless.
  public init(emptyMachineWith physical: PhysicalRanges) {
    let extent = MemoryExtent(
      readable: PhysicalRanges([]), physical: physical, dumped: PhysicalRanges([]))
    self.init(start: PhysicalAddress(0), words: [], surroundings: extent)
  }

  /// Bytes in the block.
  public var length: UInt64 { UInt64(words.count) &* 8 }

  /// Passes the 4096 bytes of a page to `body`.
  public func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
    let index = Int(truncatingIfNeeded: (address.frameStart.value &- start.value) / 8)
    return body(words.span.extracting(index..<index + Int(Frame.size) / 8).bytes)
  }
}
