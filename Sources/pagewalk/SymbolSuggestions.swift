import Guests

extension KernelSymbols {
  /// Symbols whose names come closest to one that none has: by letters that differ, or because they begin with it.
  ///
  /// - Parameter limit: at most so many, the closest first.
  func names(like wish: String, limit: Int = 3) -> [String] {
    let wished = Array(wish.lowercased().utf8)
    guard (2...64).contains(wished.count) else { return [] }
    // A third of the letters wrong is another name.
    let reach = max(1, wished.count / 3)
    var found: [(name: String, distance: Int)] = []
    var row: [Int] = []
    for index in 0..<count {
      let name = symbol(at: index).name
      let letters = Array(name.lowercased().utf8)
      let isLonger = letters.count > wished.count && letters.starts(with: wished)
      let missing = letters.count - wished.count
      guard isLonger || abs(missing) <= reach else { continue }
      // Who left out the end wrote nothing wrong.
      let distance = isLonger ? (missing > reach ? 1 : 0) : editDistance(wished, letters, &row)
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

/// How many letters must be put in, taken out or changed to make one text of the other (V. I. Levenshtein, 1966).
///
/// - Parameter row: room to work in, kept from call to call.
private func editDistance(_ one: [UInt8], _ other: [UInt8], _ row: inout [Int]) -> Int {
  row.removeAll(keepingCapacity: true)
  row.append(contentsOf: 0...other.count)
  for (i, letter) in one.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in other.indices {
      let above = row[j + 1]
      row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == other[j] ? 0 : 1))
      diagonal = above
    }
  }
  return row[other.count]
}
