import PageTables

/// What a search looks for. Hex digits are compared as numbers: no text is built for a row.
struct SearchNeedle {
  private let text: String
  private let digits: HexDigits?
  /// `PT[12]`: a level in lower case, and a slot.
  private let slot: (level: String, number: Int32)?

  /// No word, number or slot that it could be about is longer: beyond, it is a part of a text or nothing.
  static let longestWord = 32

  init(_ query: String) {
    text = query.lowercased()
    digits = HexDigits(text)
    let parts = text.split(separator: "[", omittingEmptySubsequences: false)
    if parts.count == 2, parts[1].hasSuffix("]"), let number = Int32(parts[1].dropLast()) {
      slot = (String(parts[0]), number)
    } else {
      slot = nil
    }
  }

  func matches(_ space: TreeSpace) -> Bool {
    !text.isEmpty && space.searchTexts.contains { $0.lowercased().contains(text) }
  }

  /// Whether a row shows it: a space's name, the digits of an address or entry, or a word for what an entry is.
  func matches(_ row: TreeRow, in space: TreeSpace) -> Bool {
    if row.kind == .space { return matches(space) }
    guard row.isEntry else { return false }
    if let digits {
      return digits.occur(in: row.virtual.value) || digits.occur(in: row.raw)
        || digits.occur(in: row.address.value)
    }
    if let slot {
      return slot.number == row.slot
        && space.scheme(at: row.virtual).levels[Int(row.level)].name.lowercased() == slot.level
    }
    switch text {
    case "huge":
      return row.entryKind == .leaf && Int(row.level) < space.scheme(at: row.virtual).levels.count - 1
    case "marked", "swap", "swapped": return row.entryKind == .marked
    case "malformed": return row.entryKind == .malformed
    case "recursive": return row.recursionLevel >= 0
    default: return false
    }
  }
}
