import PageTables

extension Screen.ID {
  static let help = Screen.ID("help")
}

extension Screen {
  static let help = Screen.page(.help, title: "this page", opener: .help)
}

extension Command {
  static let help: Command = Command("help", "this page", label: "help", in: .program, .views) { explorer in
    let page = HelpPage.make(
      keymap: explorer.keymap, screen: explorer.screen,
      rootName: explorer.screen.scheme(explorer)?.levels.first?.name ?? "root table", width: explorer.width)
    explorer.show(page, as: .help)
  }
}
