import Canvas

extension Explorer {
  /// Rows that one turn of the wheel scrolls.
  private static let wheelStep = 3

  mutating func take(_ mouse: MouseEvent) -> [ExplorerWork] {
    switch mouse.kind {
    case .wheelUp: scroll(by: -Explorer.wheelStep)
    case .wheelDown: scroll(by: Explorer.wheelStep)
    case .pressLeft: return press(x: mouse.x, y: mouse.y, opens: false)
    case .doubleClick: return press(x: mouse.x, y: mouse.y, opens: true)
    case .pressMiddle, .pressRight, .release: break
    }
    return []
  }

  /// Scrolls what is shown; the selection comes along only when it would leave the screen.
  private mutating func scroll(by step: Int) {
    switch place {
    case .tree, .detail:
      let visible = max(1, layout.tree.height)
      top = max(0, min(top + step, max(0, tree.rows.count - visible)))
      selection = max(top, min(selection, top + visible - 1))
    case .spaces: spacesList.selection += step
    case .text:
      guard var current = page else { return }
      current.scroll(to: current.top + step, height: layout.list.height)
      page = current
    }
  }

  private mutating func press(x: Int, y: Int, opens: Bool) -> [ExplorerWork] {
    let layout = layout
    if layout.footer.contains(x: x, y: y) {
      guard prompt == nil, let item = footerItems().first(where: { x >= $0.x && x < $0.x + $0.width }) else {
        status = .empty
        return []
      }
      return perform(CommandLine(item.binding.command, item.binding.argument))
    }
    if prompt != nil { prompt = nil }
    if layout.breadcrumb.contains(x: x, y: y) {
      if let part = breadcrumb().last(where: { x >= $0.x }), x < part.x + CellText.width(of: part.text) {
        remember()
        go(to: part.target)
      }
      return []
    }
    switch place {
    case .spaces:
      guard layout.list.contains(x: x, y: y) else { return [] }
      spacesList.selection = spacesList.top + y - layout.list.y
      return opens ? perform(CommandLine(.open)) : []
    case .text: return []
    case .tree, .detail: break
    }
    if layout.hasDetail, layout.detail.contains(x: x, y: y) {
      place = .detail
      return []
    }
    guard layout.tree.contains(x: x, y: y), tree.rows.indices.contains(top + y - layout.tree.y) else {
      return []
    }
    place = .tree
    selection = top + y - layout.tree.y
    status = .empty
    let sign = signColumn(of: tree.rows[selection])
    if opens || x == sign { return selectedRow?.isOpenable == true ? perform(CommandLine(.toggle)) : [] }
    return []
  }
}
