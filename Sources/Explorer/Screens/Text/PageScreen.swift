import Canvas

extension Screen {
  /// A screen that is a page of text; the command that opens it makes the page.
  static func page(_ id: ID, title: String, opener: Command) -> Screen {
    Screen(
      id: id, title: title, isPage: true, opener: opener,
      footer: { _ in [.down, .pageDown, .search, .searchNext, .cancel] },
      draw: { explorer, layout, canvas, theme, _ in
        if let page = explorer.page { explorer.drawPage(page, layout, &canvas, theme) }
      },
      move: { explorer, movement in
        explorer.scrollPage(by: movement.rows(page: max(1, explorer.layout.list.height)))
      },
      scroll: { explorer, step, _, _ in explorer.scrollPage(by: step) },
      find: { explorer, forward in
        let (text, height) = (explorer.query, explorer.layout.list.height)
        if explorer.page?.find(text, forward: forward, height: height) != true { explorer.missedOnPage() }
      },
      frameTarget: { _ in .nothing("a page of text has no frame") })
  }
}

extension Explorer {
  fileprivate mutating func scrollPage(by step: Int) {
    guard let top = page?.top else { return }
    let height = layout.list.height
    page?.scroll(to: top + step, height: height)
  }

  /// Says that a search on a page of text found nothing.
  mutating func missedOnPage() { missed("'\(query)' is not on this page") }

  /// A page of text, over the whole middle of the screen.
  func drawPage(_ page: TextPage, _ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme) {
    let area = layout.list
    if !layout.header.isEmpty {
      let last = min(page.lines.count, page.top + area.height)
      let part =
        page.lines.count > area.height ? "   lines \(page.top + 1) to \(last) of \(page.lines.count)" : ""
      canvas.put(
        page.title + part, x: 2, y: layout.header.y, style: theme[.header], width: max(0, width - 2))
    }
    let needle = query.lowercased()
    for (offset, line) in page.lines.dropFirst(page.top).prefix(area.height).enumerated() {
      let y = area.y + offset
      canvas.put(line, x: 2, y: y, width: max(0, area.width - 2), theme: theme)
      if !needle.isEmpty, line.text.lowercased().contains(needle) {
        canvas.restyle(Rectangle(x: 2, y: y, width: area.width - 2, height: 1), adding: theme[.match])
      }
    }
  }
}
