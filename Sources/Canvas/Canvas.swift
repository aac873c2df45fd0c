/// A grid of cells that is drawn on and then shown, on a terminal or as a picture.
///
/// Every write is clipped: coordinates may be negative or beyond the edge, and nothing spills out of the clip.
/// A wide glyph is never left in halves: what loses one half becomes a space.
package struct Canvas: Hashable, Sendable {
  /// Columns.
  package let width: Int
  /// Rows.
  package let height: Int
  /// All cells, row by row.
  package private(set) var cells: [Cell]
  private var clip: Rectangle

  /// A blank canvas; a negative size becomes 0, and more than 32767 cells a side are cut.
  package init(width: Int, height: Int) {
    self.width = min(max(0, width), 32767)
    self.height = min(max(0, height), 32767)
    cells = Array(repeating: .blank, count: self.width * self.height)
    clip = Rectangle(x: 0, y: 0, width: self.width, height: self.height)
  }

  /// The whole canvas.
  package var bounds: Rectangle { Rectangle(x: 0, y: 0, width: width, height: height) }

  /// The cell at (`x`, `y`); blank outside.
  package subscript(x: Int, y: Int) -> Cell {
    guard x >= 0, x < width, y >= 0, y < height else { return .blank }
    return cells[y * width + x]
  }

  /// The cells of row `y`; none outside.
  package func row(_ y: Int) -> ArraySlice<Cell> {
    guard y >= 0, y < height else { return [] }
    return cells[y * width..<(y + 1) * width]
  }

  /// Runs `draw` with writes confined to `rectangle` (and to the clip already in force).
  package mutating func clipped<Result, Failure: Error>(
    to rectangle: Rectangle, _ draw: (inout Canvas) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let outer = clip
    clip = outer.intersection(rectangle)
    defer { clip = outer }
    return try draw(&self)
  }

  /// Puts `text` into the cells from (`x`, `y`) on and returns the column after it.
  ///
  /// At most `limit` cells are used. Scalars that must not reach a terminal are shown as a substitute
  /// (`CellText`). Drawing stops at the right edge, so the result can serve as the next `x`.
  @discardableResult
  package mutating func put(
    _ text: String, x: Int, y: Int, style: Style = .plain, width limit: Int = .max
  ) -> Int {
    guard limit > 0 else { return x }
    let (sum, overflow) = x.addingReportingOverflow(limit)
    let end = overflow ? Int.max : sum
    let edge = clip.right
    let rowIsVisible = y >= clip.y && y < clip.bottom
    var column = x
    for scalar in text.unicodeScalars {
      if column >= end || column >= edge { break }
      let glyph = CellText.glyph(for: scalar)
      if glyph.width == 0 { continue }
      if glyph.width > end - column {
        if rowIsVisible { set(Cell(" ", style: style), column, y) }
        return end
      }
      if rowIsVisible {
        if glyph.width == 1 {
          set(Cell(glyph.scalar, style: style), column, y)
        } else {
          setWide(glyph.scalar, style: style, column, y)
        }
      }
      column += glyph.width
    }
    return column
  }

  /// Fills a block with one glyph; a glyph that is not one cell wide becomes the substitute.
  package mutating func fill(
    _ rectangle: Rectangle, with scalar: Unicode.Scalar = " ", style: Style = .plain
  ) {
    let glyph = CellText.glyph(for: scalar)
    let cell = Cell(glyph.width == 1 ? glyph.scalar : CellText.substitute, style: style)
    let area = clip.intersection(rectangle)
    for y in area.y..<area.bottom {
      for x in area.x..<area.right { set(cell, x, y) }
    }
  }

  /// Gives a block another style; its glyphs stay.
  package mutating func restyle(_ rectangle: Rectangle, to style: Style) {
    restyle(rectangle) { _ in style }
  }

  /// Lays `overlay` over the styles of a block; its glyphs stay.
  package mutating func restyle(_ rectangle: Rectangle, adding overlay: Style) {
    restyle(rectangle) { $0.adding(overlay) }
  }

  /// Changes the styles of a block; its glyphs stay.
  package mutating func restyle(_ rectangle: Rectangle, _ change: (Style) -> Style) {
    let area = clip.intersection(rectangle)
    for y in area.y..<area.bottom {
      for x in area.x..<area.right { cells[y * width + x].style = change(cells[y * width + x].style) }
    }
  }

  private mutating func setWide(_ scalar: Unicode.Scalar, style: Style, _ x: Int, _ y: Int) {
    if clip.contains(x: x, y: y), clip.contains(x: x + 1, y: y) {
      set(Cell(scalar, style: style), x, y)
      set(Cell(" ", style: style, isContinuation: true), x + 1, y)
    } else {
      set(Cell(" ", style: style), x, y)
      set(Cell(" ", style: style), x + 1, y)
    }
  }

  private mutating func set(_ cell: Cell, _ x: Int, _ y: Int) {
    guard x >= clip.x, x < clip.right else { return }
    let index = y * width + x
    if cells[index].isContinuation, !cell.isContinuation { cells[index - 1].scalar = " " }
    if x + 1 < width, cells[index + 1].isContinuation { cells[index + 1].isContinuation = false }
    cells[index] = cell
  }
}
