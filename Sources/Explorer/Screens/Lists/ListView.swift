import Canvas

extension Explorer {
  /// A list, over the whole middle of the screen.
  ///
  /// - Parameter sign: what stands at the left edge of a row.
  func drawList(
    _ list: RowList, sign: (@Sendable (Explorer, Int) -> String?)?, _ layout: ScreenLayout,
    _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let area = layout.list
    let columns = list.content.columns
    let rows = list.visibleCells(in: area)
    let titles = list.titles
    let widths = list.widths(of: rows, in: area.width)
    // Below these a column is left out.
    let leastWidths = columns.indices.map { column in
      let widest = rows.reduce(0) { $1.isEmpty ? $0 : max($0, CellText.width(of: $1[column])) }
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
      let y = area.y + offset
      defer {
        if list.top + offset == list.selection {
          canvas.restyle(Rectangle(x: 0, y: y, width: area.width, height: 1), to: theme[.selection])
        }
      }
      guard let row = list.row(at: list.top + offset) else {
        guard let fold = list.fold(at: list.top + offset) else { continue }
        let sign = Character(list.isOpen(fold: fold) ? glyphs.expanded : glyphs.collapsed)
        canvas.put("\(sign)", x: 0, y: y, style: theme[.dim], width: 1)
        let text = list.content.folds[fold].text
        canvas.put(text, x: 2, y: y, width: max(0, area.width - 2), theme: theme)
        continue
      }
      var x = 2
      for (number, text) in cells.enumerated() where x < area.width {
        put(text, number, x, y, style(of: columns[number].look(row), theme))
        x += widths[number] + 2
      }
      if let sign = sign?(self, row) { canvas.put(sign, x: 0, y: y, style: theme[.dim], width: 1) }
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
}

extension RowList {
  /// The titles of the columns; the one that is sorted by says which way.
  fileprivate var titles: [String] {
    content.columns.enumerated().map { number, column in
      guard sortColumn == number else { return column.title }
      return column.title + (isReversed ? " v" : " ^")
    }
  }

  /// The cells of the rows on the screen, in short where the whole texts do not fit; none where a row stands for a
  /// fold.
  fileprivate func visibleCells(in area: Rectangle) -> [[String]] {
    func cells(_ text: (ListColumn, Int) -> String) -> [[String]] {
      (top..<max(top, min(shown.count, top + area.height))).map { place in
        row(at: place).map { row in content.columns.map { text($0, row) } } ?? []
      }
    }
    let whole = cells { $0.shown($1) }
    guard content.columns.contains(where: { $0.inShort != nil }),
      widths(of: whole, in: area.width).reduce(0, { $0 + $1 + 2 }) > area.width
    else { return whole }
    return cells { $0.inShort?($1) ?? $0.shown($1) }
  }

  /// Columns are as wide as what is visible needs; where that is too much, texts give way.
  fileprivate func widths(of rows: [[String]], in width: Int) -> [Int] {
    let titles = titles
    return titles.indices.map { column in
      let widest = rows.reduce(titles[column].count) {
        $1.isEmpty ? $0 : max($0, CellText.width(of: $1[column]))
      }
      switch content.columns[column].values {
      case .texts where column == 0, .names where column == 0: return min(widest, max(12, width / 3))
      case .names: return min(widest, max(10, width / 5))
      default: return widest
      }
    }
  }

  /// What the columns that the screen has no room for say of the selected row, as far as `room` cells hold it: the other
  /// end of a mirror should not need a wider terminal.
  func hiddenCells(in area: Rectangle, room: Int) -> String {
    guard let row = selectedRow else { return "" }
    let columns = content.columns
    var start = 2
    // Addresses first: they tell where, and names can be looked up.
    var (addresses, texts): ([(title: String, text: String)], [(title: String, text: String)]) = ([], [])
    for (column, width) in zip(columns, widths(of: visibleCells(in: area), in: area.width)) {
      defer { start += width + 2 }
      let text = column.shown(row)
      guard !text.isEmpty, start + CellText.width(of: text) > area.width else { continue }
      if case .addresses = column.values {
        addresses.append((column.title, text))
      } else {
        texts.append((column.title, text))
      }
    }
    let hidden = addresses + texts
    let titled = hidden.map { "\($0.title) \($0.text)" }.joinedWhole(by: "  ", within: max(0, room))
    guard titled.isEmpty, let first = hidden.first else { return titled }
    return CellText.width(of: first.text) <= room ? first.text : ""
  }

  /// The column whose title stands at a cell of the screen.
  func column(at x: Int, in area: Rectangle) -> Int? {
    var start = 2
    for (column, width) in widths(of: visibleCells(in: area), in: area.width).enumerated() {
      if x >= start, x < start + width { return column }
      start += width + 2
    }
    return nil
  }
}
