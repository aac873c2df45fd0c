/// Where jumps began, as editors keep it: back and forward.
struct JumpList: Equatable, Sendable {
  /// The rows, and what was opened of the tree on the way from each to where its jump led.
  private var jumps: [Jump] = []
  /// How many of the rows lie behind.
  private var position = 0

  struct Jump: Equatable, Sendable {
    let row: RowID
    /// The list that it was made from, if it was.
    fileprivate(set) var list: Screen.ID?
    fileprivate(set) var opened: OpenedBranch?
  }

  private static let limit = 200

  var canGoBack: Bool { position > 0 }
  var canGoForward: Bool { position + 1 < jumps.count }

  /// Remembers where a jump begins; what lay ahead is forgotten.
  mutating func push(_ row: RowID, list: Screen.ID?) {
    jumps.removeSubrange(position...)
    if jumps.last?.row != row { jumps.append(Jump(row: row)) }
    jumps[jumps.count - 1].list = list
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

  /// The jump before, with what it opened; `current` is what `forward` comes back to.
  mutating func back(from current: RowID) -> Jump? {
    guard canGoBack else { return nil }
    if position == jumps.count { jumps.append(Jump(row: current)) }
    position -= 1
    defer { jumps[position].opened = nil }
    return jumps[position]
  }

  mutating func forward() -> RowID? {
    guard canGoForward else { return nil }
    position += 1
    return jumps[position].row
  }
}
