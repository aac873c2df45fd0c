import Canvas

/// How the keys and the mouse move and open rows of the tree.
extension Explorer {
  mutating func moveInTree(_ movement: Movement) {
    let page = max(1, layout.tree.height)
    let step = movement.rows(page: page)
    selection = max(0, min(selection + step, tree.rows.count - 1))
    // A page moves what is shown, too, so that the selection keeps its place on the screen.
    if abs(step) > 1, abs(step) <= page { top = max(0, top + step) }
    detailTop = 0
  }

  var openObstacle: String? { selectedRow?.isOpenable != true ? "nothing lies below this row" : nil }

  mutating func openRow() {
    // On an open row, the same key goes on downwards.
    if selectedRow?.isOpen == true {
      selection += 1
    } else {
      tree.open(at: selection)
      showBranch()
    }
  }

  mutating func toggleRow() {
    if selectedRow?.isOpen == true { tree.close(at: selection) } else { openRow() }
  }

  /// Scrolls so that as much as fits of what was opened is on the screen.
  private mutating func showBranch() {
    guard tree.rows.indices.contains(selection) else { return }
    let end = tree.end(ofBranchAt: selection)
    let visible = max(1, layout.tree.height)
    if end > top + visible { top = min(selection, max(top, end - visible)) }
  }

  /// Closes a row; from a closed one, goes up to its table.
  mutating func closeRow() {
    if !tree.close(at: selection), let parent = tree.parent(of: selection) { selection = parent }
  }

  /// Whether a cell belongs to the detail: beside the tree, or in its stead where there is no room.
  private func isDetail(x: Int, y: Int) -> Bool {
    if layout.hasDetail { return layout.detail.contains(x: x, y: y) }
    return screenID == .detail && layout.list.contains(x: x, y: y)
  }

  /// Scrolls what the mouse is over; the selection comes along only when it would leave the screen.
  mutating func scrollTreeOrDetail(by step: Int, x: Int, y: Int) {
    if isDetail(x: x, y: y) {
      scrollDetail(by: step)
      return
    }
    if screenID == .detail, !layout.hasDetail { return }
    let visible = max(1, layout.tree.height)
    top = max(0, min(top + step, max(0, tree.rows.count - visible)))
    selection = max(top, min(selection, top + visible - 1))
  }

  mutating func pressInTreeOrDetail(_ press: Screen.Press) -> [ExplorerWork] {
    if isDetail(x: press.x, y: press.y) {
      screenID = .detail
      let isLink = selectLink(atLine: press.y - layout.list.y)
      return isLink && press.opens ? perform(CommandLine(.open)) : []
    }
    let area = layout.tree
    guard area.contains(x: press.x, y: press.y), tree.rows.indices.contains(top + press.y - area.y) else {
      return []
    }
    screenID = .tree
    if let above = ancestor(atLine: press.y - area.y) {
      remember()
      go(to: tree.id(of: above))
      return []
    }
    selection = top + press.y - area.y
    status = .empty
    guard press.opens || press.x == signColumn(of: tree.rows[selection]) else { return [] }
    return selectedRow?.isOpenable == true ? perform(CommandLine(.toggle)) : []
  }
}
