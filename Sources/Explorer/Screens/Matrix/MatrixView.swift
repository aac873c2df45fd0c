import Canvas
import PageTables

extension Explorer {
  /// The sharing matrix: a row for each space, a cell for each slot of its root.
  func drawMatrix(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    let (area, matrix) = (layout.list, matrix)
    guard area.width > 0 else { return }
    let step = matrix.columnWidth(in: area.width)
    let visible = max(0, (area.width - SharingMatrix.labelWidth) / step)
    let columns = matrix.columns.dropFirst(matrix.firstColumn).prefix(visible)
    drawMatrixHeader(layout, columns, step, &canvas, theme)
    for y in 0..<area.height {
      let spaceNumber = matrix.firstRow + y
      guard tree.spaces.indices.contains(spaceNumber) else { break }
      let space = tree.spaces[spaceNumber]
      let isCursorRow = spaceNumber == matrix.row
      canvas.put(
        CellText.fitted(space.label, to: SharingMatrix.labelWidth - 3), x: 1, y: area.y + y,
        style: isCursorRow ? theme[.selectionUnfocused] : theme.owner(spaceNumber), width: area.width - 1)
      guard let cells = matrixCells(space: spaceNumber, columns: columns) else {
        canvas.put(
          "the root is not in the dump", x: SharingMatrix.labelWidth, y: area.y + y, style: theme[.dim],
          width: max(0, area.width - SharingMatrix.labelWidth))
        continue
      }
      for (number, cell) in cells.enumerated() {
        let x = SharingMatrix.labelWidth + number * step
        let isCursor = isCursorRow && matrix.firstColumn + number == matrix.column
        let width = step > 1 ? step - 1 : 1
        let text =
          step > 1 && cell.kind == .shared ? "=\(cell.spaces)" : String(Character(cell.sign))
        canvas.put(
          Numbers.left(CellText.fitted(text, to: width), width), x: x, y: area.y + y,
          style: isCursor ? theme[.selection] : style(of: cell, theme), width: width)
      }
    }
  }

  private func style(of cell: MatrixCell, _ theme: Theme) -> Style {
    switch cell.kind {
    case .absent: theme[.dim]
    case .own: theme.owner(cell.owner)
    case .shared: theme.owner(cell.owner)
    case .recursive: theme[.recursive]
    case .leaf: theme[.hugePage]
    case .missing: theme[.warning]
    case .malformed: theme[.malformed]
    case .marked: theme[.marked]
    }
  }

  /// The slots over the columns; where columns are one cell wide, every so many of them.
  private func drawMatrixHeader(
    _ layout: ScreenLayout, _ columns: ArraySlice<Int>, _ step: Int, _ canvas: inout Canvas, _ theme: Theme
  ) {
    guard !layout.header.isEmpty else { return }
    let y = layout.header.y
    canvas.put("space", x: 1, y: y, style: theme[.header], width: max(0, width - 1))
    var free = SharingMatrix.labelWidth
    for (number, slot) in columns.enumerated() {
      let x = SharingMatrix.labelWidth + number * step
      guard x >= free else { continue }
      canvas.put("\(slot)", x: x, y: y, style: theme[.header], width: max(0, width - x))
      free = x + 5
    }
  }
}
