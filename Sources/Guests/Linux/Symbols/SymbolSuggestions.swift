extension KernelSymbols {
  /// Whether any of them is data. A kernel can be built with the symbols of functions only; then it still has the
  /// linker's section boundaries, whose names begin with two underscores.
  package var hasData: Bool {
    let data = Array("dDbB".utf8)
    return (0..<count).contains { data.contains(kind(at: $0)) && !letters(at: $0).starts(with: "__".utf8) }
  }

  /// Symbols whose names are closest to a name that does not exist: because few letters differ, or because they
  /// begin with it.
  ///
  /// - Parameter limit: the most names to return, the closest first.
  package func names(like wish: String, limit: Int = 3) -> [String] {
    let wished = wish.utf8.map(EditRows.lowercased)
    guard (2...64).contains(wished.count) else { return [] }
    // With a third of its letters wrong it is a different name.
    let reach = max(1, wished.count / 3)
    var found: [(name: String, distance: Int)] = []
    var rows = EditRows(wished, reach: reach)
    for index in 0..<count {
      let missing = nameLength(at: index) - wished.count
      guard missing >= -reach else { continue }
      let name = letters(at: index)
      let isLonger =
        missing > 0 && zip(name, wished).allSatisfy { EditRows.lowercased($0) == $1 }
      guard isLonger || missing <= reach else { continue }
      // Omitting the end of a name is not an error.
      let distance = isLonger ? (missing > reach ? 1 : 0) : rows.distance(to: name)
      guard distance <= reach else { continue }
      let text = String(decoding: name, as: UTF8.self)
      guard !found.contains(where: { $0.name == text }) else { continue }
      found.append((text, distance))
      if found.count > limit {
        found.sort { ($0.distance, $0.name.utf8.count, $0.name) < ($1.distance, $1.name.utf8.count, $1.name) }
        found.removeLast()
      }
    }
    return found.sorted { ($0.distance, $0.name.utf8.count) < ($1.distance, $1.name.utf8.count) }.map(\.name)
  }
}

/// Compares names with one text; its buffers are reused between comparisons.
private struct EditRows {
  private let wished: [UInt8]
  private let reach: Int
  /// A bit for each letter of the text, by its code modulo 64.
  private let alphabet: UInt64
  private var letters: [UInt8] = []
  private var current: [Int] = []
  private var above: [Int] = []
  private var twoAbove: [Int] = []

  init(_ wished: [UInt8], reach: Int) {
    self.wished = wished
    self.reach = reach
    alphabet = EditRows.alphabet(of: wished)
  }

  static func lowercased(_ letter: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter) ? letter | 0x20 : letter
  }

  private static func alphabet(of letters: [UInt8]) -> UInt64 {
    letters.reduce(0) { $0 | 1 &<< UInt64($1 & 63) }
  }

  /// The number of letters to insert, remove or change, or of neighbours to swap, to turn one text into the other
  /// (F. J. Damerau, 1964; V. I. Levenshtein, 1966); some number above the reach where it is not within it.
  mutating func distance(to name: ArraySlice<UInt8>) -> Int {
    letters.removeAll(keepingCapacity: true)
    for letter in name { letters.append(EditRows.lowercased(letter)) }
    // Every letter that only one of them has costs a step.
    let other = EditRows.alphabet(of: letters)
    guard max((alphabet & ~other).nonzeroBitCount, (other & ~alphabet).nonzeroBitCount) <= reach else {
      return reach + 1
    }
    current.removeAll(keepingCapacity: true)
    current.append(contentsOf: 0...letters.count)
    above = current
    twoAbove = current
    for i in wished.indices {
      (twoAbove, above, current) = (above, current, twoAbove)
      current[0] = i + 1
      for j in letters.indices {
        var least = min(above[j + 1] + 1, current[j] + 1, above[j] + (wished[i] == letters[j] ? 0 : 1))
        if i > 0, j > 0, wished[i] == letters[j - 1], wished[i - 1] == letters[j] {
          least = min(least, twoAbove[j - 1] + 1)
        }
        current[j + 1] = least
      }
    }
    return current[letters.count]
  }
}
