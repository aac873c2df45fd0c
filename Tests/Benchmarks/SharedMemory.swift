import Guests
import PageTables

/// A memory that is computed when it is read: a kernel's half that all spaces have, and 16 tables for each space, each
/// of which the space shares with the next one alone.
struct SharedMemory: PhysicalMemory {
  private static let spaceCount: UInt64 = 1000
  private static let sharesPerSpace: UInt64 = 16
  /// A root, a table below it, and the shared ones.
  private static let pagesPerSpace = 2 + sharesPerSpace
  private static let kernelTable = spaceCount * pagesPerSpace

  let extent: MemoryExtent

  init() {
    let end = PhysicalAddress((SharedMemory.kernelTable + 2) * Frame.size)
    extent = MemoryExtent(readable: PhysicalRanges([PhysicalRange(PhysicalAddress(0), end)]))
  }

  var spaces: FoundSpaces {
    var found = FoundSpaces()
    found.spaces = (0..<SharedMemory.spaceCount).map { number in
      let root = PhysicalAddress(number * SharedMemory.pagesPerSpace * Frame.size)
      return FoundSpace(
        space: AddressSpace(name: "space \(number)", root: root, scheme: X86.paging4Level()),
        pid: Int(number),
        origin: .given)
    }
    return found
  }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
    let page = address.frame.number
    var entries = [UInt64](repeating: 0, count: 512)
    let (space, place) = (page / SharedMemory.pagesPerSpace, page % SharedMemory.pagesPerSpace)
    if page == SharedMemory.kernelTable {
      entries[0] = (page + 1) << 12 | 3
    } else if page > SharedMemory.kernelTable {
      for slot in 0..<512 { entries[slot] = UInt64(slot) << 21 | 0x83 }
    } else if place == 0 {
      entries[0] = (page + 1) << 12 | 7
      entries[256] = SharedMemory.kernelTable << 12 | 3
    } else if place == 1 {
      let next = (space + 1) % SharedMemory.spaceCount * SharedMemory.pagesPerSpace
      for share in 0..<SharedMemory.sharesPerSpace {
        entries[Int(share)] = (page + 1 + share) << 12 | 7
        entries[Int(share + 100)] = (next + 2 + share) << 12 | 7
      }
    } else {
      entries[0] = 0x87
    }
    return body(entries.span.bytes)
  }
}
