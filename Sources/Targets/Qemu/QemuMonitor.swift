import PageTables

/// QEMU's monitor for people, which QMP and gdbstub both pass on. Its answers are texts.
protocol QemuMonitor: AnyObject, Sendable {
  /// The answer, with line breaks as in Unix; a refusal is an answer, too.
  func monitor(_ command: String) throws(TargetError) -> String
}

extension QemuMonitor {
  /// Where physical memory is RAM.
  func ramMap(_ name: String) throws(TargetError) -> RamMap {
    guard let map = RamMap(flatViews: try monitor("info mtree -f")), !map.blocks.isEmpty else {
      throw .noMemoryFound(name, reason: "QEMU's \"info mtree -f\" lists none")
    }
    return map
  }

  /// Where QEMU's own process has the blocks; nil where it does not say.
  func hostPlaces(_ map: RamMap) throws(TargetError) -> [HostPlace]? {
    var places: [HostPlace] = []
    for block in map.blocks {
      // Within one region, host addresses go on as the offsets do.
      if let last = places.last,
        let previous = map.blocks.last(where: { $0.range.start == last.block.range.start }),
        previous.region == block.region, block.offset >= previous.offset
      {
        places.append(
          HostPlace(block: block, address: last.address &+ (block.offset - previous.offset)))
        continue
      }
      let text = try monitor("gpa2hva 0x" + String(block.range.start.value, radix: 16))
      guard let word = text.split(whereSeparator: \.isWhitespace).last, word.hasPrefix("0x"),
        let address = UInt64(word.dropFirst(2), radix: 16)
      else { return nil }
      places.append(HostPlace(block: block, address: address))
    }
    return places
  }

  /// The bytes of whole words by `xp`; nil where the answer is another.
  func examine(_ range: PhysicalRange) throws(TargetError) -> [UInt8]? {
    let words = range.length / 8
    let text = try monitor("xp /\(words)gx 0x" + String(range.start.value, radix: 16))
    return ExaminedMemory.bytes(text, words: Int(words))
  }
}

/// A block of RAM in the address space of QEMU's process.
struct HostPlace: Hashable, Sendable {
  var block: RamMap.Block
  var address: UInt64
}

/// Reads what QEMU's `xp /Ngx` prints: `0000000000001000: 0x0000000000000000 0x0000000000000000`.
enum ExaminedMemory {
  static func bytes(_ text: String, words: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(words * 8)
    var value: UInt64 = 0
    var digits = -1
    // A character at a time: a page has 512 numbers, and strings of their own would cost more than QEMU does.
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "x"): (digits, value) = (0, 0)
      case UInt8(ascii: "0")...UInt8(ascii: "9") where digits >= 0:
        (digits, value) = (digits + 1, value << 4 | UInt64(byte - UInt8(ascii: "0")))
      case UInt8(ascii: "a")...UInt8(ascii: "f") where digits >= 0:
        (digits, value) = (digits + 1, value << 4 | UInt64(byte - UInt8(ascii: "a") + 10))
      default:
        guard digits != 16 else {
          for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
          digits = -1
          continue
        }
        digits = -1
      }
    }
    if digits == 16 {
      for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
    return bytes.count == words * 8 ? bytes : nil
  }
}
