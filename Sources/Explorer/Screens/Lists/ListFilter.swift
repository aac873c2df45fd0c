import PageTables

/// What a list shows: words, parted by blanks, that all have to be found in a row.
///
/// A word is found in a text, in the digits of an address or a number, or as a size (`4k`); one that is the name of a
/// column of numbers or sizes, also where that is not 0 (`swapped`). `column:word` looks in one column only, and `!` before
/// either turns it round.
struct ListFilter: Hashable, Sendable {
  struct Word: Hashable, Sendable {
    let text: String
    /// The name of the only column to look in.
    let column: String?
    let isWanted: Bool
    let digits: HexDigits?
    /// Bytes, for a word like `4k`.
    let size: UInt64?
    let isDecimal: Bool

    init(_ text: String, column: String?, isWanted: Bool) {
      self.text = text
      self.column = column
      self.isWanted = isWanted
      digits = HexDigits(text)
      size = ByteText.parse(text)
      isDecimal = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
  }

  /// As it was written.
  let text: String
  let words: [Word]

  init(_ text: String) {
    self.text = text
    words = text.lowercased().split(separator: " ").compactMap { part in
      let isWanted = !part.hasPrefix("!")
      let word = isWanted ? part : part.dropFirst()
      guard let colon = word.firstIndex(of: ":") else {
        return word.isEmpty ? nil : Word(String(word), column: nil, isWanted: isWanted)
      }
      let rest = word[word.index(after: colon)...]
      let isTurned = rest.hasPrefix("!")
      let text = isTurned ? rest.dropFirst() : rest
      let column = String(word[..<colon])
      return text.isEmpty ? nil : Word(String(text), column: column, isWanted: isWanted != isTurned)
    }
  }

  var isEmpty: Bool { words.isEmpty }

  /// Whether all that passes this one also passes `other`: a letter was added at the end.
  func narrows(_ other: ListFilter, _ columns: [ListColumn]) -> Bool {
    let isPlain = words.allSatisfy { word in
      word.column == nil && word.isWanted && word.size == nil
        && !columns.contains { $0.isAmount(of: word.text) }
    }
    return isPlain && text.hasPrefix(other.text) && other.words.allSatisfy { $0.size == nil }
  }
}

/// Hex digits to look for inside numbers, compared as numbers.
struct HexDigits: Hashable, Sendable {
  private let value: UInt64
  private let count: Int

  /// Nil for what is no hex number; `0x` and `_` are passed over. `0x` alone is a number that somebody still types:
  /// every number has its digits.
  init?(_ text: String) {
    let hex = (text.hasPrefix("0x") ? text.dropFirst(2) : text[...]).filter { $0 != "_" }
    if text == "0x" {
      value = 0
      count = 0
      return
    }
    guard !hex.isEmpty, hex.count <= 16, hex.allSatisfy(\.isHexDigit), let value = UInt64(hex, radix: 16)
    else {
      return nil
    }
    self.value = value
    count = hex.count
  }

  /// Whether a number written in hex has these digits in a row somewhere, leading zeroes included.
  func occur(in number: UInt64) -> Bool {
    let mask: UInt64 = count >= 16 ? .max : (1 << UInt64(4 * count)) - 1
    for shift in 0...(16 - count) where (number >> UInt64(4 * shift)) & mask == value { return true }
    return false
  }
}

/// A filter at work: remembers which of a column's few texts have which word.
struct ListMatcher: Sendable {
  private enum Answer: UInt8 { case unknown, no, yes }

  private let words: [ListFilter.Word]
  /// By word and column, then by text.
  private var known: [[Answer]]

  init(_ filter: ListFilter, columns: [ListColumn]) {
    words = filter.words
    known = words.flatMap { _ in
      columns.map { column in
        if case .names(let names, _) = column.values { return Array(repeating: .unknown, count: names.count) }
        return []
      }
    }
  }

  mutating func matches(_ row: Int, _ columns: [ListColumn]) -> Bool {
    for (number, word) in words.enumerated() {
      var isFound = false
      for (index, column) in columns.enumerated() {
        if let only = word.column, only != column.name { continue }
        if find(word, number * columns.count + index, row, column) {
          isFound = true
          break
        }
      }
      if isFound != word.isWanted { return false }
    }
    return true
  }

  private mutating func find(_ word: ListFilter.Word, _ cell: Int, _ row: Int, _ column: ListColumn)
    -> Bool
  {
    switch column.values {
    case .addresses(let value): return word.digits?.occur(in: value(row)) ?? false
    case .counts(let value):
      if word.column == nil, column.isAmount(of: word.text) { return value(row) != 0 && value(row) != .max }
      guard word.isDecimal, value(row) != .max else { return false }
      return word.column == nil ? "\(value(row))".contains(word.text) : "\(value(row))" == word.text
    case .sizes(let value):
      if word.column == nil, column.isAmount(of: word.text) { return value(row) != 0 }
      return word.size == value(row)
    case .texts(let text): return text(row).lowercased().contains(word.text)
    case .names(let names, let index):
      let name = index(row)
      if known[cell][name] == .unknown {
        known[cell][name] = names[name].lowercased().contains(word.text) ? .yes : .no
      }
      return known[cell][name] == .yes
    }
  }
}

extension ListColumn {
  /// Whether the column has numbers or sizes, and a word is its name.
  fileprivate func isAmount(of word: String) -> Bool {
    switch values {
    case .counts, .sizes: name == word
    case .addresses, .texts, .names: false
    }
  }
}
