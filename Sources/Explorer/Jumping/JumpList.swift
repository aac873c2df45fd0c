/// Where jumps began, as editors keep it: back and forward.
struct JumpList: Equatable, Sendable {
  private var rows: [RowID] = []
  /// How many of the rows lie behind.
  private var position = 0

  private static let limit = 200

  var canGoBack: Bool { position > 0 }
  var canGoForward: Bool { position + 1 < rows.count }

  /// Remembers where a jump begins; what lay ahead is forgotten.
  mutating func push(_ row: RowID) {
    rows.removeSubrange(position...)
    if rows.last != row { rows.append(row) }
    if rows.count > JumpList.limit { rows.removeFirst() }
    position = rows.count
  }

  /// The row before; `current` is what `forward` comes back to.
  mutating func back(from current: RowID) -> RowID? {
    guard canGoBack else { return nil }
    if position == rows.count { rows.append(current) }
    position -= 1
    return rows[position]
  }

  mutating func forward() -> RowID? {
    guard canGoForward else { return nil }
    position += 1
    return rows[position]
  }
}
