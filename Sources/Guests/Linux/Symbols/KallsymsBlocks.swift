import PageTables

/// Which blocks of names can be decoded reliably, and where they start.
///
/// Names are stored in blocks of 256, and markers after them say where each block starts. If the right number of
/// names ends exactly at a marker, they were decoded correctly.
struct KallsymsBlocks {
  /// Names in a block; the last one may have fewer.
  static let size = 256

  /// Where each block starts; nil for a corrupt one.
  private(set) var starts: [Int?]

  private static let wordSize = 4
  /// The possible alignments of a table, in bytes.
  private static let alignments = [8, 4]

  /// Nil where no block can be confirmed.
  init?(_ bytes: [UInt8], count: Int, _ tokens: KallsymsTokens) {
    let names = bytes.span
    let blockCount = (count + KallsymsBlocks.size - 1) / KallsymsBlocks.size
    var found: [Int] = []
    var position = 0
    var isWhole = true
    for block in 0..<blockCount {
      found.append(position)
      let length = min(KallsymsBlocks.size, count - block * KallsymsBlocks.size)
      guard let end = KallsymsBlocks.end(names, from: position, length, tokens) else {
        isWhole = false
        break
      }
      position = end
    }
    starts = []
    if isWhole, KallsymsBlocks.isFollowed(bytes, end: position, blocks: found, count: count) {
      starts = found
      return
    }
    guard let markers = KallsymsBlocks.markers(names, count: blockCount) else { return nil }
    // Up to the last place where both agree, everything was decoded correctly.
    let good = found.indices.last { found[$0] == markers.values[$0] } ?? 0
    for block in 0..<blockCount {
      let start = markers.values[block]
      let length = min(KallsymsBlocks.size, count - block * KallsymsBlocks.size)
      let end = KallsymsBlocks.end(names, from: start, length, tokens)
      let next = block + 1 < blockCount ? markers.values[block + 1] : nil
      let isRight =
        end.map { end in next.map { end == $0 } ?? (0..<8).contains(markers.offset - end) } ?? false
      starts.append(block < good ? found[block] : isRight ? start : nil)
    }
    // If the markers confirm too few blocks, they are not markers.
    guard starts.count(where: { $0 != nil }) * 2 > blockCount else { return nil }
  }

  /// Whether a first block of names starts there: a quick check.
  static func isStart(_ names: Span<UInt8>, at start: Int, _ tokens: KallsymsTokens) -> Bool {
    end(names, from: start, size, tokens) != nil
  }

  /// Where `count` names end; nil where one has a kind that `nm` does not know.
  private static func end(_ names: Span<UInt8>, from start: Int, _ count: Int, _ tokens: KallsymsTokens)
    -> Int?
  {
    var position = start
    for _ in 0..<count {
      // After a wrong length, one of the next names soon has an invalid kind.
      guard let length = Kallsyms.length(names, &position), length > 0, length <= names.count - position,
        tokens.isKind(names[position])
      else { return nil }
      position += length
    }
    return position
  }

  /// Whether the last name is followed by what must follow: the markers, or at least the room for them, and since
  /// 6.2 also the room for the order of the names.
  private static func isFollowed(_ bytes: [UInt8], end: Int, blocks: [Int], count: Int) -> Bool {
    let span = bytes.span.bytes
    for alignment in alignments {
      func aligned(_ offset: Int) -> Int { (offset + alignment - 1) / alignment * alignment }
      let start = aligned(end)
      let behind = start + blocks.count * wordSize
      guard behind <= bytes.count else { continue }
      let matches = blocks.indices.count {
        span.entry(at: start + $0 * wordSize, size: wordSize) == UInt64(blocks[$0])
      }
      if matches * 2 > blocks.count,
        span.entry(at: behind - wordSize, size: wordSize) == UInt64(blocks.last ?? 0)
      {
        return true
      }
      if aligned(behind) == bytes.count || aligned(aligned(behind) + count * 3) == bytes.count { return true }
    }
    return false
  }

  /// The markers: ascending numbers that start with 0 and increase by at least the size of a block of the shortest
  /// names.
  private static func markers(_ bytes: Span<UInt8>, count: Int) -> (offset: Int, values: [Int])? {
    guard count > 1 else { return nil }
    var offset = 0
    while offset + count * wordSize <= bytes.count {
      var values = [0]
      if bytes.bytes.entry(at: offset, size: wordSize) == 0 {
        for index in 1..<count {
          let value = Int(bytes.bytes.entry(at: offset + index * wordSize, size: wordSize))
          guard value >= values[index - 1] + size * 2, value < offset else { break }
          values.append(value)
        }
      }
      if values.count == count { return (offset, values) }
      offset += wordSize
    }
    return lastMarkers(bytes, count: count)
  }

  /// The same if some markers are corrupt: in most layouts they are the last part before the token table.
  private static func lastMarkers(_ bytes: Span<UInt8>, count: Int) -> (offset: Int, values: [Int])? {
    for padding in [0, wordSize] {
      let offset = bytes.count - padding - count * wordSize
      guard offset > 0 else { continue }
      let values = (0..<count).map {
        min(Int(bytes.bytes.entry(at: offset + $0 * wordSize, size: wordSize)), offset)
      }
      let ascents = zip(values, values.dropFirst()).count { $1 >= $0 + size * 2 }
      if ascents * 2 > count { return (offset, values) }
    }
    return nil
  }
}
