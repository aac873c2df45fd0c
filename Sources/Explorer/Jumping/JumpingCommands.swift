extension Command {
  static let goto = Command(
    "goto", "an address, symbol, region, process, register; p:PHYSICAL", label: "go to", in: .finding, .named,
    .text("ADDRESS"), obstacle: \.noRowObstacle
  ) { explorer, address in
    if !address.isEmpty { return explorer.goto(address) }
    explorer.prompt = Prompt(.goto, knowsNames: explorer.guest.names != nil)
    return []
  }

  static let back = Command(
    "back", "back to where the last jump began, closing what it opened", label: "back", in: .finding, .named,
    obstacle: { $0.jumps.canGoBack ? nil : "no jump to go back from" },
    does: { explorer in
      guard let row = explorer.selectedRow else { return }
      if let jump = explorer.jumps.back(from: explorer.tree.id(of: row)) { explorer.go(backTo: jump) }
    })

  static let forward = Command(
    "forward", "forward again", label: "forward", in: .finding, .named,
    obstacle: { $0.jumps.canGoForward ? nil : "no jump to go forward to" },
    does: { explorer in
      if let id = explorer.jumps.forward() { explorer.go(to: id) }
    })

  static let setBookmark = Command(
    "mark", "bookmark this row under a letter", label: "bookmark", in: .finding, .named, .letter,
    obstacle: \.noRowObstacle
  ) { explorer, letter in
    if let row = explorer.selectedRow {
      explorer.bookmarks[letter] = explorer.tree.id(of: row)
      explorer.status = .note("bookmark \(letter) set; ' and \(letter) comes back")
    }
    return []
  }

  static let goToBookmark = Command(
    "jump", "go to a bookmark", label: "jump", in: .finding, .named, .letter,
    obstacle: { $0.bookmarks.isEmpty ? "there is no bookmark; m and a letter sets one" : nil },
    perform: { explorer, letter in
      guard let id = explorer.bookmarks[letter] else {
        let known = explorer.bookmarks.keys.sorted().joined(separator: " ")
        explorer.status = .warning("no bookmark \(letter); there are: \(known)")
        return [.bell]
      }
      explorer.remember()
      explorer.go(to: id)
      return []
    })
}
