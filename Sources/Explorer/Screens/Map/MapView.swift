import Canvas
import PageTables

extension Explorer {
  /// Cells that the addresses at the left take.
  static let mapLabelWidth = 20

  /// Where the picture lies, and what its letters mean, below it.
  var mapAreas: (cells: Rectangle, legend: Rectangle) {
    let area = layout.list
    let parts = area.split(bottom: area.height >= 16 ? 3 : area.height >= 8 ? 2 : 0)
    return (parts.rest, parts.bottom)
  }

  /// What the map's line says: the space, the scale, and what the cursor is on.
  var mapText: String {
    guard let map else { return "" }
    let label = mapSpaceNumber.map { tree.spaces[$0].label } ?? map.space.name
    if let cut = map.cutAtCursor { return "\(label)   \(text(of: cut)); Enter shows it" }
    let address = Numbers.grouped(map.address(map.cursor), in: map.space.scheme)
    let part = map.showsEverybodys ? "   as everybody" : ""
    let text = "\(label)\(part)   \(address)   a cell is \(ByteText.exact(map.cellLength))"
    let name = name(of: map.rows.cell(at: map.cursor), map, room: 60)
    return name.isEmpty ? text : "\(text)   \(name)"
  }

  /// The map of a space: addresses at the left, cells, what the guest calls them, and what the letters mean.
  func drawMap(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    let (area, legend) = mapAreas
    guard let map, let spaceNumber = mapSpaceNumber, area.width > 0 else { return }
    let left = Self.mapLabelWidth
    if !layout.header.isEmpty {
      canvas.put("from", x: 1, y: layout.header.y, style: theme[.header], width: max(0, width - 1))
      canvas.put(
        "\(ByteText.exact(map.rowLength)) a row", x: left, y: layout.header.y, style: theme[.header],
        width: max(0, width - left))
    }
    var contents = mapContents(map, spaceNumber: spaceNumber)
    var shown: [MapCell] = []
    for (number, line) in map.visibleRows(area.height, memory).enumerated() {
      let y = area.y + number
      switch line.kind {
      case .gap: drawGap(line.stretch, map, x: left, y: y, &canvas, theme)
      case .cut(let cut):
        let isCursor = map.cursor == cut.start
        canvas.put(
          Numbers.grouped(map.address(cut.start), in: map.space.scheme), x: 1, y: y, style: theme[.address],
          width: max(0, area.width - 1))
        canvas.put(
          CellText.fitted(".. \(text(of: cut)) ..", to: max(0, area.width - left)), x: left, y: y,
          style: theme[isCursor ? .selection : .text], width: max(0, area.width - left))
      case .cells:
        canvas.put(
          Numbers.grouped(map.address(line.stretch.lowerBound), in: map.space.scheme), x: 1, y: y,
          style: theme[.address], width: max(0, area.width - 1))
        let cells = mapCells(map, spaceNumber: spaceNumber, row: line.stretch, &contents)
        for (cell, content) in cells.enumerated() {
          let isCursor = line.stretch.lowerBound &+ UInt64(cell) << UInt64(map.rows.shift) == map.cursor
          canvas.put(
            content.sign, x: left + cell, y: y,
            style: isCursor ? theme[.selection] : style(of: content, theme),
            width: max(0, min(1, area.width - left - cell)))
          if !shown.contains(where: { $0.sign == content.sign }) { shown.append(content) }
        }
        let column = left + (1 << map.rows.rowBits) + 1
        let room = area.width - column
        guard room >= 6 else { continue }
        canvas.put(name(of: line.stretch, map, room: room), x: column, y: y, style: theme[.dim], width: room)
      }
    }
    drawMapLegend(shown, legend, &canvas, theme)
  }

  private func drawGap(
    _ gap: Range<UInt64>, _ map: SpaceMap, x: Int, y: Int, _ canvas: inout Canvas, _ theme: Theme
  ) {
    // A region that nothing of is there makes no terabyte of nothing its own.
    let inRegions = map.regions.touching(gap).prefix(64).lazy.filter(\.isUsers).reduce(UInt64(0)) {
      $0 &+ (min($1.last, gap.upperBound - 1) - max($1.start, gap.lowerBound))
    }
    let what = inRegions > (gap.upperBound - gap.lowerBound) / 2 ? "not present" : "unmapped"
    let size = ByteText.rounded(gap.upperBound - gap.lowerBound)
    canvas.put(".. \(size) \(what) ..", x: x, y: y, style: theme[.dim], width: max(0, width - x))
  }

  private func text(of cut: MapRows.Cut) -> String {
    guard let everybodys = cut.everybodys else { return "its own half" }
    return "kernel half, as everybody" + everybodys.countText
  }

  /// The first region of some addresses that has something there, and how many others they touch.
  private func name(of stretch: Range<UInt64>, _ map: SpaceMap, room: Int) -> String {
    let touched = map.regions.touching(stretch)
    let present = touched.filter(\.isPresent)
    guard let first = present.first ?? touched.first else { return "" }
    let others = (present.isEmpty ? touched.count : present.count) - 1
    let permissions = first.region.permissions.map { " " + CellText.visible(String($0.prefix(4))) } ?? ""
    let more = others > 0 ? " +\(others)" : ""
    for end in [permissions + more, more] where room - CellText.width(of: end) >= 8 {
      return first.region.title(fitting: room - CellText.width(of: end)) + end
    }
    return first.region.title(fitting: room)
  }

  private func style(of cell: MapCell, _ theme: Theme) -> Style {
    if cell.kind == .mirror { return theme[.mirror] }
    if let owner = cell.owner { return theme.owner(owner) }
    return switch cell.kind {
    case .absent, .region: theme[.dim]
    case .kernel: theme[.table]
    case .direct: theme[.directMap]
    case .user:
      switch cell.region {
      case .heap: theme[.permissionWrite]
      case .stack: theme[.hugePage]
      case .anonymous: theme[.text]
      default: theme[.permissionUser]
      }
    case .mirror: theme[.mirror]
    case .other: theme[.marked]
    }
  }

  /// The letters that are on the screen, in words.
  private func drawMapLegend(
    _ shown: [MapCell], _ area: Rectangle, _ canvas: inout Canvas, _ theme: Theme
  ) {
    guard area.height >= 2 else { return }
    var (x, y) = (1, area.y + 1)
    let signs = shown.sorted { ($0.kind == .absent ? 1 : 0, $0.sign) < ($1.kind == .absent ? 1 : 0, $1.sign) }
    for cell in signs {
      let text = cell.meaning + (cell.owner != nil ? ", shared" : "")
      let needed = 2 + text.count
      if x + needed > area.width {
        (x, y) = (1, y + 1)
        guard y < area.bottom, x + needed <= area.width else { return }
      }
      canvas.put(cell.sign, x: x, y: y, style: style(of: cell, theme), width: 1)
      canvas.put(text, x: x + 2, y: y, style: theme[.dim], width: area.width - x - 2)
      x += needed + 3
    }
  }
}

extension EverybodysStretch {
  /// `: 69 tables, 60 of them empty`; nothing where there are none.
  var countText: String {
    guard tables > 0 else { return "" }
    return ": " + (tables == 1 ? "1 table" : "\(tables) tables")
      + (emptyTables > 0 ? ", \(emptyTables) of them empty" : "")
  }
}
