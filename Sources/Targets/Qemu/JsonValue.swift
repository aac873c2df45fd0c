/// A JSON value, as far as QMP uses it. Foundation's decoder would add 12 MB to the program, and 2 ms to its start.
enum JsonValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// As written.
  case number(String)
  case string(String)
  case array([JsonValue])
  case object([String: JsonValue])

  /// The deepest nesting that is read: answers have less than ten.
  private static let depthLimit = 64

  /// Nil where the bytes are not exactly one value.
  init?(_ bytes: some Collection<UInt8>) {
    var reader = Reader(bytes: Array(bytes))
    guard let value = reader.value(depth: 0) else { return nil }
    reader.skipSpace()
    guard reader.position == reader.bytes.count else { return nil }
    self = value
  }

  /// A member of an object; nil for everything else.
  subscript(_ name: String) -> JsonValue? {
    guard case .object(let members) = self else { return nil }
    return members[name]
  }

  var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  var elements: [JsonValue]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  /// A string as JSON has it, in quotes.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
      while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard next == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    private mutating func take(word: StaticString) -> Bool {
      let length = word.utf8CodeUnitCount
      guard bytes.count - position >= length else { return false }
      let isThere = word.withUTF8Buffer { $0.elementsEqual(bytes[position..<position + length]) }
      if isThere { position += length }
      return isThere
    }

    mutating func value(depth: Int) -> JsonValue? {
      skipSpace()
      guard depth < JsonValue.depthLimit, let first = next else { return nil }
      switch first {
      case UInt8(ascii: "{"): return object(depth: depth)
      case UInt8(ascii: "["): return array(depth: depth)
      case UInt8(ascii: "\""): return string().map(JsonValue.string)
      case UInt8(ascii: "t"): return take(word: "true") ? .bool(true) : nil
      case UInt8(ascii: "f"): return take(word: "false") ? .bool(false) : nil
      case UInt8(ascii: "n"): return take(word: "null") ? .null : nil
      default: return number()
      }
    }

    private mutating func object(depth: Int) -> JsonValue? {
      var members: [String: JsonValue] = [:]
      guard take("{") else { return nil }
      if take("}") { return .object(members) }
      repeat {
        skipSpace()
        guard let name = string(), take(":"), let value = value(depth: depth + 1) else { return nil }
        members[name] = value
      } while take(",")
      return take("}") ? .object(members) : nil
    }

    private mutating func array(depth: Int) -> JsonValue? {
      var elements: [JsonValue] = []
      guard take("[") else { return nil }
      if take("]") { return .array(elements) }
      repeat {
        guard let value = value(depth: depth + 1) else { return nil }
        elements.append(value)
      } while take(",")
      return take("]") ? .array(elements) : nil
    }

    private mutating func number() -> JsonValue? {
      let start = position
      while let byte = next, "+-.eE0123456789".utf8.contains(byte) { position += 1 }
      return position > start
        ? .number(String(decoding: bytes[start..<position], as: UTF8.self)) : nil
    }

    private mutating func string() -> String? {
      guard take("\"") else { return nil }
      var text: [UInt8] = []
      while let byte = next {
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
        case UInt8(ascii: "\\"):
          guard let scalar = escape() else { return nil }
          text += Array(String(scalar).utf8)
        default: text.append(byte)
        }
      }
      return nil
    }

    /// What follows a backslash; a half of a surrogate pair that stands alone is replaced.
    private mutating func escape() -> Unicode.Scalar? {
      guard let kind = next else { return nil }
      position += 1
      switch kind {
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{c}"
      case UInt8(ascii: "u"):
        guard let first = codeUnit() else { return nil }
        guard (0xd800..<0xdc00).contains(first) else { return Unicode.Scalar(first) ?? "\u{fffd}" }
        let back = position
        if take(word: "\\u"), let second = codeUnit(), (0xdc00..<0xe000).contains(second) {
          return Unicode.Scalar(0x1_0000 + (first - 0xd800) << 10 + (second - 0xdc00)) ?? "\u{fffd}"
        }
        position = back
        return "\u{fffd}"
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
      default: return nil
      }
    }

    private mutating func codeUnit() -> UInt32? {
      guard bytes.count - position >= 4 else { return nil }
      defer { position += 4 }
      return UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    }
  }
}

/// Cuts a stream of bytes into JSON objects, however they are spread over lines.
struct JsonStream {
  var buffer: [UInt8] = []
  /// Bytes of the buffer that were looked at.
  private var seen = 0
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  /// Takes the next complete object from the buffer; nil when there is none yet. What lies between objects is
  /// skipped; the inner optional is nil where an object cannot be read.
  mutating func next() -> JsonValue?? {
    while seen < buffer.count {
      let byte = buffer[seen]
      seen += 1
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\"") where depth > 0: isInString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth = max(0, depth - 1)
        guard depth == 0 else { continue }
        let start = buffer.firstIndex(of: UInt8(ascii: "{")) ?? 0
        let value = start < seen ? JsonValue(buffer[start..<seen]) : nil
        buffer.removeFirst(seen)
        seen = 0
        return .some(value)
      default: break
      }
    }
    return nil
  }
}
