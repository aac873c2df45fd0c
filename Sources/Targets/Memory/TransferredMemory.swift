import PageTables

/// Memory that is asked for, stretch by stretch, and copied: nothing is kept, so that each read tells what is there
/// now.
struct TransferredMemory: PhysicalMemory {
  let extent: MemoryExtent
  /// The most bytes of one request, in passes over much memory; whole pages.
  private let stretch: UInt64
  /// Exactly the bytes of a range of whole pages in RAM; nil where they are not to be had.
  private let read: @Sendable (PhysicalRange) -> [UInt8]?

  init(_ ranges: PhysicalRanges, stretch: UInt64, read: @escaping @Sendable (PhysicalRange) -> [UInt8]?) {
    extent = MemoryExtent(readable: PhysicalRanges(ranges.ranges.map(\.wholePages)))
    self.stretch = stretch
    self.read = read
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    let start = address.frameStart
    guard extent.readable.contains(start) else { throw .outsidePhysicalMemory }
    let page = PhysicalRange(start, start.advanced(by: Frame.size))
    guard let bytes = read(page), UInt64(bytes.count) == Frame.size else { throw .notInDump }
    return body(bytes.span.bytes)
  }

  func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void) {
    for part in extent.readable.overlap(with: range) {
      var rest = part.wholePages
      while rest.length > 0 {
        // Ends at multiples of the stretch, as pages of a file do.
        let end = min(rest.end.value, (rest.start.value / stretch + 1) * stretch)
        let request = PhysicalRange(rest.start, PhysicalAddress(end))
        rest.start = request.end
        guard let bytes = read(request), UInt64(bytes.count) == request.length else { continue }
        for offset in stride(from: 0, to: bytes.count, by: Int(Frame.size)) {
          body(
            request.start.advanced(by: UInt64(offset)),
            bytes.span.extracting(offset..<offset + Int(Frame.size)).bytes)
        }
      }
    }
  }
}
