/// Builds lines of JSON objects in one growing buffer.
///
/// The records are Codable, and a test checks that both produce the same text; but a general encoder costs more per
/// record than the walk that yields it.
package struct JSONLine: Sendable {
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false

  package init() {}

  package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// An object on a line of its own.
  package mutating func object(_ body: (inout JSONLine) -> Void) {
    open("{")
    body(&self)
    close("}")
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  package mutating func field(_ key: StaticString, _ value: Hex) {
    name(key)
    hex(value.value)
  }

  package mutating func field(_ key: StaticString, _ value: UInt64) {
    name(key)
    decimal(value)
  }

  /// Null where there is none.
  package mutating func field(_ key: StaticString, orNull value: UInt64?) {
    name(key)
    guard let value else { return literal("null") }
    decimal(value)
  }

  /// Null where there is none.
  package mutating func field(_ key: StaticString, orNull value: Hex?) {
    name(key)
    guard let value else { return literal("null") }
    hex(value.value)
  }

  package mutating func field(_ key: StaticString, _ value: Int?) {
    name(key)
    guard let value else { return literal("null") }
    number(value)
  }

  package mutating func field(_ key: StaticString, _ value: Double) {
    name(key)
    bytes.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
  }

  package mutating func field(_ key: StaticString, _ value: Bool) {
    name(key)
    literal(value ? "true" : "false")
  }

  package mutating func field(_ key: StaticString, _ value: String?) {
    name(key)
    guard let value else { return literal("null") }
    string(value)
  }

  package mutating func field(_ key: StaticString, _ values: [String]) {
    name(key)
    open("[")
    for value in values {
      comma()
      string(value)
    }
    close("]")
  }

  package mutating func field(_ key: StaticString, _ values: [Int]) {
    name(key)
    open("[")
    for value in values {
      comma()
      number(value)
    }
    close("]")
  }

  /// A list of objects.
  package mutating func field<Element>(
    _ key: StaticString, _ elements: [Element], _ body: (inout JSONLine, Element) -> Void
  ) {
    name(key)
    open("[")
    for element in elements {
      comma()
      open("{")
      body(&self, element)
      close("}")
    }
    close("]")
  }

  /// An object, or null.
  package mutating func field<Value>(
    _ key: StaticString, object value: Value?, _ body: (inout JSONLine, Value) -> Void
  ) {
    name(key)
    guard let value else { return literal("null") }
    open("{")
    body(&self, value)
    close("}")
  }

  private mutating func open(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = false
  }

  private mutating func close(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = true
  }

  private mutating func comma() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func name(_ key: StaticString) {
    comma()
    bytes.append(UInt8(ascii: "\""))
    key.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
  }

  private mutating func literal(_ text: StaticString) { text.withUTF8Buffer { bytes.append(contentsOf: $0) } }

  private mutating func number(_ value: Int) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    decimal(UInt64(value.magnitude))
  }

  private mutating func decimal(_ value: UInt64) {
    var rest = value
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  private mutating func hex(_ value: UInt64) {
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: "0"))
    bytes.append(UInt8(ascii: "x"))
    var shift = value == 0 ? 0 : (63 - value.leadingZeroBitCount) & ~3
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: (value >> UInt64(shift)) & 15)
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      shift -= 4
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ unit: UInt16) {
    let digits = String(unit, radix: 16)
    bytes.append(contentsOf: "\\u".utf8)
    bytes.append(contentsOf: String(repeating: "0", count: 4 - digits.count).utf8)
    bytes.append(contentsOf: digits.utf8)
  }

  private mutating func string(_ value: String) {
    bytes.append(UInt8(ascii: "\""))
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(contentsOf: String(scalar).utf8)
      case _ where scalar.isASCII && scalar.isPlain: bytes.append(UInt8(ascii: scalar))
      case _ where scalar.isPlain: bytes.append(contentsOf: String(scalar).utf8)
      // Characters that change the direction or the line breaks of subsequent text are escaped; beyond U+FFFF as a
      // surrogate pair (RFC 8259, section 7).
      default: String(scalar).utf16.forEach { escape($0) }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
