import PageTables
import Synchronization

/// A memory that somebody writes all the time: a page reads differently each time, and now and then cannot be read.
///
/// What comes is drawn from a seed and the number of the reading: the page as it is, with some entries replaced, full
/// of entries that point at other pages or map frames all over memory, or empty.
package struct ChangingMemory: PhysicalMemory {
  package let extent: MemoryExtent
  private let base: any PhysicalMemory
  /// What each of the pages may read as, besides what it is.
  private let others: [UInt64: [[UInt64]]]
  /// What any page may read as.
  private let strangers: [[UInt64]]
  private let seed: UInt64
  private let readings = Readings()

  /// - Parameter pages: the pages that entries are made to point at.
  package init(over base: any PhysicalMemory, pages: [UInt64], seed: UInt64) {
    self.base = base
    self.seed = seed
    extent = base.extent
    var random = SeededRandom(seed: seed)
    let empty = [UInt64](repeating: 0, count: Int(Frame.size) / 8)
    strangers = [
      empty, empty.map { _ in ChangingMemory.entry(pages, &random) },
      // Leaves that lie far from each other, so that every table falls into many buckets.
      empty.indices.map { index -> UInt64 in
        let frame: UInt64 = random.next() & 0xfff_f000
        return UInt64(index) << 32 | frame | 0x67
      },
    ]
    others = pages.reduce(into: [:]) { others, page in
      let address = PhysicalAddress(page)
      let words = try? base.withPage(at: address) { bytes in
        empty.indices.map { bytes.entry(at: $0 * 8, size: 8) }
      }
      guard let words else { return }
      others[address.frameStart.value] = [1, 8, 64].map { count in
        var changed = words
        for _ in 0..<count {
          changed[Int.random(in: words.indices, using: &random)] = ChangingMemory.entry(pages, &random)
        }
        return changed
      }
    }
  }

  package func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    guard extent.readable.contains(address) else { throw extent.reasonMissing(address) }
    let reading = UInt64(truncatingIfNeeded: readings.count.add(1, ordering: .relaxed).newValue)
    var random = SeededRandom(seed: seed &+ reading &* 0x1_0001)
    let draw = Int(truncatingIfNeeded: random.next() >> 32)
    switch draw % 10 {
    case 0: throw .notInDump
    case 1:
      let page = strangers[draw / 10 % strangers.count]
      return body(page.span.bytes)
    case 2...6:
      guard let pages = others[address.frameStart.value] else { break }
      let page = pages[draw / 10 % pages.count]
      return body(page.span.bytes)
    default: break
    }
    return try base.withPage(at: address, body)
  }

  private static func entry(_ pages: [UInt64], _ random: inout SeededRandom) -> UInt64 {
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
