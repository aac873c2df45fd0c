import Canvas
import PageTables

/// The rows that the first one on the screen lies below: they stay in sight while one scrolls.
extension Explorer {
  /// Screens with fewer lines have none to spare.
  private static let leastHeight = 12

  /// How many lines they take at the top of the tree when it begins with a row.
  func ancestorLines(from top: Int) -> Int {
    let height = layout.tree.height
    guard height >= Self.leastHeight, tree.rows.indices.contains(top) else { return 0 }
    for line in 0..<height / 2 where tree.rows.indices.contains(top + line) {
      // As many lines as are covered, or fewer.
      let depth = Int(tree.rows[top + line].level) + 1
      if depth <= line { return depth }
    }
    return 0
  }

  /// The rows themselves, outermost first, made anew: to find them in a long tree would take too long.
  func ancestors(of row: TreeRow) -> [TreeRow] {
    let space = tree.spaces[Int(row.space)]
    var rows = [tree.row(of: space, at: Int(row.space))]
    rows[0].isOpen = true
    guard row.level > 0 else { return row.level == 0 ? rows : [] }
    var rights = Rights.all
    for step in tree.steps(to: row).prefix(Int(row.level)) {
      let level = space.scheme(at: row.virtual).levels[step.level]
      rights.formIntersection(space.scheme(at: row.virtual).rights(passing: step))
      var entry = rows[0]
      entry.kind = .entry
      entry.indent = UInt8(truncatingIfNeeded: step.level + 1)
      entry.level = Int8(truncatingIfNeeded: step.level)
      entry.rights = rights
      entry.entryKind = level.format.kind(of: step.raw)
      entry.slot = Int32(truncatingIfNeeded: step.slot)
      entry.raw = step.raw
      entry.virtual = space.scheme(at: row.virtual).continued(row.virtual.value & ~(level.span &- 1))
      entry.table = step.table
      entry.address = level.format.tableAddress.address(in: step.raw)
      rows.append(entry)
    }
    return rows
  }

  /// The row that a line of the tree shows where that is one of those above; nil where it is a row of its own.
  func ancestor(atLine line: Int) -> TreeRow? {
    let count = ancestorLines(from: top)
    guard line < count, tree.rows.indices.contains(top + count) else { return nil }
    let rows = ancestors(of: tree.rows[top + count])
    return rows.indices.contains(line) ? rows[line] : nil
  }

  /// Moves the tree so that none of them hides the selection.
  mutating func uncoverSelection() {
    while top > 0, selection < top + ancestorLines(from: top) { top -= 1 }
  }
}
