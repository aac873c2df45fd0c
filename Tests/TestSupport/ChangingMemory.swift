import PageTables
import Synchronization

/// A memory that somebody writes all the time: a page reads differently each time, and now and then cannot be read.
///
/// What comes is drawn from a seed and the number of the reading: the page as it is, the page with some entries
/// replaced, a page full of entries that point at other pages or map frames all over memory, an empty page.
public struct ChangingMemory: PhysicalMemory {
  public let extent: MemoryExtent
  private let base: any PhysicalMemory
  private let pages: [UInt64]
  private let seed: UInt64
  private let readings = Readings()

  /// - Parameter pages: the pages that entries are made to point at.
  public init(over base: any PhysicalMemory, pages: [UInt64], seed: UInt64) {
    self.base = base
    self.pages = pages
    self.seed = seed
    extent = base.extent
  }

  public func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    let reading = UInt64(truncatingIfNeeded: readings.count.add(1, ordering: .relaxed).newValue)
    var random = SeededRandom(seed: seed &+ reading &* 0x1_0001)
    var words = [UInt64](repeating: 0, count: Int(Frame.size) / 8)
    try base.withPage(at: address) { page in
      for index in words.indices { words[index] = page.entry(at: index * 8, size: 8) }
    }
    switch Int.random(in: 0..<10, using: &random) {
    case 0: throw .notInDump
    case 1: words = words.map { _ in 0 }
    case 2: words = words.map { _ in entry(&random) }
    // Leaves that lie far from each other, so that every table falls into many buckets.
    case 3:
      words = words.indices.map { index -> UInt64 in
        let frame: UInt64 = random.next() & 0xfff_f000
        return UInt64(index) << 32 | frame | 0x67
      }
    case 4...6:
      for _ in 0..<Int.random(in: 1...64, using: &random) {
        words[Int.random(in: words.indices, using: &random)] = entry(&random)
      }
    default: break
    }
    return body(words.span.bytes)
  }

  private func entry(_ random: inout SeededRandom) -> UInt64 {
    let flags: UInt64 = random.pick([1, 3, 5, 7, 0x67, 0x87, 0x100, 1 << 63 | 7])
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return random.next()
    case 1: return random.next() & 0xf_ffff_ffff_f000 | flags
    // Two entries of 32 bits.
    default: return random.pick(pages) | flags | (random.once(in: 2) ? random.pick(pages) << 32 : 0)
    }
  }
}

private final class Readings: Sendable {
  let count = Atomic<Int>(0)
}
