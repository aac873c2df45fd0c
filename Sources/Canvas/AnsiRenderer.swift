extension Canvas {
  /// The canvas as text with SGR sequences (ECMA-48, 8.3.117), as a terminal or a pager shows it.
  ///
  /// Sequences are written only where the style changes, and every line ends in the terminal's own look, so
  /// that lines can be cut out and printed alone. Blank cells in the plain style are left out at a line's end.
  package func ansi() -> String {
    var result = ""
    for y in 0..<height {
      let cells = row(y)
      let end = cells.lastIndex { $0 != .blank }.map { $0 + 1 } ?? cells.startIndex
      var current = Style.plain
      for cell in cells[cells.startIndex..<end] where !cell.isContinuation {
        if cell.style != current {
          result += sgr(from: current, to: cell.style)
          current = cell.style
        }
        result.unicodeScalars.append(cell.scalar)
      }
      result += current == .plain ? "\n" : "\u{1B}[0m\n"
    }
    return result
  }
}

/// The sequence that turns one style into another; it starts afresh only if something has to go.
private func sgr(from old: Style, to new: Style) -> String {
  let loses =
    (old.bold && !new.bold) || (old.dim && !new.dim) || (old.underline && !new.underline)
    || (old.reverse && !new.reverse)
  let base = loses ? Style.plain : old
  var codes = loses ? ["0"] : []
  if new.bold && !base.bold { codes.append("1") }
  if new.dim && !base.dim { codes.append("2") }
  if new.underline && !base.underline { codes.append("4") }
  if new.reverse && !base.reverse { codes.append("7") }
  if new.foreground != base.foreground { codes.append(sgrColor(new.foreground, background: false)) }
  if new.background != base.background { codes.append(sgrColor(new.background, background: true)) }
  if new == .plain { codes = ["0"] }
  return "\u{1B}[\(codes.joined(separator: ";"))m"
}

private func sgrColor(_ color: Color, background: Bool) -> String {
  let shift = background ? 10 : 0
  return switch color {
  case .default: "\(39 + shift)"
  case .palette(let index) where index < 8: "\(30 + shift + Int(index))"
  case .palette(let index) where index < 16: "\(90 + shift + Int(index) - 8)"
  case .palette(let index): "\(38 + shift);5;\(index)"
  }
}
