/// A stretch of memory for the builders below.
package struct ImageRange: Sendable {
  /// Its first physical address.
  package var start: UInt64
  /// What it holds.
  package var bytes: [UInt8]

  /// Bytes that lie at `start`.
  package init(start: UInt64, bytes: [UInt8]) {
    self.start = start
    self.bytes = bytes
  }
}

/// A LiME file, version 1: 32-byte header and bytes, for each range.
package func imageLime(_ ranges: [ImageRange]) -> [UInt8] {
  var image = ImageBytes()
  for range in ranges {
    image.little(UInt32(0x4c69_4d45))
    image.little(UInt32(1))
    image.little(range.start)
    image.little(range.start &+ UInt64(range.bytes.count) &- 1)
    image.little(UInt64(0))
    image.bytes += range.bytes
  }
  return image.bytes
}

/// An AVML file, version 2: header, Snappy framed stream, length of the stream, for each range.
package func imageAvml(_ ranges: [ImageRange], chunkSize: Int = 65536) -> [UInt8] {
  var image = ImageBytes()
  for range in ranges {
    image.little(UInt32(0x4c4d_5641))
    image.little(UInt32(2))
    image.little(range.start)
    image.little(range.start &+ UInt64(range.bytes.count) &- 1)
    image.little(UInt64(0))
    let streamStart = image.bytes.count
    image.bytes += [0xff, 6, 0, 0] + Array("sNaPpY".utf8)
    for (number, start) in stride(from: 0, to: range.bytes.count, by: chunkSize).enumerated() {
      let piece = Array(range.bytes[start..<min(range.bytes.count, start + chunkSize)])
      // Every other chunk is stored as it is.
      let isCompressed = number % 2 == 0
      let body = isCompressed ? imageSnappy(piece) : piece
      image.little(UInt32(isCompressed ? 0 : 1) | UInt32(body.count + 4) << 8)
      image.little(UInt32(0))
      image.bytes += body
    }
    image.little(UInt64(image.bytes.count - streamStart))
  }
  return image.bytes
}

/// A Snappy block (google/snappy, `format_description.txt`): runs of one byte become copies, all else
/// literals.
package func imageSnappy(_ bytes: [UInt8]) -> [UInt8] {
  var output: [UInt8] = []
  var length = bytes.count
  while length >= 0x80 {
    output.append(UInt8(length & 0x7f) | 0x80)
    length >>= 7
  }
  output.append(UInt8(length))
  var literal: [UInt8] = []
  func flush() {
    for start in stride(from: 0, to: literal.count, by: 256) {
      let part = literal[start..<min(literal.count, start + 256)]
      output += part.count <= 60 ? [UInt8(part.count - 1) << 2] : [60 << 2, UInt8(part.count - 1)]
      output += part
    }
    literal = []
  }
  var index = 0
  while index < bytes.count {
    var run = 1
    while run < 64, index + run < bytes.count, bytes[index + run] == bytes[index] { run += 1 }
    literal.append(bytes[index])
    index += 1
    if run > 4 {
      flush()
      output += [UInt8(run - 2) << 2 | 2, 1, 0]
      index += run - 1
    }
  }
  flush()
  return output
}

/// makedumpfile's flattened form of `contents`, in records of `recordSize` bytes, the last one first.
package func imageFlattened(_ contents: [UInt8], recordSize: Int = 5000) -> [UInt8] {
  var image = ImageBytes()
  image.text("makedumpfile", size: 16)
  image.big(UInt64(1))
  image.big(UInt64(1))
  image.pad(to: 4096)
  for start in stride(from: 0, to: contents.count, by: recordSize).reversed() {
    let piece = contents[start..<min(contents.count, start + recordSize)]
    image.big(UInt64(start))
    image.big(UInt64(piece.count))
    image.bytes += piece
  }
  image.big(UInt64.max)
  image.big(UInt64.max)
  return image.bytes
}
