import Guests
import PageTables

/// A memory that is computed when it is read: spaces of the usual 4 levels with 10 million leaves, all to be seen in
/// the tree.
struct LargeMemory: PhysicalMemory {
  private static let spaceCount: UInt64 = 40
  /// Page tables of one space; each is full, and no two leaves go on from each other.
  private static let tablesPerSpace: UInt64 = 512
  private static let pagesPerSpace = tablesPerSpace + 3

  let extent: MemoryExtent

  init() {
    let end = PhysicalAddress(LargeMemory.spaceCount * LargeMemory.pagesPerSpace * Frame.size)
    extent = MemoryExtent(readable: PhysicalRanges([PhysicalRange(PhysicalAddress(0), end)]))
  }

  var spaces: FoundSpaces {
    var found = FoundSpaces()
    found.spaces = (0..<LargeMemory.spaceCount).map { number in
      let root = PhysicalAddress(number * LargeMemory.pagesPerSpace * Frame.size)
      return FoundSpace(
        space: AddressSpace(name: "space \(number)", root: root, scheme: X86.paging4Level()), origin: .given)
    }
    return found
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
    let page = address.frame.number
    let first = page - page % LargeMemory.pagesPerSpace
    let place = page - first
    let entries: [UInt64] = (0..<512).map { slot in
      switch place {
      case 0, 1: slot == 0 ? (page + 1) << 12 | 7 : 0
      case 2: (first + 3 + UInt64(slot)) << 12 | 7
      // Frames far apart, and rights that differ from one to the next.
      default: (page * 512 + UInt64(slot)) << 13 | 5 | UInt64(slot & 1) << 1
      }
    }
    return body(entries.span.bytes)
  }
}
