extension Command {
  /// All commands, in the order of help. Those of screens that are not named here stand in the middle, first the ones
  /// that open a screen.
  static let all: [Command] = {
    var ofScreens: [Command] = []
    for command in Screen.all.compactMap(\.opener) + Screen.all.flatMap(\.commands)
    where !(leading + trailing + ofScreens).contains(command) {
      ofScreens.append(command)
    }
    return leading + ofScreens + trailing
  }()

  /// Moving, the tree, going places, finding.
  private static let leading: [Command] = [
    .down, .up, .pageDown, .pageUp, .halfDown, .halfUp, .left, .right, .first, .last, .parent, .nextPane,
    .open, .openFold, .close, .toggle, .closeAll, .closeEverything, .absent, .filter,
    .goto, .back, .forward, .setBookmark, .goToBookmark,
    .search, .searchNext, .searchPrevious,
  ]

  /// What lists and pages have, the overlay, taking things out, the program.
  private static let trailing: [Command] = [
    .sort, .detail, .warnings, .help, .zoomIn, .zoomOut, .frameNext, .framePrevious,
    .refresh, .watch, .followStops, .keep, .diff, .stop, .letRun,
    .mirror, .unmirror,
    .copy, .screenshot,
    .source, .scan, .index, .cancel, .caption, .pause, .commandLine, .bind, .theme, .style, .redraw, .suspend,
    .quit,
    .leave,
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The command that is called so.
  static func named(_ name: String) -> Command? { byName[name] }
}
