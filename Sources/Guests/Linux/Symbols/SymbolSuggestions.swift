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
    let wished = wish.utf8.map(EditDistance.lowercased)
    guard (2...64).contains(wished.count) else { return [] }
    // With a third of its letters wrong it is a different name.
    let most = max(1, wished.count / 3)
    // How many, at most, one differs in that is closer than those that are known.
    var reach = most
    var found: [(name: String, distance: Int)] = []
    var rows = EditDistance(wished, reach: reach)
    for index in 0..<count {
      let missing = nameLength(at: index) - wished.count
      guard missing >= -reach else { continue }
      let isLonger = missing > 0 && begins(at: index, with: wished)
      guard isLonger || missing <= reach else { continue }
      let name = letters(at: index)
      // Omitting the end of a name is not an error.
      let distance = isLonger ? (missing > most ? 1 : 0) : rows.distance(to: name)
      guard distance <= reach else { continue }
      let text = String(decoding: name, as: UTF8.self)
      guard !found.contains(where: { $0.name == text }) else { continue }
      found.append((text, distance))
      guard found.count >= limit else { continue }
      found.sort { ($0.distance, $0.name.utf8.count, $0.name) < ($1.distance, $1.name.utf8.count, $1.name) }
      if found.count > limit { found.removeLast() }
      guard let worst = found.last?.distance, worst < reach else { continue }
      reach = worst
      rows = EditDistance(wished, reach: reach)
    }
    return found.sorted { ($0.distance, $0.name.utf8.count) < ($1.distance, $1.name.utf8.count) }.map(\.name)
  }
}
