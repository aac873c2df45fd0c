import Canvas
import PageTables

/// Rows of the tree where there is no room for the columns of sizes and rights.
extension Explorer {
  /// What lies below a space, as badges; nothing of what is most likely no space any more.
  func spaceBadges(_ row: TreeRow, _ space: TreeSpace, _ glyphs: Glyphs) -> [Badge] {
    guard let index, !space.found.isPossiblyStale else { return [] }
    var content = index.content(ofSpace: Int(row.space))
    if !index.census.kernels.contains(Int(row.space)) { content.mirroring = ParticularItems.Tally() }
    return badges(for: content, spaceNumber: Int(row.space), glyphs)
  }

  /// Puts what a row maps to, and the signs of its badges behind it; a level's name gives way to them. False, and
  /// nothing is put, where there are none.
  func drawTarget(
    _ text: String, _ role: Role, _ badges: [Badge], x: Int, y: Int, width: Int, _ canvas: inout Canvas,
    _ theme: Theme
  ) -> Bool {
    guard !badges.isEmpty, width > 0 else { return false }
    let signs = badges.reduce(0) { $0 + 1 + CellText.width(of: $1.sign) }
    let address = text.split(separator: " ").last.map(String.init) ?? text
    let shown = CellText.width(of: text) + signs <= width ? text : address
    var column = canvas.put(
      CellText.fitted(shown, to: width), x: x, y: y, style: theme[role], width: width)
    for badge in badges where column + 1 + CellText.width(of: badge.sign) <= x + width {
      column = canvas.put(
        badge.sign, x: column + 1, y: y, style: style(of: badge.look, theme), width: x + width - column - 1)
    }
    return true
  }
}
