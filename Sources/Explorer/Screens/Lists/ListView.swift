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
    let places = list.places(of: rows, in: area.width)
    if !layout.header.isEmpty {
      for place in places { put(titles[place.column], place, layout.header.y, theme[.header]) }
    }
    func put(_ text: String, _ place: RowList.ColumnPlace, _ y: Int, _ style: Style) {
      let room = min(place.width, area.width - place.x)
      let fitted = CellText.fitted(text, to: room)
      let indent = columns[place.column].isRight ? room - CellText.width(of: fitted) : 0
      canvas.put(fitted, x: place.x + indent, y: y, style: style, width: area.width - place.x - indent)
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
      for place in places {
        put(cells[place.column], place, y, style(of: columns[place.column].look(row), theme))
      }
      if let sign = sign?(self, row) { canvas.put(sign, x: 0, y: y, style: theme[.dim], width: 1) }
    }
    guard rows.isEmpty else {
      drawHiddenCells(of: list, below: rows.count, area, &canvas, theme)
      return
    }
    let text =
      list.isWorking
      ? "looking .." : list.filter.isEmpty ? list.content.emptyText : "no row passes the filter"
    canvas.put(
      CellText.fitted(text, to: max(0, area.width - 3)), x: 2, y: area.y, style: theme[.dim],
      width: max(0, area.width - 2))
  }

  /// What there is no column for of the selected row, at the bottom of a list that leaves room there.
  private func drawHiddenCells(
    of list: RowList, below rows: Int, _ area: Rectangle, _ canvas: inout Canvas, _ theme: Theme
  ) {
    guard list.hasRoomForHiddenCells(in: area) else { return }
    let text = list.hiddenCells(in: area, room: area.width - 3)
    canvas.put(text, x: 2, y: area.bottom - 1, style: theme[.text], width: max(0, area.width - 2))
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

  /// Where a column stands.
  struct ColumnPlace {
    let column: Int
    let x: Int
    let width: Int
  }

  /// The columns that there is room for, from left to right. The one that is sorted by is among them, in place of others.
  fileprivate func places(of rows: [[String]], in width: Int) -> [ColumnPlace] {
    let widths = widths(of: rows, in: width)
    let titles = titles
    // Below this a column is left out.
    func least(_ column: Int) -> Int {
      let widest = rows.reduce(0) { $1.isEmpty ? $0 : max($0, CellText.width(of: $1[column])) }
      return max(min(widest, content.columns[column].leastWidth), min(titles[column].count, 4))
    }
    var places: [ColumnPlace] = []
    var x = 2
    let sorted = sortColumn.map { ($0, widths[$0] + 2) }
    for column in titles.indices where x < width {
      // Room that the column which is sorted by needs behind this one.
      let kept = sorted.map { column < $0.0 && x + widths[column] + 2 + $0.1 > width ? $0.1 : 0 } ?? 0
      if kept > 0, column > 0 { continue }
      if min(widths[column], width - x) >= least(column) {
        places.append(ColumnPlace(column: column, x: x, width: widths[column]))
      }
      x += widths[column] + 2
    }
    return places
  }

  /// Whether the list ends above its last line.
  func hasRoomForHiddenCells(in area: Rectangle) -> Bool {
    !isWorking && shown.count < area.height - 1
  }

  /// What the columns that the screen has no room for say of the selected row, as far as `room` cells hold it: the other
  /// end of a mirror should not need a wider terminal.
  func hiddenCells(in area: Rectangle, room: Int) -> String {
    guard let row = selectedRow else { return "" }
    let places = places(of: visibleCells(in: area), in: area.width)
    // Addresses first: they tell where, and names can be looked up.
    var (addresses, texts): ([String], [String]) = ([], [])
    for (number, column) in content.columns.enumerated() {
      let text = column.shown(row)
      let place = places.first { $0.column == number }
      if text.isEmpty { continue }
      if let place, place.x + CellText.width(of: text) <= area.width { continue }
      let titled = "\(column.title) \(text)"
      if case .addresses = column.values { addresses.append(titled) } else { texts.append(titled) }
    }
    return (addresses + texts).joinedWhole(by: "   ", within: max(0, room))
  }

  /// The column whose title stands at a cell of the screen.
  func column(at x: Int, in area: Rectangle) -> Int? {
    places(of: visibleCells(in: area), in: area.width).first { $0.x <= x && x < $0.x + $0.width }?.column
  }
}
