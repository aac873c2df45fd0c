import Canvas
import PageTables

extension Explorer {
  /// Cells that the addresses at the left take.
  static let mapLabelWidth = 20

  /// What the map's line says: the space, the scale, and what the cursor is on.
  var mapText: String {
    guard let map else { return "" }
    let label = mapSpaceNumber.map { tree.spaces[$0].label } ?? map.space.name
    let address = Numbers.grouped(map.address(map.cursor), in: map.space.scheme)
    let text = "\(label)   \(address)   a cell is \(ByteText.exact(map.cellLength))"
    let last = map.address(map.cursor &+ (map.cellLength &- 1))
    guard let found = guest[map.id]?.regions(from: map.address(map.cursor), through: last) else {
      return text
    }
    let more = found.others > 0 ? " and \(found.others) more" : ""
    return "\(text)   \(found.first.title(fitting: 30))\(more)"
  }

  /// The map of a space: addresses at the left, cells, and what the letters mean.
  func drawMap(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    let area = layout.list
    guard let map, let spaceNumber = mapSpaceNumber, area.width > 0 else { return }
    let left = Self.mapLabelWidth
    if !layout.header.isEmpty {
      canvas.put("from", x: 1, y: layout.header.y, style: theme[.header], width: max(0, width - 1))
      canvas.put(
        "\(ByteText.exact(map.rowLength)) a row", x: left, y: layout.header.y, style: theme[.header],
        width: max(0, width - left))
    }
    var contents = mapContents(map, spaceNumber: spaceNumber)
    for (number, line) in map.visibleRows(area.height, memory).enumerated() {
      let y = area.y + number
      if line.gap > 0 {
        let (first, last) = (map.address(line.start), map.address(line.start &+ (line.gap &- 1)))
        let isInRegion = guest[map.id]?.hasUserRegion(from: first, through: last) == true
        canvas.put(
          ByteText.rounded(line.gap) + (isInRegion ? " not present" : " unmapped"), x: left, y: y,
          style: theme[.dim],
          width: max(0, area.width - left))
        continue
      }
      canvas.put(
        Numbers.grouped(map.address(line.start), in: map.space.scheme), x: 1, y: y, style: theme[.address],
        width: max(0, area.width - 1))
      for (cell, content) in mapCells(map, spaceNumber: spaceNumber, row: line.start, &contents)
        .enumerated()
      {
        let isCursor = line.start &+ UInt64(cell) << UInt64(map.shift) == map.cursor
        canvas.put(
          content.sign, x: left + cell, y: y, style: isCursor ? theme[.selection] : style(of: content, theme),
          width: max(0, min(1, area.width - left - cell)))
      }
    }
    drawMapLegend(map, area, x: left + map.cellsInRow + 3, &canvas, theme)
  }

  private func style(of cell: MapCell, _ theme: Theme) -> Style {
    if cell.kind == .mirror { return theme[.mirror] }
    if let owner = cell.owner { return theme.owner(owner) }
    return switch cell.kind {
    case .absent, .region: theme[.dim]
    case .kernel: theme[.table]
    case .direct: theme[.directMap]
    case .user: theme[.permissionUser]
    case .mirror: theme[.mirror]
    case .other: theme[.marked]
    }
  }

  private func drawMapLegend(
    _ map: SpaceMap, _ area: Rectangle, x: Int, _ canvas: inout Canvas, _ theme: Theme
  ) {
    let lines: [(String, String, Role)] =
      [
        ("u", "user", .permissionUser), ("k", "kernel", .table), ("d", "direct map", .directMap),
        ("~", "mirror", .mirror), ("?", "marked, malformed", .marked), (".", "nothing", .dim),
        ("U K D", "in shared tables", .shared),
      ] + (guest[map.id] == nil ? [] : [("-", "region, absent", .dim)])
    let needed = 24
    guard area.width - x >= needed, area.height >= lines.count else { return }
    for (number, (sign, meaning, role)) in lines.enumerated() {
      canvas.put(Numbers.left(sign, 6), x: x, y: area.y + number, style: theme[role], width: area.width - x)
      canvas.put(meaning, x: x + 6, y: area.y + number, style: theme[.dim], width: max(0, area.width - x - 6))
    }
  }
}
