import Canvas

extension Explorer {
  /// Rows that one turn of the wheel scrolls.
  private static let wheelStep = 3

  mutating func handle(mouse: MouseEvent) -> [ExplorerWork] {
    switch mouse.kind {
    case .wheelUp: screen.scroll(&self, -Explorer.wheelStep, mouse.x, mouse.y)
    case .wheelDown: screen.scroll(&self, Explorer.wheelStep, mouse.x, mouse.y)
    case .pressLeft: return press(x: mouse.x, y: mouse.y, opens: false)
    case .doubleClick: return press(x: mouse.x, y: mouse.y, opens: true)
    case .pressMiddle, .pressRight, .release: break
    }
    return []
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
      guard screen.isHome || screen.isPage else { return [] }
      if let part = breadcrumb().last(where: { x >= $0.x }), x < part.x + part.width {
        remember()
        go(to: part.target)
      }
      return []
    }
    return screen.press(&self, Screen.Press(x: x, y: y, opens: opens))
  }
}
