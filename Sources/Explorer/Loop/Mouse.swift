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
    case .spaces, .shared, .mirrors, .findings, .aliases, .overlays, .regions:
      moveInList(by: step)
    case .matrix: for _ in 0..<abs(step) { matrix.move(step > 0 ? .down : .up, page: 1) }
    case .map:
      let memory = memory
      for _ in 0..<abs(step) { map?.move(step > 0 ? .down : .up, page: 1, memory) }
    case .frame: scrollFrame(by: step)
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
      guard place == .tree || place == .detail || place == .text else { return [] }
      if let part = breadcrumb().last(where: { x >= $0.x }), x < part.x + CellText.width(of: part.text) {
        remember()
        go(to: part.target)
      }
      return []
    }
    switch place {
    case .spaces, .shared, .mirrors, .findings, .aliases, .overlays, .regions:
      guard let list, layout.list.contains(x: x, y: y) else { return [] }
      let row = list.top + y - layout.list.y
      guard list.shown.indices.contains(row) else { return [] }
      lists[place]?.selection = row
      return opens ? perform(CommandLine(.open)) : []
    case .matrix:
      guard matrix.select(x: x, y: y, in: layout.list, spaces: tree.spaces.count) else { return [] }
      return opens ? perform(CommandLine(.open)) : []
    case .map:
      guard selectCell(x: x, y: y) else { return [] }
      return opens ? perform(CommandLine(.open)) : []
    case .frame, .text: return []
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
