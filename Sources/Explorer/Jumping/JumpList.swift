/// Where jumps began, as editors keep it: back and forward.
struct JumpList: Equatable, Sendable {
  /// The rows, and what was opened of the tree on the way from each to where its jump led.
  private var jumps: [Jump] = []
  /// How many of the rows lie behind.
  private var position = 0

  private struct Jump: Equatable, Sendable {
    let row: RowID
    var opened: OpenedBranch?
  }

  private static let limit = 200

  var canGoBack: Bool { position > 0 }
  var canGoForward: Bool { position + 1 < jumps.count }

  /// Remembers where a jump begins; what lay ahead is forgotten.
  mutating func push(_ row: RowID) {
    jumps.removeSubrange(position...)
    if jumps.last?.row != row { jumps.append(Jump(row: row)) }
    if jumps.count > JumpList.limit { jumps.removeFirst() }
    position = jumps.count
  }

  /// Remembers what the jump that was made last opened.
  mutating func note(_ opened: OpenedBranch) {
    guard position > 0 else { return }
    let number = position - 1
    // Of a way that is found in several slices, the outermost branch comes first.
    jumps[number].opened = jumps[number].opened.map { $0.joined(with: opened) } ?? opened
  }

  /// The row before, and what the jump from there opened; `current` is what `forward` comes back to.
  mutating func back(from current: RowID) -> (row: RowID, opened: OpenedBranch?)? {
    guard canGoBack else { return nil }
    if position == jumps.count { jumps.append(Jump(row: current)) }
    position -= 1
    defer { jumps[position].opened = nil }
    return (jumps[position].row, jumps[position].opened)
  }

  mutating func forward() -> RowID? {
    guard canGoForward else { return nil }
    position += 1
    return jumps[position].row
  }
}
