import Canvas

extension Explorer {
  /// Rows that one turn of the wheel scrolls.
  private static let wheelStep = 3

  mutating func take(_ mouse: MouseEvent) -> [ExplorerWork] {
    switch mouse.kind {
    case .wheelUp: scroll(by: -Explorer.wheelStep, x: mouse.x, y: mouse.y)
    case .wheelDown: scroll(by: Explorer.wheelStep, x: mouse.x, y: mouse.y)
    case .pressLeft: return press(x: mouse.x, y: mouse.y, opens: false)
    case .doubleClick: return press(x: mouse.x, y: mouse.y, opens: true)
    case .pressMiddle, .pressRight, .release: break
    }
    return []
  }

  /// Whether a place on the screen shows the detail: beside the tree, or in its stead where there is no room.
  private func showsDetail(x: Int, y: Int) -> Bool {
    guard place == .tree || place == .detail else { return false }
    if layout.hasDetail { return layout.detail.contains(x: x, y: y) }
    return place == .detail && layout.list.contains(x: x, y: y)
  }

  /// Scrolls what the mouse is over; the selection comes along only when it would leave the screen.
  private mutating func scroll(by step: Int, x: Int, y: Int) {
    if showsDetail(x: x, y: y) {
      scrollDetail(by: step)
      return
    }
    switch place {
    case .detail where !layout.hasDetail: break
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
      // The keys can be clicked only while they are what the footer shows.
      let showsKeys = prompt == nil && pendingKeys.isEmpty && status == .empty
      pendingKeys = []
      status = .empty
      guard showsKeys, let item = footerItems().first(where: { x >= $0.x && x < $0.x + $0.width }) else {
        return []
      }
      return perform(CommandLine(item.binding.command, item.binding.argument))
    }
    prompt = nil
    pendingKeys = []
    if layout.breadcrumb.contains(x: x, y: y) {
      if let part = breadcrumb().last(where: { x >= $0.x }), x < part.x + CellText.width(of: part.text) {
        remember()
        go(to: part.target)
      }
      return []
    }
    switch place {
    case .spaces:
      let row = spacesList.top + y - layout.list.y
      guard layout.list.contains(x: x, y: y), spacesList.order.indices.contains(row) else { return [] }
      spacesList.selection = row
      return opens ? perform(CommandLine(.open)) : []
    case .text: return []
    case .tree, .detail: break
    }
    if showsDetail(x: x, y: y) {
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
