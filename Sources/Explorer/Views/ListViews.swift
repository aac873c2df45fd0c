import Canvas

extension Explorer {
  /// The list of spaces, over the whole middle of the screen.
  func drawSpaces(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme) {
    let area = layout.list
    let rows = spacesList.order.map { SpacesList.cells(tree.spaces[$0]) }
    let titles = SpaceColumn.allCases.map { column -> String in
      guard spacesList.column == column else { return column.title }
      return column.title + (spacesList.isReversed ? " v" : " ^")
    }
    let end = min(rows.count, spacesList.top + area.height)
    let visible = spacesList.top < end ? Array(rows[spacesList.top..<end]) : []
    // Columns are as wide as what is visible needs, the name's at most a third of the screen.
    let widths = titles.indices.map { column in
      let widest = visible.reduce(titles[column].count) { max($0, CellText.width(of: $1[column])) }
      return column == 0 ? min(widest, max(12, area.width / 3)) : widest
    }
    func put(_ cells: [String], y: Int, role: Role) {
      var x = 2
      for (cell, width) in zip(cells, widths) where x < area.width {
        canvas.put(CellText.fitted(cell, to: width), x: x, y: y, style: theme[role], width: area.width - x)
        x += width + 2
      }
    }
    if !layout.header.isEmpty { put(titles, y: layout.header.y, role: .header) }
    for (offset, cells) in visible.enumerated() {
      let space = tree.spaces[spacesList.order[spacesList.top + offset]]
      put(cells, y: area.y + offset, role: space.found.isPossiblyStale ? .stale : .text)
      if spacesList.top + offset == spacesList.selection {
        canvas.restyle(
          Rectangle(x: 0, y: area.y + offset, width: area.width, height: 1), to: theme[.selection])
      }
    }
    if rows.isEmpty {
      canvas.put("no space passes the filter", x: 2, y: area.y, style: theme[.dim], width: area.width)
    }
  }

  /// A page of text, over the whole middle of the screen.
  func drawPage(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme) {
    guard let page else { return }
    let area = layout.list
    if !layout.header.isEmpty {
      let last = min(page.lines.count, page.top + area.height)
      let place =
        page.lines.count > area.height ? "   lines \(page.top + 1) to \(last) of \(page.lines.count)" : ""
      canvas.put(
        page.title + place, x: 2, y: layout.header.y, style: theme[.header], width: max(0, width - 2))
    }
    let needle = query.lowercased()
    for (offset, line) in page.lines.dropFirst(page.top).prefix(area.height).enumerated() {
      let y = area.y + offset
      canvas.put(line, x: 2, y: y, width: max(0, area.width - 2), theme: theme)
      if !needle.isEmpty, line.text.lowercased().contains(needle) {
        canvas.restyle(Rectangle(x: 2, y: y, width: area.width - 2, height: 1), adding: theme[.match])
      }
    }
  }
}
