/// Addresses as people read and type them: hexadecimal, with or without `0x`, with `_` anywhere.
public enum AddressText {
  /// `0x1a2c000`: lower case, no padding.
  public static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// The number; nil when the text is not a number or does not fit into 64 bits.
  public static func parse(_ text: some StringProtocol) -> UInt64? {
    var digits = String(text.filter { $0 != "_" })
    if digits.hasPrefix("0x") || digits.hasPrefix("0X") { digits.removeFirst(2) }
    guard !digits.isEmpty, digits.allSatisfy(\.isHexDigit) else { return nil }
    return UInt64(digits, radix: 16)
  }

  /// A range `A..B`, excluding `B`; either end may be omitted.
  public static func parseRange(_ text: String) -> (first: UInt64?, end: UInt64?)? {
    guard let dots = firstDots(in: text) else { return nil }
    let left = text[..<dots.lowerBound]
    let right = text[dots.upperBound...]
    guard let first = optional(left), let end = optional(right) else { return nil }
    return (first, end)
  }

  private static func optional(_ text: Substring) -> UInt64?? {
    if text.isEmpty { return .some(nil) }
    return parse(text).map { .some($0) }
  }

  private static func firstDots(in text: String) -> Range<String.Index>? {
    var index = text.startIndex
    while index < text.endIndex {
      let next = text.index(after: index)
      if text[index] == ".", next < text.endIndex, text[next] == "." {
        return index..<text.index(after: next)
      }
      index = next
    }
    return nil
  }
}
