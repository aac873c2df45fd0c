import PageTables

/// What a jump opened of the tree, so that it can be closed again when one goes back.
struct OpenedBranch: Equatable, Sendable {
  /// The outermost row that was opened: all others lie below it.
  let outermost: RowID
  /// Bytes that it translates; nil for a space, which translates all.
  let length: UInt64?
  /// What was open below it before, out of sight, and what is open since.
  let before: Set<RowID>
  let after: Set<RowID>

  /// This one, and one that was opened later on the same way.
  func joined(with later: OpenedBranch) -> OpenedBranch {
    let isBelow = contains(later.outermost)
    return OpenedBranch(
      outermost: outermost, length: length, before: before, after: isBelow ? after.union(later.after) : after)
  }

  /// Whether a row is the outermost one, or lies below it.
  func contains(_ row: RowID) -> Bool {
    guard row.space == outermost.space, row.level >= outermost.level else { return false }
    guard let length else { return true }
    return row.virtual.value &- outermost.virtual.value < length
  }
}

extension TreeList {
  /// What is open now and was not before, with all that is open around it; nil where that is nothing.
  func opened(since before: Set<RowID>) -> OpenedBranch? {
    guard open.count > before.count else { return nil }
    let new = open.subtracting(before)
    // A group before the entries that it opens into, which lie at its level.
    guard let outermost = new.min(by: { ($0.level, $1.kind.rawValue) < ($1.level, $0.kind.rawValue) }) else {
      return nil
    }
    var length: UInt64?
    if outermost.level >= 0, let index = index(of: outermost) {
      let span = spaces[Int(rows[index].space)].scheme(at: rows[index].virtual).levels[outermost.level].span
      length = span &* UInt64(max(1, rows[index].count))
    }
    let branch = OpenedBranch(outermost: outermost, length: length, before: [], after: [])
    return OpenedBranch(
      outermost: outermost, length: length, before: before.filter(branch.contains),
      after: open.filter(branch.contains))
  }

  /// Closes what a jump opened, unless something there was opened or closed since.
  mutating func close(_ branch: OpenedBranch) {
    guard open.filter(branch.contains) == branch.after, let index = index(of: branch.outermost) else {
      return
    }
    close(at: index)
    open.subtract(branch.after)
    open.formUnion(branch.before)
  }
}
