/// How often the memory is mapped that leaves of several sizes map: a page of memory may be mapped by itself, and as
/// part of larger pages. The cost depends on the leaves, not on the bytes that they map.
///
/// Used in passes over the same leaves: `add` for all of them, `startCounting`, `count` for all; then `share`, and, after
/// `startSeeing`, `see`. Memory may change in between; then counts are off, and nothing else.
struct MappedPages {
  /// By size, ascending.
  private var tallies: [PageTally]
  /// How many blocks of pages may still be kept.
  private var blocksLeft: Int
  /// How many steps may still be taken to divide pages into smaller ones.
  private var stepsLeft: Int
  /// Whether everything was counted: hostile tables can map more than can be.
  var isComplete: Bool { !isGivenUp && !tallies.contains(where: \.isSaturated) }
  private var isGivenUp = false

  /// - Parameters:
  ///   - shifts: log2 of the sizes, ascending.
  ///   - mostBlocks: the most blocks of 512 pages to keep, at up to 220 bytes each.
  ///   - mostSteps: the most pages to visit for larger ones that they are parts of.
  init(shifts: [UInt64], mostBlocks: Int, mostSteps: Int) {
    stepsLeft = mostSteps
    tallies = shifts.enumerated().map { PageTally(shift: $1, hasSmaller: $0 > 0) }
    blocksLeft = mostBlocks
  }

  var needsCounts: Bool { tallies.contains(where: \.needsCounts) }

  // MARK: First pass

  /// A leaf of a size maps the page at an address.
  ///
  /// - Parameter isOne: whether it counts as exactly one mapping.
  @inline(__always)
  mutating func add(_ address: PhysicalAddress, size: Int, isOne: Bool) {
    if !tallies[size].hasBlock(for: address) { makeBlocks(for: address, size: size) }
    tallies[size].add(address, isOne: isOne)
  }

  /// Keeps the block of an address, and notes in all larger pages there that smaller ones may be mapped in them.
  private mutating func makeBlocks(for address: PhysicalAddress, size: Int) {
    guard blocksLeft > 0 else {
      isGivenUp = true
      return
    }
    guard tallies[size].makeBlock(for: address) else { return }
    blocksLeft -= 1
    guard size + 1 < tallies.count else { return }
    let block = tallies[size].block(of: address)
    let span: UInt64 = 1 &<< tallies[size + 1].shift
    var page = block.first.value & ~(span &- 1)
    while true {
      if !tallies[size + 1].hasBlock(for: PhysicalAddress(page)) {
        makeBlocks(for: PhysicalAddress(page), size: size + 1)
      }
      tallies[size + 1].divide(PhysicalAddress(page))
      let (next, overflow) = page.addingReportingOverflow(span)
      guard !overflow, next <= block.last.value else { return }
      page = next
    }
  }

  // MARK: Second pass

  mutating func startCounting() {
    for size in tallies.indices { tallies[size].startCounting() }
  }

  /// The same leaf again, with the number of mappings that it counts as.
  @inline(__always)
  mutating func count(_ address: PhysicalAddress, size: Int, _ mappings: UInt64) {
    tallies[size].count(address, mappings)
  }

  // MARK: Third pass

  /// What the bytes of a leaf count as.
  struct Share {
    /// Each divided by the number of its mappings.
    var bytes: Double
    /// Those of which the leaf is the only mapping.
    var privateBytes: UInt64 = 0
    /// Whether all mappings of all of them are by the leaf itself.
    var isAlone = false
  }

  /// The share of a leaf.
  ///
  /// - Parameter mappings: the number that the leaf counts as.
  @inline(__always)
  mutating func share(_ address: PhysicalAddress, size: Int, _ mappings: UInt64) -> Share {
    let own = tallies[size].mappings(of: address)
    let count = own.count &+ mappingsAbove(address, size: size)
    let span = UInt64(1) &<< tallies[size].shift
    let bytes = Double(span)
    guard own.isDivided else {
      return Share(
        bytes: count <= 1 ? bytes : bytes / Double(count),
        privateBytes: count == 1 && mappings == 1 ? span : 0, isAlone: count == mappings && mappings > 0)
    }
    var share = Share(bytes: 0)
    divide(address, size: size, count, into: &share)
    if mappings != 1 { share.privateBytes = 0 }
    return share
  }

  /// How often an address is mapped by pages larger than a size.
  @inline(__always)
  private mutating func mappingsAbove(_ address: PhysicalAddress, size: Int) -> UInt64 {
    var count: UInt64 = 0
    var larger = size &+ 1
    while larger < tallies.count {
      if tallies[larger].hasMappings { count &+= tallies[larger].mappings(of: address).count }
      larger &+= 1
    }
    return count
  }

  /// Adds the bytes of a page to a share, divided by the number of mappings: `count`, and those of the smaller pages in it.
  private mutating func divide(
    _ address: PhysicalAddress, size: Int, _ count: UInt64, into share: inout Share
  ) {
    let span: UInt64 = 1 &<< tallies[size].shift
    let smaller = size - 1
    let step: UInt64 = 1 &<< tallies[smaller].shift
    let first = address.value & ~(span &- 1)
    let last = first | (span &- 1)
    var page = first
    while true {
      stepsLeft -= 1
      guard stepsLeft > 0 else {
        isGivenUp = true
        share.bytes += Double(last &- page) / Double(max(count, 1))
        return
      }
      let next: UInt64
      if tallies[smaller].hasBlock(for: PhysicalAddress(page)) {
        next = page | (step &- 1)
        let own = tallies[smaller].mappings(of: PhysicalAddress(page))
        let all = count &+ own.count
        if own.isDivided {
          divide(PhysicalAddress(page), size: smaller, all, into: &share)
        } else {
          share.bytes += Double(step) / Double(max(all, 1))
          if all == 1 { share.privateBytes &+= step }
        }
      } else {
        next = min(tallies[smaller].block(of: PhysicalAddress(page)).last.value, last)
        share.bytes += (Double(next &- page) + 1) / Double(max(count, 1))
        if count == 1 { share.privateBytes &+= next &- page &+ 1 }
      }
      guard next < last else { return }
      page = next &+ 1
    }
  }

  // MARK: Pages seen

  mutating func startSeeing() {
    for size in tallies.indices { tallies[size].startSeeing() }
  }

  mutating func forgetSeen() {
    for size in tallies.indices { tallies[size].forgetSeen() }
  }

  /// Sees the page of a leaf; returns its bytes, or 0 where it was seen before. Larger pages must be seen before
  /// smaller ones.
  @inline(__always)
  mutating func see(_ address: PhysicalAddress, size: Int) -> UInt64 {
    var larger = size &+ 1
    while larger < tallies.count {
      if tallies[larger].hasMappings, tallies[larger].isSeen(address) { return 0 }
      larger &+= 1
    }
    return tallies[size].see(address) ? 1 &<< tallies[size].shift : 0
  }
}
