import Canvas

/// Help for where the person is, made from the live keymap and the table of commands.
enum HelpPage {
  /// - Parameter rootName: what the tables at the root are called where the person is.
  static func make(keymap: Keymap, screen: Screen, rootName: String, width: Int) -> TextPage {
    var lines: [StyledLine] = []
    func add(_ keys: String, _ command: Command) {
      var line = StyledLine(Numbers.left(keys, 21) + " ", .key)
      line.add(Numbers.left(command.shortUsage, 16) + " ", .dim)
      line.add(command.title)
      lines.append(line)
    }
    func add(_ commands: [Command], _ keys: (Command) -> [Binding]) {
      for group in CommandGroup.allCases {
        let commands = commands.filter { $0.group == group }
        if commands.isEmpty { continue }
        lines.append(StyledLine())
        lines.append(StyledLine(group.rawValue, .header))
        for command in commands { add(keys(command).map(\.name).joined(separator: ", "), command) }
      }
    }
    lines.append(StyledLine("Keys that work here; every one is also a command after :", .header))
    lines.append(StyledLine("/ finds a key, a name or a word here; n and N go on", .dim))
    add(Command.all.filter { screen.has($0) }) { command in
      keymap.bindings.filter { $0.command == command && $0.applies(to: screen) }
    }
    let others = Command.all.filter { !screen.has($0) }
    if !others.isEmpty {
      lines.append(StyledLine())
      lines.append(StyledLine("Elsewhere", .header))
      add(others) { command in keymap.bindings.filter { $0.command == command } }
    }
    for section in Screen.all.flatMap(\.sections) + [mouse] {
      lines.append(StyledLine())
      lines += section.lines.map { self.line($0, $1, rootName) }
    }
    let wrapped = lines.flatMap { $0.wrapped(to: max(20, width - 4), indent: 39) }
    return TextPage(title: "help: \(screen.title)", lines: wrapped)
  }

  /// How the mouse is used, everywhere.
  private static let mouse = HelpSection(
    "Mouse", "click selects; a click on a sign opens it; double click opens; the wheel scrolls;",
    [
      ("", "the path and the footer can be clicked, too."),
      ("", "Shift and the mouse select text as the terminal does."),
    ])

  private static func line(_ name: String, _ meaning: String, _ rootName: String) -> StyledLine {
    let name = name.replacing(HelpSection.rootName, with: rootName)
    if meaning.isEmpty { return StyledLine(name, .header) }
    return StyledLine(Numbers.left(name, 27) + " ", .key).adding(meaning)
  }
}
