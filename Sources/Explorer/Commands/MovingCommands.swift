extension Command {
  static let down = moving("down", "one row down", label: "down", .down)
  static let up = moving("up", "one row up", label: "up", .up)
  static let pageDown = moving("page-down", "one page down", label: "page down", .pageDown)
  static let pageUp = moving("page-up", "one page up", label: "page up", .pageUp)
  static let halfDown = moving("half-down", "half a page down", label: "half down", .halfDown)
  static let halfUp = moving("half-up", "half a page up", label: "half up", .halfUp)
  static let first = moving("first", "the first row", label: "first", .first)
  static let last = moving("last", "the last row", label: "last", .last)
  static let left = moving("left", "one cell to the left", label: "left", .left, .named)
  static let right = moving("right", "one cell to the right", label: "right", .right, .named)

  /// How far a move goes, and what it moves, is the screen's.
  private static func moving(
    _ name: String, _ title: String, label: String, _ movement: Movement, _ reach: Reach = .everywhere
  ) -> Command {
    Command(name, title, label: label, in: .move, reach) { $0.screen.move(&$0, movement) }
  }

  /// What lies below a row, or where it leads, is the screen's.
  static let open = ofScreens("open", "open a table or a fold; go to what is selected", label: "open")
  static let openFold = ofScreens("open-fold", "open a fold; in an open one, its first row", label: "open")
  static let toggle = ofScreens("toggle", "open or close", label: "toggle")

  /// A command that is nothing but what each screen makes of it.
  private static func ofScreens(_ name: String, _ title: String, label: String) -> Command {
    Command(name, title, label: label, in: .open, .named) { _ in }
  }
}
