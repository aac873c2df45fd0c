import PageTables
import Synchronization

/// A physical memory whose pages are computed when read: large or hostile memories that nobody need store.
struct ComputedMemory: PhysicalMemory {
  let extent: MemoryExtent
  private let entrySize: Int
  private let entry: @Sendable (_ page: UInt64, _ slot: Int) -> UInt64
  private let reads = Reads()

  /// `pages` pages from 0 on; `entry` gives each entry from its page's address and its index there.
  init(pages: UInt64, entrySize: Int, entry: @escaping @Sendable (_ page: UInt64, _ slot: Int) -> UInt64) {
    let range = PhysicalRange(PhysicalAddress(0), PhysicalAddress(pages * Frame.size))
    extent = MemoryExtent(readable: PhysicalRanges([range]))
    self.entrySize = entrySize
    self.entry = entry
  }

  /// Pages handed out so far.
  var pageReads: Int { reads.count.load(ordering: .relaxed) }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
    reads.count.add(1, ordering: .relaxed)
    let start = address.frameStart.value
    if entrySize == 8 {
      let entries = (0..<512).map { entry(start, $0) }
      return body(entries.span.bytes)
    }
    let entries = (0..<1024).map { UInt32(truncatingIfNeeded: entry(start, $0)) }
    return body(entries.span.bytes)
  }
}

private final class Reads: Sendable {
  let count = Atomic<Int>(0)
}
