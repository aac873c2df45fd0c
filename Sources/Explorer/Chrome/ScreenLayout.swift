import Canvas

/// Where the parts of the screen lie. Small screens lose what can be done without, line by line.
struct ScreenLayout: Equatable {
  let title: Rectangle
  let breadcrumb: Rectangle
  let upperRule: Rectangle
  let header: Rectangle
  let tree: Rectangle
  /// Empty where there is no room beside the tree.
  let detail: Rectangle
  /// The whole middle: lists, pages, and the detail where it stands alone.
  let list: Rectangle
  /// What a script says; empty where it says nothing.
  let caption: Rectangle
  let lowerRule: Rectangle
  let footer: Rectangle

  /// Columns that the tree needs before anything stands beside it: addresses are whole, and names have room.
  private static let treeMinimum = 66
  private static let detailMinimum = 30
  private static let detailMaximum = 56

  /// - Parameter captionRows: rows that a caption wants; the middle keeps at least as many.
  init(width: Int, height: Int, showsDetail: Bool, captionRows: Int = 0) {
    var rest = Rectangle(x: 0, y: 0, width: width, height: height)
    func cut(_ condition: Bool, atTop: Bool) -> Rectangle {
      guard condition else { return Rectangle(x: 0, y: rest.y, width: width, height: 0) }
      if atTop {
        let parts = rest.split(top: 1)
        rest = parts.rest
        return parts.top
      }
      let parts = rest.split(bottom: 1)
      rest = parts.rest
      return parts.bottom
    }
    footer = cut(height >= 2, atTop: false)
    lowerRule = cut(height >= 14, atTop: false)
    title = cut(height >= 4, atTop: true)
    breadcrumb = cut(height >= 7, atTop: true)
    upperRule = cut(height >= 14, atTop: true)
    header = cut(height >= 9, atTop: true)
    let parts = rest.split(bottom: min(captionRows, rest.height / 2))
    caption = parts.bottom
    rest = parts.rest
    list = rest
    let wanted = min(ScreenLayout.detailMaximum, max(ScreenLayout.detailMinimum, width / 3))
    if showsDetail, width >= ScreenLayout.treeMinimum + ScreenLayout.detailMinimum + 1 {
      let parts = rest.split(right: min(wanted, width - ScreenLayout.treeMinimum))
      tree = parts.rest
      detail = parts.right
    } else {
      tree = rest
      detail = Rectangle(x: width, y: rest.y, width: 0, height: rest.height)
    }
  }

  /// Whether the detail stands beside the tree.
  var hasDetail: Bool { detail.width > 0 }
}
