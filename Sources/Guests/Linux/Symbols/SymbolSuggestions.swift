extension KernelSymbols {
  /// Whether any of them is data. A kernel can be built with the symbols of functions only; then it still has the
  /// linker's section boundaries, whose names begin with two underscores.
  package var hasData: Bool {
    (0..<count).contains { index in
      let symbol = symbol(at: index)
      return "dDbB".contains(symbol.kind) && !symbol.name.hasPrefix("__")
    }
  }

  /// Symbols whose names are closest to a name that does not exist: because few letters differ, or because they
  /// begin with it.
  ///
  /// - Parameter limit: the most names to return, the closest first.
  package func names(like wish: String, limit: Int = 3) -> [String] {
    let wished = Array(wish.lowercased().utf8)
    guard (2...64).contains(wished.count) else { return [] }
    // With a third of its letters wrong it is a different name.
    let reach = max(1, wished.count / 3)
    var found: [(name: String, distance: Int)] = []
    var rows = EditRows()
    for index in 0..<count {
      let name = symbol(at: index).name
      let letters = Array(name.lowercased().utf8)
      let isLonger = letters.count > wished.count && letters.starts(with: wished)
      let missing = letters.count - wished.count
      guard isLonger || abs(missing) <= reach else { continue }
      // Omitting the end of a name is not an error.
      let distance = isLonger ? (missing > reach ? 1 : 0) : rows.distance(wished, letters)
      guard distance <= reach, !found.contains(where: { $0.name == name }) else { continue }
      found.append((name, distance))
      if found.count > limit {
        found.sort { ($0.distance, $0.name.utf8.count, $0.name) < ($1.distance, $1.name.utf8.count, $1.name) }
        found.removeLast()
      }
    }
    return found.sorted { ($0.distance, $0.name.utf8.count) < ($1.distance, $1.name.utf8.count) }.map(\.name)
  }
}

/// Buffers for comparing texts, reused between comparisons.
private struct EditRows {
  private var current: [Int] = []
  private var above: [Int] = []
  private var twoAbove: [Int] = []

  /// The number of letters to insert, remove or change, or of neighbours to swap, to turn one text into the other
  /// (F. J. Damerau, 1964; V. I. Levenshtein, 1966).
  mutating func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    current.removeAll(keepingCapacity: true)
    current.append(contentsOf: 0...other.count)
    above = current
    twoAbove = current
    for i in one.indices {
      (twoAbove, above, current) = (above, current, twoAbove)
      current[0] = i + 1
      for j in other.indices {
        var least = min(above[j + 1] + 1, current[j] + 1, above[j] + (one[i] == other[j] ? 0 : 1))
        if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
          least = min(least, twoAbove[j - 1] + 1)
        }
        current[j + 1] = least
      }
    }
    return current[other.count]
  }
}
