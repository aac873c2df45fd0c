import PageTables

/// What a search looks for. Hex digits are compared as numbers: no text is built for a row.
struct SearchNeedle {
  private let text: String
  private let digits: (value: UInt64, count: Int)?

  init(_ query: String) {
    text = query.lowercased()
    let plain = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
    let hex = plain.filter { $0 != "_" }
    if !hex.isEmpty, hex.count <= 16, let value = UInt64(hex, radix: 16) {
      digits = (value, hex.count)
    } else {
      digits = nil
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
      return contains(row.virtual.value, digits) || contains(row.raw, digits)
        || contains(row.address.value, digits)
    }
    let level = space.scheme.levels[Int(row.level)]
    switch text {
    case "huge": return row.entryKind == .leaf && Int(row.level) < space.scheme.levels.count - 1
    case "marked", "swap": return row.entryKind == .marked
    case "malformed": return row.entryKind == .malformed
    case "recursive": return row.recursionLevel >= 0
    default: return level.name.lowercased() + "[\(row.slot)]" == text
    }
  }

  private func contains(_ value: UInt64, _ digits: (value: UInt64, count: Int)) -> Bool {
    let mask: UInt64 = digits.count >= 16 ? .max : (1 << UInt64(4 * digits.count)) - 1
    for shift in 0...(16 - digits.count) where (value >> UInt64(4 * shift)) & mask == digits.value {
      return true
    }
    return false
  }

  /// The next of `count` places that match, from the one after `start`, going round.
  static func next(in count: Int, from start: Int, forward: Bool, _ matches: (Int) -> Bool) -> Int? {
    guard count > 0 else { return nil }
    for step in 1...count {
      let place = (start + (forward ? step : count - step)) % count
      if matches(place) { return place }
    }
    return nil
  }
}
