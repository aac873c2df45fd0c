/// The raw Snappy format (google/snappy, `format_description.txt`): a length, then literals and copies.
enum SnappyBlock {
  /// The decompressed length that the block states, and where its elements start.
  static func decompressedLength(_ block: RawSpan) -> (length: Int, start: Int)? {
    var length: UInt64 = 0
    for index in 0..<min(5, block.byteCount) {
      let byte = block.byte(index)
      length |= UInt64(byte & 0x7f) << UInt64(7 * index)
      if byte < 0x80 { return length <= UInt64(UInt32.max) ? (Int(length), index + 1) : nil }
    }
    return nil
  }

  /// Decompresses a whole block; nil when it is malformed or longer than `limit` bytes.
  static func decompress(_ block: RawSpan, limit: Int) -> [UInt8]? {
    guard let (length, start) = decompressedLength(block), length <= limit else { return nil }
    var output: [UInt8] = []
    output.reserveCapacity(length)
    var position = start
    while position < block.byteCount {
      let tag = block.byte(position)
      position += 1
      if tag & 3 == 0 {
        guard let count = literalLength(tag, block, &position), count <= length - output.count,
          count <= block.byteCount - position
        else { return nil }
        block.extracting(position..<position + count).withUnsafeBytes { output.append(contentsOf: $0) }
        position += count
      } else {
        guard let (count, distance) = copyElement(tag, block, &position), count <= length - output.count,
          distance > 0, distance <= output.count
        else { return nil }
        // A distance shorter than the length repeats bytes that this copy itself has written.
        for source in output.count - distance..<output.count - distance + count {
          output.append(output[source])
        }
      }
    }
    return output.count == length ? output : nil
  }

  /// The tag holds the length of literals of 1 to 60 bytes; for longer ones, 1 to 4 bytes after the tag hold it.
  private static func literalLength(_ tag: UInt8, _ block: RawSpan, _ position: inout Int) -> Int? {
    let short = Int(tag >> 2)
    guard short >= 60 else { return short + 1 }
    return block.littleEndian(short - 59, &position).map { $0 + 1 }
  }

  private static func copyElement(
    _ tag: UInt8, _ block: RawSpan, _ position: inout Int
  ) -> (count: Int, distance: Int)? {
    switch tag & 3 {
    case 1:
      guard let low = block.littleEndian(1, &position) else { return nil }
      return (Int(tag >> 2 & 7) + 4, Int(tag >> 5) << 8 | low)
    case 2: return block.littleEndian(2, &position).map { (Int(tag >> 2) + 1, $0) }
    default: return block.littleEndian(4, &position).map { (Int(tag >> 2) + 1, $0) }
    }
  }
}

extension RawSpan {
  /// The byte at `index`, which must lie in the span.
  fileprivate func byte(_ index: Int) -> UInt8 { unsafeLoad(fromByteOffset: index, as: UInt8.self) }

  /// An integer of `size` bytes at `position`, which advances past it; nil at the end of the span.
  fileprivate func littleEndian(_ size: Int, _ position: inout Int) -> Int? {
    guard size <= byteCount - position else { return nil }
    var value = 0
    for index in 0..<size { value |= Int(byte(position + index)) << (8 * index) }
    position += size
    return value
  }
}
