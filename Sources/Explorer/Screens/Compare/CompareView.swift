import Canvas
import PageTables

extension Explorer {
  /// Two spaces on one spine of addresses: what the left one has, how that compares, what the right one has.
  func drawComparison(
    _ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let area = compareArea
    guard let comparison, let numbers = comparedNumbers else { return }
    drawCompareLegend(y: area.bottom, width: layout.list.width, isThere: area != layout.list, &canvas, theme)
    let (left, right) = (tree.spaces[numbers.left], tree.spaces[numbers.right])
    let places = ComparePlaces(width: area.width, levels: max(left.mostLevels, right.mostLevels))
    if !layout.header.isEmpty {
      let (y, style) = (layout.header.y, theme[.header])
      canvas.put("  slot  virtual address", x: 0, y: y, style: style, width: places.left - 1)
      let before = comparison.before
      canvas.put(
        before?.name ?? left.label, x: places.left, y: y, style: theme.owner(numbers.left), width: places.side
      )
      canvas.put(
        before == nil ? right.label : "now", x: places.right, y: y, style: theme.owner(numbers.right),
        width: places.side)
      canvas.put(
        "what it is", x: places.remark, y: y, style: style, width: max(0, area.right - places.remark))
    }
    for (line, row) in comparison.rows.dropFirst(comparison.top).prefix(area.height).enumerated() {
      let y = area.y + line
      let scheme = (row.left.isPresent ? left : right).scheme(at: row.virtual)
      draw(row, y, places, numbers, scheme, area, &canvas, theme, glyphs)
      if comparison.top + line == comparison.selection {
        canvas.restyle(Rectangle(x: 0, y: y, width: area.width, height: 1), to: theme[.selection])
      }
    }
    if comparison.rows.isEmpty {
      canvas.put("neither maps anything", x: 2, y: area.y, style: theme[.dim], width: area.width)
    }
  }

  /// Where the rows are: what the signs mean has a line below them, where there is room.
  var compareArea: Rectangle {
    let area = layout.list
    return area.height < 6 ? area : area.split(bottom: 1).rest
  }

  private func drawCompareLegend(
    y: Int, width: Int, isThere: Bool, _ canvas: inout Canvas, _ theme: Theme
  ) {
    guard isThere else { return }
    var x = 1
    for (sign, role, meaning) in [
      ("==", Role.shared, "same table"), ("=", .shared, "same frames"), ("/", .warning, "different"),
      ("<", .marked, "only left"), (">", .marked, "only right"),
    ] {
      let end = x + sign.count + 1 + meaning.count
      guard end <= width else { return }
      canvas.put(sign, x: x, y: y, style: theme[role], width: sign.count)
      canvas.put(meaning, x: x + sign.count + 1, y: y, style: theme[.dim], width: meaning.count)
      x = end + 3
    }
  }

  private func draw(
    _ row: CompareRow, _ y: Int, _ places: ComparePlaces, _ numbers: (left: Int, right: Int),
    _ scheme: PagingScheme, _ area: Rectangle, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let x = 1 + 2 * row.indent
    if row.isOpenable, !row.isShare {
      let sign = row.isOpen ? glyphs.expanded : glyphs.collapsed
      canvas.put(String(Character(sign)), x: x, y: y, style: theme[.dim], width: 1)
    }
    if case .everybodys(let tables) = row.kind {
      let text = "kernel half, as everybody: \(tables == 1 ? "1 table" : "\(tables) tables")"
      canvas.put(text, x: x + 6, y: y, style: theme[.dim], width: max(0, area.width - x - 6))
      return
    }
    let address =
      Numbers.grouped(row.virtual, in: scheme) + (row.count > 1 ? " \(glyphs.folded)\(row.count)" : "")
    canvas.put(
      Numbers.right("\(row.slot)", 3) + " " + address, x: x + 2, y: y, style: theme[.text],
      width: max(0, places.left - x - 3))
    for (side, column) in [(row.left, places.left), (row.right, places.right)] {
      let (text, role) = self.text(of: side, level: row.level, scheme)
      canvas.put(
        CellText.fitted(text, to: places.side), x: column, y: y, style: theme[role], width: places.side)
    }
    let (sign, role) = sign(of: row)
    canvas.put(sign, x: places.sign, y: y, style: theme[role], width: 2)
    let remark = remark(on: row, numbers, scheme)
    canvas.put(
      CellText.fitted(remark, to: max(0, area.right - places.remark)), x: places.remark, y: y,
      style: theme[row.isShare ? .shared : .dim], width: max(0, area.right - places.remark))
  }

  private func text(
    of side: SubtreeComparison.Side, level: Int, _ scheme: PagingScheme
  ) -> (String, Role) {
    switch side.kind {
    case .table: ("\(scheme.levels[level + 1].name) \(Numbers.hex(side.address))", .table)
    case .leaf: (Numbers.hex(side.address), level + 1 < scheme.levels.count ? .hugePage : .leaf)
    case .marked: ("marked", .marked)
    case .malformed: ("malformed", .malformed)
    case .absent: ("-", .absent)
    }
  }

  private func sign(of row: CompareRow) -> (String, Role) {
    switch row.relation {
    case .sameTable: ("==", .shared)
    case .sameFrames: ("=", .shared)
    case .different: ("/", .warning)
    case .onlyLeft: ("<", .marked)
    case .onlyRight: (">", .marked)
    case .unknown: ("?", .dim)
    }
  }

  /// What lies there, by the guest's name of either side, and how much of it compares how.
  private func remark(
    on row: CompareRow, _ numbers: (left: Int, right: Int), _ scheme: PagingScheme
  ) -> String {
    var parts: [String] = []
    if row.isShare { parts.append("shared in particular") }
    let last = VirtualAddress(
      row.virtual.value &+ (scheme.levels[row.level].span &* UInt64(row.count) &- 1))
    let names = (row.left.isPresent ? [numbers.left] : []) + (row.right.isPresent ? [numbers.right] : [])
    for number in names where parts.isEmpty || row.isShare {
      if let found = guest[tree.spaces[number].id]?.regions(from: row.virtual, through: last) {
        parts.append(found.first.title(fitting: 24) + (found.others > 0 ? " +\(found.others)" : ""))
        break
      }
    }
    if row.relation == .unknown { parts.append("the same so far; Enter looks further") }
    if row.relation == .different, row.isOpenable {
      let bytes = row.bytes
      func part(_ count: UInt64, _ text: String) {
        if count > 0 { parts.append("\(ByteText.rounded(count)) \(text)") }
      }
      part(bytes.same, "same")
      part(bytes.different, "different")
      part(bytes.onlyLeft, "left only")
      part(bytes.onlyRight, "right only")
      if bytes.isCut { parts.append("..") }
    }
    return parts.joined(separator: ", ")
  }
}

/// Where the columns of a comparison stand.
private struct ComparePlaces {
  let left: Int
  let sign: Int
  let right: Int
  let remark: Int
  /// Cells of a side.
  let side = 16

  init(width: Int, levels: Int) {
    left = min(24 + 2 * levels, max(20, width - 42))
    sign = left + side + 1
    right = sign + 3
    remark = right + side + 1
  }
}
