extension Canvas {
  /// A horizontal line of `length` cells.
  package mutating func horizontalLine(x: Int, y: Int, length: Int, glyphs: Glyphs, style: Style = .plain) {
    fill(Rectangle(x: x, y: y, width: length, height: 1), with: glyphs.horizontal, style: style)
  }

  /// A vertical line of `length` cells.
  package mutating func verticalLine(x: Int, y: Int, length: Int, glyphs: Glyphs, style: Style = .plain) {
    fill(Rectangle(x: x, y: y, width: 1, height: length), with: glyphs.vertical, style: style)
  }

  /// A frame along the edge of `rectangle`, with a title in its top edge; its inside is left as it is.
  package mutating func frame(
    _ rectangle: Rectangle, glyphs: Glyphs, style: Style = .plain, title: String = "",
    titleStyle: Style = .plain
  ) {
    guard rectangle.width >= 2, rectangle.height >= 2 else { return }
    let (left, top) = (rectangle.x, rectangle.y)
    let (right, bottom) = (rectangle.right - 1, rectangle.bottom - 1)
    horizontalLine(x: left, y: top, length: rectangle.width, glyphs: glyphs, style: style)
    horizontalLine(x: left, y: bottom, length: rectangle.width, glyphs: glyphs, style: style)
    verticalLine(x: left, y: top, length: rectangle.height, glyphs: glyphs, style: style)
    verticalLine(x: right, y: top, length: rectangle.height, glyphs: glyphs, style: style)
    put(String(glyphs.topLeft), x: left, y: top, style: style)
    put(String(glyphs.topRight), x: right, y: top, style: style)
    put(String(glyphs.bottomLeft), x: left, y: bottom, style: style)
    put(String(glyphs.bottomRight), x: right, y: bottom, style: style)
    let room = rectangle.width - 6
    if !title.isEmpty, room > 0 {
      let shown = CellText.fitted(title, to: room, ellipsis: glyphs.ellipsis)
      put(" \(shown) ", x: left + 2, y: top, style: titleStyle, width: room + 2)
    }
  }
}
