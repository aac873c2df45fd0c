/// What a held moment holds by now, read without a lock; the rest as the moment reads it.
final class HeldSnapshot: PhysicalMemory {
  private let pages: [Frame: PageWords]
  private let rest: HeldMoment

  var extent: MemoryExtent { rest.extent }
  var populated: PhysicalRanges { rest.populated }

  init(_ pages: [Frame: PageWords], of moment: HeldMoment) {
    self.pages = pages
    rest = moment
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    if let page = pages[address.frame] { return page.withBytes(body) }
    return try rest.withPage(at: address, body)
  }

  func forEachPage(in range: PhysicalRange, _ body: (PhysicalAddress, RawSpan) -> Void) {
    rest.forEachPage(in: range, body)
  }
}
