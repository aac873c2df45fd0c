import PageTables

/// Finds the kernel's symbol table by its shape where nothing says where it lies.
///
/// The token index is unmistakable: 256 ascending 16-bit offsets that start with 0, each of which directly follows
/// a 0 byte of the token table, which precedes the index. Somewhere before the token table lies the count of names,
/// followed by the names and their markers (the start of every 256th name); the addresses precede the count, or
/// follow the token index. All parts are aligned to pointers, or since 7.0 to 4 bytes.
struct KallsymsSearch {
  let reader: GuestMemoryReader
  let image: KernelImage

  private static let candidateLimit = 16
  /// The most token indexes, and the most candidates for names before each, that are examined in depth, so that a
  /// memory crafted to contain many false ones cannot take long.
  private static let indexLooks = 1 << 18
  private static let namesLooks = 64
  private static let indexSize = 512
  /// Plausible bounds for a kernel's table: symbols, bytes per symbol, bytes before the token table.
  private static let leastCount = 1024
  private static let mostSymbols = KernelSymbols.limit
  private static let mostBytes = 40
  private static let namesLimit = 24 << 20

  /// The first table that can be decoded; nil when there is none.
  func run() -> KallsymsAddresses? {
    // Checked values are kept: memory may have changed when it is read again.
    var candidates: [TokenIndex] = []
    var looks = KallsymsSearch.indexLooks
    image.forEachPage(reader) { address, page in
      var offset = 0
      while offset &+ 4 <= Int(Frame.size) {
        let pair = page.entry(at: offset, size: 4)
        // The first offset is 0, the second the length of the first token.
        if pair & 0xffff == 0, pair >> 16 &- 2 < UInt64(KallsymsTokens.longest) {
          let here = address &+ UInt64(offset)
          if offset &+ 8 > Int(Frame.size) || Self.ascends(page.entry(at: offset, size: 8)) {
            looks -= 1
            if let index = tokenIndex(at: here) { candidates.append(index) }
          }
        }
        offset &+= 4
      }
      return candidates.count < KallsymsSearch.candidateLimit && looks > 0
    }
    for index in candidates {
      if let found = addresses(index) { return found }
    }
    return nil
  }

  private static func ascends(_ four: UInt64) -> Bool {
    let second = four >> 16 & 0xffff
    let third = four >> 32 & 0xffff
    return second < third && third < four >> 48
  }

  /// Where the texts of the 256 tokens start, and the address of the index.
  private struct TokenIndex {
    let address: UInt64
    /// Ascending, starting with 0.
    let offsets: [Int]
  }

  private func tokenIndex(at address: UInt64) -> TokenIndex? {
    guard let bytes = reader.bytes(at: address, count: KallsymsSearch.indexSize) else { return nil }
    let offsets = (0..<256).map { Int(bytes[$0 * 2]) | Int(bytes[$0 * 2 + 1]) << 8 }
    guard offsets[0] == 0, offsets[255] < KallsymsTokens.tableLimit else { return nil }
    let ascends = zip(offsets, offsets.dropFirst()).allSatisfy {
      $1 - $0 >= 2 && $1 - $0 <= KallsymsTokens.longest
    }
    return ascends ? TokenIndex(address: address, offsets: offsets) : nil
  }

  private func addresses(_ index: TokenIndex) -> KallsymsAddresses? {
    guard let table = tokenTable(before: index) else { return nil }
    guard
      let tokens = KallsymsTokens(
        table: reader.readable(at: table, limit: KallsymsTokens.tableLimit) ?? [], offsets: index.offsets),
      let (count, names) = names(before: table, tokens)
    else { return nil }
    guard let number = reader.unsigned(at: count, size: 4) else { return nil }
    var found = KallsymsAddresses(
      count: count, names: names, tokenTable: table, tokenIndex: index.address, positions: .absolute(0))
    for positions in positions(count: count, tokenIndex: index.address, number: number) {
      found.positions = positions
      if isSound(found) { return found }
    }
    return nil
  }

  /// The table in which each text ends where the index says that the next one starts.
  private func tokenTable(before index: TokenIndex) -> UInt64? {
    let offsets = index.offsets
    let least = UInt64(offsets[255] + 2)
    for slack in stride(from: UInt64(0), through: UInt64(KallsymsTokens.longest) + 8, by: 1) {
      let start = index.address &- least &- slack
      guard start % 4 == 0, let bytes = reader.bytes(at: start, count: offsets[255] + 2) else { continue }
      let fits = offsets.dropFirst().allSatisfy { bytes[$0 - 1] == 0 && bytes[$0] != 0 }
      if fits, bytes[0] != 0,
        KallsymsTokens(table: bytes + [UInt8](repeating: 0, count: 64), offsets: offsets) != nil
      {
        return start
      }
    }
    return nil
  }

  /// The count of names, and the names that follow it.
  private func names(before table: UInt64, _ tokens: KallsymsTokens) -> (count: UInt64, names: UInt64)? {
    let bytes = readable(before: table)
    return names(in: bytes, before: table, step: reader.pointerSize, tokens)
      ?? names(in: bytes, before: table, step: 4, tokens)
  }

  /// - Parameter step: the alignment of the parts.
  private func names(
    in bytes: [UInt8], before table: UInt64, step: Int, _ tokens: KallsymsTokens
  ) -> (count: UInt64, names: UInt64)? {
    let span = bytes.span
    guard bytes.count >= step else { return nil }
    let first = table &- UInt64(bytes.count)
    var offset = (bytes.count - 1) / step * step
    var looks = KallsymsSearch.namesLooks
    while offset >= 0, looks > 0 {
      let count = Int(span.bytes.entry(at: offset, size: 4))
      let room = bytes.count - offset
      // No name has fewer than two bytes; few have more than thirty.
      if count >= KallsymsSearch.leastCount, count <= KallsymsSearch.mostSymbols, room > count * 2,
        room < count * KallsymsSearch.mostBytes, KallsymsBlocks.isStart(span, at: offset + step, tokens)
      {
        looks -= 1
        // Most of the names must be there, followed by their markers.
        if KallsymsBlocks(Array(bytes[(offset + step)...]), count: count, tokens) != nil {
          return (first &+ UInt64(offset), first &+ UInt64(offset + step))
        }
      }
      offset -= step
    }
    return nil
  }

  /// The contiguous readable memory before an address; its first byte is aligned as the address is.
  private func readable(before end: UInt64) -> [UInt8] {
    var start = end
    var pages: [[UInt8]] = []
    var total = 0
    while total < KallsymsSearch.namesLimit {
      let length = start & (Frame.size - 1) == 0 ? Frame.size : start & (Frame.size - 1)
      guard start > length, let page = reader.bytes(at: start &- length, count: Int(length)) else { break }
      pages.append(page)
      total += page.count
      start &-= length
    }
    return pages.reversed().flatMap { $0 }
  }

  /// The places where kernels have had the addresses: before the count, or after the token index; with a base up to
  /// 7.0.
  private func positions(count: UInt64, tokenIndex: UInt64, number: UInt64) -> [KallsymsAddresses.Positions] {
    let step = UInt64(reader.pointerSize)
    let base = count &- step
    let tableSize = (number &* 4 &+ step &- 1) & ~(step &- 1)
    let behind = (tokenIndex &+ 512 &+ step &- 1) & ~(step &- 1)
    return [
      .relative(offsets: base &- tableSize, base: base),
      .relative(offsets: behind, base: behind &+ tableSize), .selfRelative(tokenIndex &+ 512),
    ]
  }

  /// Whether the addresses ascend, as they do in every kernel, and mostly lie in the image.
  private func isSound(_ place: KallsymsAddresses) -> Bool {
    guard let symbols = Kallsyms(place, reader)?.symbols(), symbols.count > KallsymsSearch.leastCount / 2
    else {
      return false
    }
    let inside = (0..<symbols.count).count { image.contains(symbols.address(at: $0)) }
    return inside * 2 > symbols.count && symbols.isAscending
  }
}
