import CTerminal
import Canvas

/// Cells of one row to be sent to the terminal.
struct CellRun {
  let x: Int
  let cells: [pw_cell]
}

/// Finds what differs between two canvases.
enum CellRuns {
  /// The runs of cells of a row that differ from the row shown before; the whole row if there was none.
  static func changed(row y: Int, from old: Canvas?, to new: Canvas) -> [CellRun] {
    let cells = new.row(y)
    guard let old, old.width == new.width, old.height == new.height else {
      return cells.isEmpty ? [] : [CellRun(x: 0, cells: converted(cells, before: nil))]
    }
    let before = old.row(y)
    if before == cells { return [] }
    var runs: [CellRun] = []
    var index = cells.startIndex
    while index < cells.endIndex {
      if cells[index] == before[index] {
        index += 1
        continue
      }
      // Both halves of a wide glyph go together.
      let start = cells[index].isContinuation ? index - 1 : index
      while index < cells.endIndex, cells[index] != before[index] || cells[index].isContinuation {
        index += 1
      }
      let next = index < cells.endIndex ? cells[index] : nil
      runs.append(CellRun(x: start - cells.startIndex, cells: converted(cells[start..<index], before: next)))
    }
    return runs
  }

  private static func converted(_ cells: ArraySlice<Cell>, before next: Cell?) -> [pw_cell] {
    cells.indices.map { index in
      let cell = cells[index]
      let following = index + 1 < cells.endIndex ? cells[index + 1] : next
      let span: UInt8 = cell.isContinuation ? 0 : following?.isContinuation == true ? 2 : 1
      return pw_cell(
        scalar: cell.scalar.value, foreground: number(of: cell.style.foreground),
        background: number(of: cell.style.background), attributes: attributes(of: cell.style),
        span: span)
    }
  }

  private static func number(of color: Color) -> Int16 {
    if case .palette(let index) = color { Int16(index) } else { -1 }
  }

  private static func attributes(of style: Style) -> UInt8 {
    (style.bold ? UInt8(PW_BOLD) : 0) | (style.dim ? UInt8(PW_DIM) : 0)
      | (style.underline ? UInt8(PW_UNDERLINE) : 0) | (style.reverse ? UInt8(PW_REVERSE) : 0)
  }
}
