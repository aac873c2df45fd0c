import Canvas

extension Command {
  static let bind = Command(
    "bind", "another key for a command", label: "bind", in: .program, .everywhere, .text("KEYS COMMAND")
  ) { explorer, text in
    explorer.bind(text)
  }
}

extension Keymap {
  /// Gives keys another meaning on every screen that has the command; it comes before all that were there.
  mutating func bind(_ keys: [Key], to line: CommandLine) {
    bindings.removeAll { $0.keys == keys && $0.command == line.command }
    bindings.insert(Binding(keys, line.command, line.argument), at: 0)
  }
}

extension Explorer {
  /// `Ctrl-t shared`, `z,s spaces`: one or two keys, parted by a comma, and a command with what it takes.
  fileprivate mutating func bind(_ text: String) -> [ExplorerWork] {
    let words = text.split(separator: " ", maxSplits: 1).map(String.init)
    guard words.count == 2 else {
      status = .error("bind takes keys and a command: bind z,s spaces")
      return [.bell]
    }
    let names = words[0] == "," ? "," : words[0].split(separator: ",").joined(separator: " ")
    do {
      let keys = try Key.sequence(names)
      guard (1...2).contains(keys.count) else {
        status = .error("bind takes one or two keys: bind z,s spaces")
        return [.bell]
      }
      if keys.count == 2, let alone = keymap.bindings.first(where: { $0.keys == [keys[0]] }) {
        status = .error(
          "\(keys[0].name) alone is \(alone.command.name) already: begin with another key, z for example")
        return [.bell]
      }
      keymap.bind(keys, to: try CommandLine(words[1]))
    } catch {
      status = .error("\(error)")
      return [.bell]
    }
    return []
  }
}
