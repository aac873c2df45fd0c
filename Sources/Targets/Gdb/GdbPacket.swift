/// Packets of gdb's remote protocol (gdb's manual, "Overview" of "Remote Protocol"): `$payload#checksum`.
enum GdbPacket {
  static func bytes(_ payload: String) -> [UInt8] {
    let payload = Array(payload.utf8)
    return [UInt8(ascii: "$")] + payload + [UInt8(ascii: "#")] + Array(hex(checksum(payload)).utf8)
  }

  static func checksum(_ payload: some Sequence<UInt8>) -> UInt8 { payload.reduce(0, &+) }

  /// Text as two digits for each byte.
  static func hex(text: String) -> String { text.utf8.map(hex).joined() }

  private static func hex(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  /// The bytes that pairs of digits stand for; nil where something else is among them.
  static func bytes(hex digits: some Collection<UInt8>) -> [UInt8]? {
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    var upper: UInt8?
    for digit in digits {
      guard let value = value(ofDigit: digit) else { return nil }
      if let high = upper {
        bytes.append(high << 4 | value)
        upper = nil
      } else {
        upper = value
      }
    }
    return bytes
  }

  @inline(__always)
  private static func value(ofDigit digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// Cuts a stream of bytes into packets.
struct GdbStream {
  var buffer: [UInt8] = []

  /// The most bytes of one packet: QEMU's have 128 KiB.
  private static let sizeLimit = 16 << 20

  enum Found: Equatable {
    case packet([UInt8])
    /// Its checksum is wrong, or it never ends.
    case damaged
  }

  /// Takes the next packet; nil while none is complete. Acknowledgements and notifications are skipped.
  mutating func next() -> Found? {
    while let start = buffer.firstIndex(where: { $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "%") }) {
      guard let end = buffer[start...].firstIndex(of: UInt8(ascii: "#")), end + 2 < buffer.count else {
        return buffer.count > Self.sizeLimit ? .damaged : nil
      }
      let isNotification = buffer[start] == UInt8(ascii: "%")
      let payload = buffer[(start + 1)..<end]
      let sum = GdbPacket.bytes(hex: buffer[(end + 1)...(end + 2)])
      let isWhole = sum == [GdbPacket.checksum(payload)]
      let plain = Self.plain(payload)
      buffer.removeFirst(end + 3)
      if isNotification { continue }
      guard isWhole, let plain else { return .damaged }
      return .packet(plain)
    }
    buffer.removeAll(keepingCapacity: true)
    return nil
  }

  /// Resolves escapes ("}" and the byte with bit 5 changed) and repetitions ("*" and how many more, plus 29); nil
  /// where they would make more than a packet may have.
  private static func plain(_ payload: ArraySlice<UInt8>) -> [UInt8]? {
    guard payload.contains(where: { $0 == UInt8(ascii: "}") || $0 == UInt8(ascii: "*") }) else {
      return Array(payload)
    }
    var plain: [UInt8] = []
    var rest = payload
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "}"):
        guard let escaped = rest.popFirst() else { return nil }
        plain.append(escaped ^ 0x20)
      case UInt8(ascii: "*"):
        guard let count = rest.popFirst(), count >= 29, let last = plain.last, plain.count < sizeLimit else {
          return nil
        }
        plain += repeatElement(last, count: Int(count) - 29)
      default: plain.append(byte)
      }
    }
    return plain
  }
}
