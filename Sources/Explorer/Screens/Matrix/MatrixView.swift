import Canvas
import PageTables

/// Where the parts of the picture lie.
struct MatrixAreas {
  let cells: Rectangle
  /// Below the cells; empty where there is no room.
  let legend: Rectangle
  /// The columns that the legend lists, the selected one among them.
  let listedColumns: Range<Int>
}

extension Explorer {
  /// Rows from which on a picture has room for a legend of signs as well.
  private static let legendMinimum = 10

  var matrixAreas: MatrixAreas {
    let (area, matrix) = (layout.list, matrix)
    let whole = MatrixAreas(
      cells: area, legend: Rectangle(x: 0, y: area.y, width: 0, height: 0), listedColumns: 0..<0)
    guard index != nil, area.height >= 5 else { return whole }
    guard area.height >= Self.legendMinimum else {
      let parts = area.split(bottom: 1)
      return MatrixAreas(
        cells: parts.rest, legend: parts.bottom, listedColumns: matrix.column..<matrix.column + 1)
    }
    // Room that the spaces do not need is the legend's; the selected column may take two lines more.
    let room = max(area.height / 3, area.height - matrix.spaceNumbers.count - 1)
    let isEmpty = matrix.columnCount == 1
    let listed = max(1, min(matrix.columnCount, room - 3))
    let parts = area.split(bottom: min(room, listed + 3 + (isEmpty ? 1 : 0)))
    let first = max(0, min(matrix.column - listed / 2, matrix.columnCount - listed))
    return MatrixAreas(cells: parts.rest, legend: parts.bottom, listedColumns: first..<first + listed)
  }

  /// The cell under the cursor, in words.
  var matrixText: String {
    guard index != nil else { return "the sharing matrix" }
    guard let spaceNumber = matrixSpaceNumber else { return "there is no space" }
    let cell = matrixCell(space: spaceNumber, column: matrix.column)
    let space = tree.spaces[spaceNumber]
    let addresses = cell.addresses.prefix(2).map { Numbers.grouped($0, in: space.scheme) }
    guard let share = matrixShare(ofColumn: matrix.column) else {
      let has =
        switch cell.kind {
        case .absent: "has nothing of what everybody has"
        case .partOfEverybodys: "has a part of what everybody has"
        default: "has what everybody has"
        }
      return "\(space.label) \(has)" + (addresses.first.map { ", from \($0) on" } ?? "")
    }
    let table = "\(matrix.label(ofColumn: matrix.column)), \(tableName(of: share))"
    guard cell.kind != .absent else { return "\(space.label) does not have share \(table)" }
    let more = cell.addresses.count > 2 ? " .." : ""
    let owner = cell.kind == .owned ? "its owner" : "owner \(tree.spaces[cell.owner].label)"
    let place = addresses.joined(separator: " and ") + more
    return "\(space.label) has share \(table) at \(place), \(owner)"
  }

  private func tableName(of share: ParticularShare) -> String {
    "\(share.scheme.levels[share.table.level].name) \(Numbers.hex(share.table.address))"
  }

  /// The sharing matrix: a row for each space, a cell for each share, and what the columns are.
  func drawMatrix(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    let matrix = matrix
    guard layout.list.width > 0 else { return }
    guard index != nil else {
      canvas.put(
        awaitedText, x: 2, y: layout.list.y, style: theme[.dim], width: max(0, layout.list.width - 2))
      return
    }
    let areas = matrixAreas
    let area = areas.cells
    let labelWidth = SharingMatrix.labelWidth(in: area.width)
    let step = matrix.columnWidth(in: area.width)
    let columns = matrix.visibleColumns(in: area.width)
    drawMatrixHeader(layout, columns, step, &canvas, theme)
    for y in 0..<area.height where matrix.firstRow + y < matrix.spaceNumbers.count {
      let spaceNumber = matrix.spaceNumbers[matrix.firstRow + y]
      let space = tree.spaces[spaceNumber]
      let isCursorRow = matrix.firstRow + y == matrix.row
      let style = space.found.isPossiblyStale ? theme[.stale] : theme.owner(spaceNumber)
      canvas.put(
        CellText.fitted(space.label, to: labelWidth - 2), x: 1, y: area.y + y,
        style: isCursorRow ? theme[.selectionUnfocused] : style, width: area.width - 1)
      for (number, column) in columns.enumerated() {
        let cell = matrixCell(space: spaceNumber, column: column)
        let isCursor = isCursorRow && column == matrix.column
        let x = labelWidth + number * step
        canvas.put(
          Numbers.left(cell.sign, step - 1), x: x, y: area.y + y,
          style: isCursor ? theme[.selection] : self.style(of: cell, theme), width: step - 1)
      }
    }
    drawMatrixLegend(areas, &canvas, theme)
  }

  private func style(of cell: MatrixCell, _ theme: Theme) -> Style {
    switch cell.kind {
    case .absent: theme[.dim]
    case .stale: theme[.stale]
    case .owned, .shared: theme.owner(cell.owner)
    case .everybodys, .partOfEverybodys: theme[.dim]
    }
  }

  /// The numbers over the columns, as many as have room; that of the selected one always.
  private func drawMatrixHeader(
    _ layout: ScreenLayout, _ columns: Range<Int>, _ step: Int, _ canvas: inout Canvas, _ theme: Theme
  ) {
    guard !layout.header.isEmpty else { return }
    let (y, matrix) = (layout.header.y, matrix)
    let labelWidth = SharingMatrix.labelWidth(in: layout.header.width)
    canvas.put("space", x: 1, y: y, style: theme[.header], width: max(0, width - 1))
    func x(of column: Int) -> Int { labelWidth + (column - columns.lowerBound) * step }
    let selected = matrix.label(ofColumn: matrix.column)
    let taken = x(of: matrix.column) - 1...x(of: matrix.column) + selected.count
    var free = labelWidth
    for column in columns {
      let label = matrix.label(ofColumn: column)
      let start = x(of: column)
      let isSelected = column == matrix.column
      guard isSelected || start >= free && !taken.overlaps(start...start + label.count - 1) else { continue }
      guard start + label.count <= width else { continue }
      canvas.put(
        label, x: start, y: y, style: isSelected ? theme[.selectionUnfocused] : theme[.header],
        width: max(0, width - start))
      free = start + label.count + 1
    }
  }
}
