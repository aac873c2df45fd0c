/// How often pages of one size are mapped: for each page, none, one, two, or more mappings, and how many those are.
///
/// Pages are kept in blocks of 512, and only blocks in which something is mapped: 2 bits per page, and 4 bytes for
/// each page that more than two entries map, or an entry that does not count as one.
struct PageTally {
  /// log2 of the bytes in a page.
  let shift: UInt64
  /// Whether pages of smaller sizes are tallied, too.
  private let hasSmaller: Bool
  /// The numbers of the blocks.
  private var keys: [UInt64] = []
  private var lookup = TableLookup()
  /// For each block 8 words with the low bits of its pages' states, then 8 with the high bits.
  private var states: [UInt64] = []
  /// For each block 8 words with a bit for each page in which smaller pages may be mapped.
  private var divided: [UInt64] = []
  /// For each block, the place of its first count.
  private var firstCounts: [UInt32] = []
  /// The counts of pages in state 3, in the order of blocks.
  private var counts: [UInt32] = []
  /// For each block 8 words with a bit for each page that was seen.
  private var seen: [UInt64] = []
  /// For each block, the last round that saw one of its pages.
  private var rounds: [UInt32] = []
  private var round: UInt32 = 0
  private var seenBlocks: [Int] = []
  /// The block hit last: successive leaves tend to lie in the same one.
  private var recentKey = UInt64.max
  private var recent = 0

  /// log2 of the pages in a block.
  private static let blockShift: UInt64 = 9
  private static let wordsInBlock = 1 << (Int(blockShift) - 6)

  init(shift: UInt64, hasSmaller: Bool) {
    self.shift = shift
    self.hasSmaller = hasSmaller
  }

  /// Whether any page is mapped as a page of this size.
  private(set) var hasMappings = false
  /// Whether some pages need a count.
  private(set) var needsCounts = false
  /// Whether there are more mappings of a page than a count can hold.
  private(set) var isSaturated = false

  /// A page of a block.
  private struct Place {
    let block: Int
    let word: Int
    let mask: UInt64
  }

  @inline(__always)
  private mutating func place(of address: PhysicalAddress) -> Place? {
    let page = address.value &>> shift
    let key = page &>> PageTally.blockShift
    if key != recentKey || keys.isEmpty {
      guard let block = lookup.node(for: key, in: keys) else { return nil }
      recentKey = key
      recent = Int(block)
    }
    return PageTally.place(of: page, inBlock: recent)
  }

  @inline(__always)
  private static func place(of page: UInt64, inBlock block: Int) -> Place {
    Place(
      block: block, word: Int(truncatingIfNeeded: (page &>> 6) & UInt64(wordsInBlock &- 1)),
      mask: 1 &<< (page & 63))
  }

  // MARK: First pass: states

  /// Makes room for the block of an address; returns whether it was missing.
  mutating func makeBlock(for address: PhysicalAddress) -> Bool {
    guard place(of: address) == nil else { return false }
    recentKey = (address.value &>> shift) &>> PageTally.blockShift
    recent = keys.count
    keys.append(recentKey)
    lookup.add(UInt32(truncatingIfNeeded: recent), in: keys)
    states.append(contentsOf: repeatElement(0, count: 2 * PageTally.wordsInBlock))
    if hasSmaller { divided.append(contentsOf: repeatElement(0, count: PageTally.wordsInBlock)) }
    return true
  }

  /// Whether the block of an address is kept.
  @inline(__always)
  mutating func hasBlock(for address: PhysicalAddress) -> Bool { place(of: address) != nil }

  /// The first and the last address in the block of an address.
  func block(of address: PhysicalAddress) -> (first: PhysicalAddress, last: PhysicalAddress) {
    let page = (address.value &>> shift) & ~(1 &<< PageTally.blockShift &- 1)
    let end = page | (1 &<< PageTally.blockShift &- 1)
    return (
      PhysicalAddress(page &<< shift), PhysicalAddress((end &<< shift) | (1 &<< shift &- 1))
    )
  }

  /// One more entry maps a page, whose block is kept.
  ///
  /// - Parameter isOne: whether the entry counts as one mapping.
  @inline(__always)
  mutating func add(_ address: PhysicalAddress, isOne: Bool) {
    guard let place = place(of: address) else { return }
    hasMappings = true
    let low = place.block &* 2 &* PageTally.wordsInBlock &+ place.word
    let high = low &+ PageTally.wordsInBlock
    // 0, 1, 2, 3, and no further.
    let carry = states[low] & place.mask
    if isOne, states[high] & place.mask == 0 {
      states[low] ^= place.mask
      states[high] |= carry
    } else {
      states[low] |= place.mask
      states[high] |= place.mask
      needsCounts = true
    }
  }

  /// Notes that smaller pages may be mapped in a page, whose block is kept.
  mutating func divide(_ address: PhysicalAddress) {
    guard hasSmaller, let place = place(of: address) else { return }
    divided[place.block &* PageTally.wordsInBlock &+ place.word] |= place.mask
  }

  // MARK: Second pass: counts

  /// Makes room for the counts, after all states are known.
  mutating func startCounting() {
    guard needsCounts else { return }
    var total = 0
    firstCounts.reserveCapacity(keys.count)
    for block in keys.indices {
      firstCounts.append(UInt32(truncatingIfNeeded: total))
      let first = block &* 2 &* PageTally.wordsInBlock
      for word in first..<first &+ PageTally.wordsInBlock {
        total &+= (states[word] & states[word &+ PageTally.wordsInBlock]).nonzeroBitCount
      }
    }
    counts = [UInt32](repeating: 0, count: total)
  }

  /// Adds mappings to a page that needs a count; saturating.
  @inline(__always)
  mutating func count(_ address: PhysicalAddress, _ mappings: UInt64) {
    guard let place = place(of: address), state(of: place) == 3 else { return }
    let index = countIndex(of: place)
    let (sum, overflow) = counts[index].addingReportingOverflow(UInt32(clamping: mappings))
    counts[index] = overflow ? .max : sum
    if counts[index] == .max { isSaturated = true }
  }

  @inline(__always)
  private func state(of place: Place) -> Int {
    let low = place.block &* 2 &* PageTally.wordsInBlock &+ place.word
    return (states[low] & place.mask != 0 ? 1 : 0)
      | (states[low &+ PageTally.wordsInBlock] & place.mask != 0 ? 2 : 0)
  }

  private func countIndex(of place: Place) -> Int {
    let first = place.block &* 2 &* PageTally.wordsInBlock
    var index = Int(firstCounts[place.block])
    for word in first..<first &+ place.word {
      index &+= (states[word] & states[word &+ PageTally.wordsInBlock]).nonzeroBitCount
    }
    let word = first &+ place.word
    return index
      &+ (states[word] & states[word &+ PageTally.wordsInBlock] & (place.mask &- 1)).nonzeroBitCount
  }

  // MARK: Third pass: results

  /// How often a page is mapped as a page of this size, and whether smaller pages may be mapped in it.
  @inline(__always)
  mutating func mappings(of address: PhysicalAddress) -> (count: UInt64, isDivided: Bool) {
    guard let place = place(of: address) else { return (0, false) }
    let state = state(of: place)
    let isDivided =
      hasSmaller && divided[place.block &* PageTally.wordsInBlock &+ place.word] & place.mask != 0
    return (state < 3 ? UInt64(state) : UInt64(counts[countIndex(of: place)]), isDivided)
  }

  // MARK: Pages seen

  /// Begins to tell pages apart that were seen and that were not.
  mutating func startSeeing() {
    seen = [UInt64](repeating: 0, count: keys.count * PageTally.wordsInBlock)
    rounds = [UInt32](repeating: 0, count: keys.count)
  }

  /// Forgets which pages were seen; the cost depends on how many were.
  mutating func forgetSeen() {
    for block in seenBlocks {
      let first = block &* PageTally.wordsInBlock
      for word in first..<first &+ PageTally.wordsInBlock { seen[word] = 0 }
    }
    seenBlocks.removeAll(keepingCapacity: true)
    round &+= 1
  }

  /// Whether a page was seen.
  @inline(__always)
  mutating func isSeen(_ address: PhysicalAddress) -> Bool {
    guard let place = place(of: address) else { return false }
    return seen[place.block &* PageTally.wordsInBlock &+ place.word] & place.mask != 0
  }

  /// Sees a page; returns whether that is news. A page whose block is not kept is never news.
  @inline(__always)
  mutating func see(_ address: PhysicalAddress) -> Bool {
    guard let place = place(of: address) else { return false }
    let word = place.block &* PageTally.wordsInBlock &+ place.word
    guard seen[word] & place.mask == 0 else { return false }
    seen[word] |= place.mask
    if rounds[place.block] != round {
      rounds[place.block] = round
      seenBlocks.append(place.block)
    }
    return true
  }
}
