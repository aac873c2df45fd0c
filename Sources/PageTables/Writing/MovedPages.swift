/// The pages that leaves map, as they are copied into an image: each frame once, however many leaves map it, in
/// pages of any size.
struct MovedPages {
  /// Memory that moves in one piece: a page, and any smaller pages inside it.
  private struct Block {
    let start: UInt64
    let size: UInt64
    /// Its place, from the start of the image.
    var offset: UInt64 = 0
  }

  /// The size of the largest page at each address.
  private var sizes: [UInt64: UInt64] = [:]
  /// Ascending and disjoint.
  private var blocks: [Block] = []
  /// Bytes of all blocks.
  private(set) var bytes: UInt64 = 0
  /// The required alignment of the image.
  private(set) var alignment = Frame.size
  /// Pages that stay, because not all of their bytes can be read.
  private(set) var missing: UInt64 = 0

  /// Adds a page that a leaf maps. Pages are aligned to their size, so of two pages one contains the other or they
  /// are disjoint.
  mutating func add(_ page: PhysicalAddress, size: UInt64) {
    sizes[page.value & ~(size &- 1), default: 0] = max(size, sizes[page.value & ~(size &- 1)] ?? 0)
  }

  /// Assigns each block its place: the largest first, so that there are no gaps between them.
  mutating func arrange(readable: PhysicalRanges) {
    var end: UInt64 = 0
    for (start, size) in sizes.sorted(by: { $0.key < $1.key }) where blocks.isEmpty || start >= end {
      let (next, overflow) = start.addingReportingOverflow(size)
      if overflow { continue }
      end = next
      blocks.append(Block(start: start, size: size))
    }
    let all = blocks.count
    blocks.removeAll { block in
      !readable.contains(
        PhysicalRange(PhysicalAddress(block.start), PhysicalAddress(block.start + block.size)))
    }
    missing = UInt64(all - blocks.count)
    for index in blocks.indices.sorted(by: { (blocks[$1].size, $0) < (blocks[$0].size, $1) }) {
      blocks[index].offset = bytes
      bytes += blocks[index].size
      alignment = max(alignment, blocks[index].size)
    }
  }

  /// The new place of the byte at an address, from the start of the image; nil where its page stays.
  func offset(of address: PhysicalAddress) -> UInt64? {
    let after = blocks.partitioningIndex { $0.start > address.value }
    guard after > 0 else { return nil }
    let block = blocks[after - 1]
    let within = address.value - block.start
    return within < block.size ? block.offset + within : nil
  }

  /// Appends the bytes of all blocks, in the order of their places; returns the offsets of pages that the memory
  /// lists but could not deliver.
  func append(to words: inout [UInt64], from memory: any PhysicalMemory) -> [UInt64] {
    var holes: [UInt64] = []
    for block in blocks.sorted(by: { $0.offset < $1.offset }) {
      for page in stride(from: 0, to: block.size, by: Int(Frame.size)) {
        do throws(MissingPage) {
          try memory.withPage(at: PhysicalAddress(block.start + page)) { bytes in
            for offset in stride(from: 0, to: Int(Frame.size), by: 8) {
              words.append(bytes.entry(at: offset, size: 8).littleEndian)
            }
          }
        } catch {
          holes.append(block.offset + page)
          words.append(contentsOf: repeatElement(0, count: Int(Frame.size) / 8))
        }
      }
    }
    return holes
  }
}

extension PagingScheme {
  /// One past the highest address below which pages of every existing size can lie; at most 2^63.
  var pageLimit: PhysicalAddress {
    let limits = levels.filter { $0.allowsLeaves }.map { level in
      let reach = level.format.leafAddress.address(in: .max).value | (level.span - 1)
      return PhysicalAddress(1 &<< UInt64(min((~reach).trailingZeroBitCount, 63)))
    }
    return limits.min() ?? PhysicalAddress(1 << 63)
  }
}
