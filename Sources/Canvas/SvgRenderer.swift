extension Canvas {
  /// The canvas as an SVG picture that follows the viewer's light or dark preference.
  ///
  /// Runs of equal style become one `<text>` whose `textLength` keeps it on the grid whatever the font, and one
  /// `<rect>` where there is a background. The same canvas gives the same bytes.
  package func svg(title: String = "") -> String {
    var classes = SvgClasses()
    var body = ""
    for y in 0..<height {
      let runs = styleRuns(y)
      for run in backgroundRuns(runs) {
        let rectangle = SvgMetrics.rectangle(x: run.x, y: y, width: run.width)
        body += "<rect \(rectangle) class=\"\(classes.name(of: run.paint))\"/>\n"
      }
      for run in runs {
        guard let piece = run.trimmed else { continue }
        body += "<text \(SvgMetrics.position(x: piece.x, y: y, width: piece.width))"
        body += " class=\"\(classes.names(of: piece.style))\">\(escaped(piece.text))</text>\n"
      }
    }
    let pictureWidth = width * SvgMetrics.cellWidth + 2 * SvgMetrics.margin
    let pictureHeight = height * SvgMetrics.cellHeight + 2 * SvgMetrics.margin
    let size = "width=\"\(pictureWidth)\" height=\"\(pictureHeight)\""
    var result = "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size)"
    result += " viewBox=\"0 0 \(pictureWidth) \(pictureHeight)\" role=\"img\" xml:space=\"preserve\">\n"
    if !title.isEmpty { result += "<title>\(escaped(CellText.visible(title)))</title>\n" }
    result += "<style>\n\(classes.sheet)</style>\n"
    result += "<rect \(size) class=\"\(classes.name(of: .defaultBackground))\"/>\n"
    return result + body + "</svg>\n"
  }

  /// The row in runs of one style each; a wide glyph is a run of its own, as fonts rarely make it two cells.
  private func styleRuns(_ y: Int) -> [SvgRun] {
    var runs: [SvgRun] = []
    let cells = Array(row(y))
    var x = 0
    while x < cells.count {
      let cell = cells[x]
      let isWide = x + 1 < cells.count && cells[x + 1].isContinuation
      if !isWide, let last = runs.indices.last, runs[last].style == cell.style, !runs[last].isWide {
        runs[last].text.unicodeScalars.append(cell.scalar)
        runs[last].width += 1
      } else {
        runs.append(
          SvgRun(x: x, width: isWide ? 2 : 1, style: cell.style, text: String(cell.scalar), isWide: isWide))
      }
      x += isWide ? 2 : 1
    }
    return runs
  }

  private func backgroundRuns(_ runs: [SvgRun]) -> [(x: Int, width: Int, paint: SvgPaint)] {
    var result: [(x: Int, width: Int, paint: SvgPaint)] = []
    for run in runs {
      let paint = SvgPaint.background(of: run.style)
      if paint == .defaultBackground { continue }
      if let last = result.last, last.paint == paint, last.x + last.width == run.x {
        result[result.count - 1].width += run.width
      } else {
        result.append((run.x, run.width, paint))
      }
    }
    return result
  }
}

private struct SvgRun {
  var x: Int
  var width: Int
  var style: Style
  var text: String
  var isWide: Bool

  /// The run without the spaces around it, which show nothing unless they are underlined.
  var trimmed: SvgRun? {
    if style.underline || isWide { return self }
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { $0 != " " }),
      let last = scalars.lastIndex(where: { $0 != " " })
    else { return nil }
    let piece = scalars[first...last]
    let skipped = scalars.distance(from: scalars.startIndex, to: first)
    return SvgRun(x: x + skipped, width: piece.count, style: style, text: String(piece), isWide: false)
  }
}

/// Everything is a whole number of units, so that no rounding differs between two runs.
private enum SvgMetrics {
  static let cellWidth = 9
  static let cellHeight = 18
  static let baseline = 13
  static let margin = 9

  static func rectangle(x: Int, y: Int, width: Int) -> String {
    "x=\"\(margin + x * cellWidth)\" y=\"\(margin + y * cellHeight)\""
      + " width=\"\(width * cellWidth)\" height=\"\(cellHeight)\""
  }

  static func position(x: Int, y: Int, width: Int) -> String {
    "x=\"\(margin + x * cellWidth)\" y=\"\(margin + y * cellHeight + baseline)\""
      + " textLength=\"\(width * cellWidth)\""
  }
}

private func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
