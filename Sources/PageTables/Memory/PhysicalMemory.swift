/// Why the bytes of a page are missing.
public enum MissingPage: Error, Hashable, Sendable {
  /// The machine has this memory, but the source does not hold it: filtered out, truncated, or never captured.
  case notInDump
  /// The machine has no memory there, as far as the source says.
  case outsidePhysicalMemory
}

/// What a source says about the physical memory that it represents.
public struct MemoryExtent: Hashable, Sendable {
  /// Pages whose bytes can be read.
  public var readable: PhysicalRanges
  /// Memory that the machine has, according to the source's headers; includes `readable`.
  public var physical: PhysicalRanges
  /// Pages that the dump holds. The same as `readable`, except in a capture, which holds page tables only: there it
  /// describes the dump that the capture was made from.
  public var dumped: PhysicalRanges

  /// All of the machine's memory, and all of it readable.
  public init(readable: PhysicalRanges) {
    self.init(readable: readable, physical: readable, dumped: readable)
  }

  /// What can be read, what the machine has, and what the dump holds.
  public init(readable: PhysicalRanges, physical: PhysicalRanges, dumped: PhysicalRanges) {
    self.readable = readable
    self.physical = physical
    self.dumped = dumped
  }

  /// Why an address that is not readable is missing.
  public func reasonMissing(_ address: PhysicalAddress) -> MissingPage {
    hasMemory(address) ? .notInDump : .outsidePhysicalMemory
  }

  /// Whether the machine has memory there, as far as the source says.
  public func hasMemory(_ address: PhysicalAddress) -> Bool {
    physical.contains(address) || dumped.contains(address)
  }
}

/// Physical memory: the only protocol between the engine and its sources.
///
/// It works page by page, because a call per entry costs five to ten times as much as a call per page.
/// Implementations must allow calls from several threads at once.
public protocol PhysicalMemory: Sendable {
  /// What is readable, what exists, and what the dump holds.
  var extent: MemoryExtent { get }

  /// The pages that may hold anything but zeroes, as far as the source knows without reading them. The holes of a
  /// sparse file are readable, but searches through all of memory can skip them.
  var populated: PhysicalRanges { get }

  /// Passes the 4096 bytes of the frame that holds `address` to `body`, without copying where the source is a
  /// mapped file. The bytes have no guaranteed alignment.
  ///
  /// - Throws: `MissingPage` when the whole page cannot be read; `body` is then not called.
  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result

  /// One moment of the memory: contents that nothing in this program changes any more. Results that must be
  /// consistent are computed from one moment. A memory that this program cannot change is its own moment; the
  /// outside world may still write to it.
  func moment() -> any PhysicalMemory

  /// Passes each whole readable page of `range` to `body`, in order: for passes over all of memory, where
  /// requesting pages one by one costs more than examining them.
  func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void)
}

extension PhysicalMemory {
  /// All that is readable.
  public var populated: PhysicalRanges { extent.readable }

  /// The memory itself.
  public func moment() -> any PhysicalMemory { self }

  /// Requests the pages one by one.
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
