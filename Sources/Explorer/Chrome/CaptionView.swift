import Canvas

extension Explorer {
  /// What a script says, in a box above the keys; without the box where there is no room for it.
  func drawCaption(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    let area = layout.caption
    guard !area.isEmpty else { return }
    let isFramed = area.height >= 3
    if isFramed {
      canvas.frame(
        area, glyphs: glyphs, style: theme[.borderFocused],
        title: caption.isPaused
          ? (caption.place.isEmpty ? "" : caption.place + "   ") + "Enter continues, Esc leaves" : "",
        titleStyle: theme[.prompt])
    }
    let inner = isFramed ? area.inset(horizontal: 2, vertical: 1) : area.inset(horizontal: 1)
    let lines = caption.lines(width: width - 4)
    for (number, line) in lines.prefix(inner.height).enumerated() {
      let isCut = number == inner.height - 1 && lines.count > inner.height
      canvas.put(
        isCut ? StyledLine(CellText.fitted(line.text + " ..", to: inner.width)) : line, x: inner.x,
        y: inner.y + number, width: inner.width, theme: theme)
    }
  }
}
