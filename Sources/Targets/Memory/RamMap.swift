import PageTables

/// Where physical memory is RAM: what QEMU's `info mtree -f` says of the address space "memory".
struct RamMap: Hashable, Sendable {
  /// A stretch of one memory region.
  struct Block: Hashable, Sendable {
    var range: PhysicalRange
    /// The region's name, such as "pc.ram".
    var region: String
    /// Where in the region the stretch begins.
    var offset: UInt64
  }

  /// Ascending and disjoint; whole pages.
  let blocks: [Block]

  init(blocks: [Block]) { self.blocks = blocks }

  /// The memory that an ELF dump holds.
  var ranges: PhysicalRanges { PhysicalRanges(blocks.map(\.range)) }

  /// The most blocks that are read: a thousand times as many as a machine full of memory modules has.
  private static let blockLimit = 1 << 16

  /// Reads the text of `info mtree -f`; nil where no flat view of "memory" is in it.
  ///
  /// What counts is what QEMU would dump: RAM and ROM (`guest_phys_block_add_section` in its
  /// `softmmu/memory_mapping.c`); no devices, no RAM of passed-through devices ("ramd"), no flash that can be
  /// programmed ("romd"). A module that keeps its contents ("nv-ram") is dumped, too: what does is the module, and what is
  /// asked is the RAM behind it.
  init?(flatViews text: String) {
    var found: [Block] = []
    var isMemory = false
    var wasSeen = false
    for line in text.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("FlatView") {
        if wasSeen { break }
      } else if line.hasPrefix(" AS \"") {
        isMemory = isMemory || line.hasPrefix(" AS \"memory\"")
      } else if line.hasPrefix("  "), isMemory {
        wasSeen = true
        guard found.count < Self.blockLimit else { break }
        if let block = Self.block(line) { found.append(block) }
      }
    }
    guard wasSeen else { return nil }
    found.sort { $0.range.start < $1.range.start }
    var reached = PhysicalAddress(0)
    blocks = found.filter { block in
      guard block.range.start >= reached else { return false }
      reached = block.range.end
      return true
    }
  }

  private static let kinds: Set<Substring> = ["ram", "rom", "nv-ram", "nv-rom"]

  /// Reads a line like `  0000000000100000-000000000fffffff (prio 0, ram): pc.ram @0000000000100000`.
  private static func block(_ line: Substring) -> Block? {
    guard let open = line.firstIndex(of: "("), let close = line[open...].range(of: "): ") else { return nil }
    let bounds = line[..<open].split(separator: "-").map { $0.filter { $0 != " " } }
    let kind = line[open..<close.lowerBound].split(separator: " ").last ?? ""
    guard bounds.count == 2, let first = UInt64(bounds[0], radix: 16),
      let last = UInt64(bounds[1], radix: 16),
      first <= last, last < .max, kinds.contains(kind)
    else { return nil }
    let words = line[close.upperBound...].split(separator: " ")
    let place = words.lastIndex { $0.hasPrefix("@") }
    let offset = place.flatMap { UInt64(words[$0].dropFirst(), radix: 16) } ?? 0
    let whole = PhysicalRange(PhysicalAddress(first), PhysicalAddress(last + 1)).wholePages
    guard whole.length > 0 else { return nil }
    return Block(
      range: whole, region: words[..<(place ?? words.endIndex)].joined(separator: " "),
      offset: offset &+ (whole.start.value - first))
  }
}

extension StringProtocol {
  /// Where `wanted` occurs first.
  func range(of wanted: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(wanted) { return start..<index(start, offsetBy: wanted.count) }
      start = index(after: start)
    }
    return nil
  }
}
