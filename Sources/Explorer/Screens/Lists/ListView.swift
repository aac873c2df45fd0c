import Canvas

extension Explorer {
  /// A list, over the whole middle of the screen.
  ///
  /// - Parameter sign: what stands at the left edge of a row.
  func drawList(
    _ list: RowList, sign: (@Sendable (Explorer, Int) -> String?)?, _ layout: ScreenLayout,
    _ canvas: inout Canvas, _ theme: Theme
  ) {
    let area = layout.list
    let columns = list.content.columns
    let rows = list.shown.dropFirst(list.top).prefix(area.height).map { row in
      columns.map { $0.shown(Int(row)) }
    }
    let titles = columns.enumerated().map { number, column -> String in
      guard list.sortColumn == number else { return column.title }
      return column.title + (list.isReversed ? " v" : " ^")
    }
    let widths = widths(of: list, titles, rows, in: area.width)
    // Below these a column is left out.
    let leastWidths = columns.indices.map { column in
      let widest = rows.reduce(0) { max($0, CellText.width(of: $1[column])) }
      return max(min(widest, columns[column].leastWidth), min(titles[column].count, 4))
    }
    if !layout.header.isEmpty {
      var x = 2
      for (number, title) in titles.enumerated() where x < area.width {
        put(title, number, x, layout.header.y, theme[.header])
        x += widths[number] + 2
      }
    }
    func put(_ text: String, _ column: Int, _ x: Int, _ y: Int, _ style: Style) {
      let room = min(widths[column], area.width - x)
      guard room >= leastWidths[column] else { return }
      let fitted = CellText.fitted(text, to: room)
      let indent = columns[column].isRight ? room - CellText.width(of: fitted) : 0
      canvas.put(fitted, x: x + indent, y: y, style: style, width: area.width - x - indent)
    }
    for (offset, cells) in rows.enumerated() {
      let row = Int(list.shown[list.top + offset])
      let y = area.y + offset
      var x = 2
      for (number, text) in cells.enumerated() where x < area.width {
        put(text, number, x, y, style(of: columns[number].look(row), theme))
        x += widths[number] + 2
      }
      if let sign = sign?(self, row) { canvas.put(sign, x: 0, y: y, style: theme[.dim], width: 1) }
      if list.top + offset == list.selection {
        canvas.restyle(Rectangle(x: 0, y: y, width: area.width, height: 1), to: theme[.selection])
      }
    }
    guard rows.isEmpty else { return }
    let text =
      list.isWorking
      ? "looking .." : list.filter.isEmpty ? list.content.emptyText : "no row passes the filter"
    canvas.put(
      CellText.fitted(text, to: max(0, area.width - 3)), x: 2, y: area.y, style: theme[.dim],
      width: max(0, area.width - 2))
  }

  func style(of look: ListColumn.Look, _ theme: Theme) -> Style {
    switch look {
    case .role(let role): theme[role]
    case .owner(let spaceNumber): theme.owner(spaceNumber)
    }
  }

  /// Columns are as wide as what is visible needs; where that is too much, texts give way.
  private func widths(
    of list: RowList, _ titles: [String], _ rows: [[String]], in width: Int
  ) -> [Int] {
    titles.indices.map { column in
      let widest = rows.reduce(titles[column].count) { max($0, CellText.width(of: $1[column])) }
      switch list.content.columns[column].values {
      case .texts where column == 0, .names where column == 0: return min(widest, max(12, width / 3))
      case .names: return min(widest, max(10, width / 5))
      default: return widest
      }
    }
  }
}
