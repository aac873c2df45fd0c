import Guests
import PageTables

/// A root that the person names: `NAME=PA`, or `PA` alone; where a space has two windows, `NAME=TTBR0,TTBR1`, of
/// which the first may be empty.
struct NamedRoot {
  let root: GivenRoot

  /// Nil for text that holds no address.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      .map { NamedRoot.trimmed(String($0)) }
    guard let last = parts.last, parts.count <= 2 else { return nil }
    let texts = last.split(separator: ",", omittingEmptySubsequences: false).map {
      NamedRoot.trimmed(String($0))
    }
    let addresses = texts.map { AddressText.parse($0) }
    guard texts.count <= 2, let any = addresses.lazy.compactMap(\.self).first, let lower = addresses.first,
      lower != nil || texts[0].isEmpty, addresses.count == 1 || addresses[1] != nil
    else { return nil }
    root = GivenRoot(
      parts.count == 2 && !parts[0].isEmpty ? String(parts[0]) : AddressText.hex(any),
      lower.map { PhysicalAddress($0) },
      upper: addresses.count == 2 ? addresses[1].map { PhysicalAddress($0) } : nil)
  }

  private static func trimmed(_ text: String) -> String {
    let content = text.drop(while: \.isWhitespace)
    guard let last = content.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(content[...last])
  }

  /// Roots that a list may have: no machine has more.
  private static let limit = 1 << 16

  /// The roots that a file lists, a line each; blank lines, and all behind a `#`, are passed over.
  static func read(_ path: String) throws -> [NamedRoot] {
    var roots: [NamedRoot] = []
    // Lines may end as another system's do.
    let lines = try readText(path).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let text = trimmed(String(line.prefix { $0 != "#" }))
      guard !text.isEmpty else { continue }
      guard let root = NamedRoot(text) else {
        throw Failure(
          "\(path), line \(number + 1): '\(text.prefix(60))' is not NAME=PA with a hexadecimal PA")
      }
      guard roots.count < limit else { throw Failure("\(path): lists more than \(limit) roots") }
      roots.append(root)
    }
    guard !roots.isEmpty else { throw Failure("\(path): lists no root; write a line NAME=PA for each") }
    return roots
  }
}
