/// Why a page has no bytes: the two answers besides "here they are".
public enum MissingPage: Error, Hashable, Sendable {
  /// The machine has this memory, the source does not hold it: filtered out, truncated, or never captured.
  case notInDump
  /// No memory of the machine lies there, as far as the source says.
  case outsidePhysicalMemory
}

/// What a source says about the physical memory that it stands for.
public struct MemoryExtent: Hashable, Sendable {
  /// Pages whose bytes can be had.
  public var readable: PhysicalRanges
  /// Memory that the machine has, as the source's headers say; holds `readable`.
  public var physical: PhysicalRanges
  /// Pages that the dump holds. The same as `readable`, except for a capture: it holds page tables only,
  /// and here stands for the dump that it was made from.
  public var dumped: PhysicalRanges

  /// Everything that is readable, and nothing more.
  public init(readable: PhysicalRanges) {
    self.init(readable: readable, physical: readable, dumped: readable)
  }

  /// What can be read, what the machine has, and what the dump holds.
  public init(readable: PhysicalRanges, physical: PhysicalRanges, dumped: PhysicalRanges) {
    self.readable = readable
    self.physical = physical
    self.dumped = dumped
  }

  /// Which of the two answers holds for an address that is not readable.
  public func reasonMissing(_ address: PhysicalAddress) -> MissingPage {
    hasMemory(address) ? .notInDump : .outsidePhysicalMemory
  }

  /// Whether the machine has memory there, as far as the source says.
  public func hasMemory(_ address: PhysicalAddress) -> Bool {
    physical.contains(address) || dumped.contains(address)
  }
}

/// Physical memory: the one protocol between the engine and the world.
///
/// It is page-grained, because a call per entry costs five to ten times what a call per page does. An
/// implementation may be called from several threads at once.
public protocol PhysicalMemory: Sendable {
  /// What is readable, what exists, what the dump holds.
  var extent: MemoryExtent { get }

  /// The pages that may hold anything but zeroes, as far as the source knows that without reading them: what lies in
  /// the holes of a sparse file is readable, and not worth a look where all of memory is searched.
  var populated: PhysicalRanges { get }

  /// Hands the 4096 bytes of the frame that holds `address` to `body`, without copying where the source is a
  /// mapped file. The bytes have no alignment.
  ///
  /// - Throws: `MissingPage` when the whole page cannot be had; `body` is then not called.
  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result

  /// One moment of the memory, which nothing in this program changes any more: what belongs together is computed from
  /// one. A memory that nothing here can change is its own moment; the world may still write to it.
  func moment() -> any PhysicalMemory

  /// Hands each whole page of `range` that can be had to `body`, in order: for passes over all of memory, where to ask
  /// for one page after the other costs more than to look at it.
  func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void)
}

extension PhysicalMemory {
  /// All that is readable.
  public var populated: PhysicalRanges { extent.readable }

  /// The memory itself.
  public func moment() -> any PhysicalMemory { self }

  /// One page after the other.
  public func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void) {
    var rest = range.wholePages
    while rest.length > 0 {
      let address = rest.start
      _ = try? withPage(at: address) { page in
        if page.byteCount == Int(Frame.size) { body(address, page) }
      }
      rest.start = address.advanced(by: Frame.size)
    }
  }

  /// Whether the dump holds the frame of `address` (its bytes need not be readable in a capture).
  public func holds(_ address: PhysicalAddress) -> Bool { extent.dumped.contains(address) }

  /// The little-endian value of `size` bytes (1 to 8) at `address`, which must not cross a frame.
  public func read(at address: PhysicalAddress, size: Int) throws(MissingPage) -> UInt64 {
    try withPage(at: address) { page in
      var value: UInt64 = 0
      for index in 0..<size where address.offsetInFrame + index < page.byteCount {
        let byte = page.unsafeLoad(fromByteOffset: address.offsetInFrame + index, as: UInt8.self)
        value |= UInt64(byte) << UInt64(8 * index)
      }
      return value
    }
  }
}
