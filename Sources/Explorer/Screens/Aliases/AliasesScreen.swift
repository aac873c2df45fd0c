extension Screen.ID {
  static let aliases = Screen.ID("aliases")
}

extension Screen {
  static let aliases: Screen = {
    let title = "who maps it"
    var screen = Screen.list(
      .aliases, title: title,
      columns: [
        "kind", "space", "va", "size", "access", "region", "spaces", "mappings", "table", "pid", "shared",
        "pages",
      ], opener: .aliases, commands: [.frame],
      footer: [.open, .toggle, .frame, .filter, .sort, .help, .cancel],
      ListKind(
        content: { explorer in
          explorer.index == nil
            ? .awaited(title, explorer.awaitedText)
            : explorer.crossed ?? .awaited(title, "nothing is selected")
        },
        frame: { _, _ in nil },
        prepare: { $0.findCrossReferences() },
        follows: { _, change in
          if case .namesOfSpace = change { true } else { change.isAboutIndex }
        },
        titleCounts: true,
        sign: { explorer, row in
          guard let pane = explorer.aliasPane, pane.isOpenable(row) else { return nil }
          return pane.isOpen(row) ? "-" : "+"
        }))
    screen.isQuestion = true
    screen.needsIndex = true
    screen.deeds[.toggle] = Deed(
      obstacle: { explorer in
        explorer.list?.selectedRow.map { explorer.aliasPane?.isOpenable($0) == true } == true
          ? nil : "this is the only mapping of its group"
      },
      perform: { $0.toggleAliases() })
    screen.deeds[.openFold] = Deed(
      obstacle: { explorer in
        explorer.list?.selectedRow.map { explorer.aliasPane?.isOpenable($0) == true } == true
          ? nil : "this is the only mapping of its group"
      },
      perform: { explorer in
        guard let row = explorer.list?.selectedRow else { return }
        if explorer.aliasPane?.isOpen(row) == true {
          explorer.screen.move(&explorer, .down)
        } else {
          explorer.toggleAliases()
        }
      })
    screen.deeds[.close] = Deed(
      obstacle: { explorer in
        explorer.list?.selectedRow.map { explorer.aliasPane?.isOpen($0) == true } == true
          ? nil : "nothing is open here"
      },
      perform: { $0.closeAliases() })
    // From one that shares memory with a space, on to how the two compare.
    screen.deeds[.aliases] = Deed(
      obstacle: { explorer in
        guard case .space = explorer.crossing else { return explorer.aliasesObstacle }
        return explorer.list?.selectedRow == nil ? "no row is selected" : nil
      },
      perform: { explorer in
        guard case .space(let id) = explorer.crossing else {
          explorer.openAliases()
          return
        }
        guard let left = explorer.tree.spaces.firstIndex(where: { $0.id == id }),
          let row = explorer.list?.selectedRow, case .space(let right)? = explorer.list?.content.target(row)
        else { return }
        explorer.compare(left, right)
      })
    screen.namedSpaces = \.spacesOfShownAliases
    // The frame is that of what was asked about, whichever row is selected.
    screen.frameTarget = { $0.crossAddress.map { .address($0) } ?? .nothing("nothing is selected") }
    return screen
  }()
}

extension Explorer {
  /// Spaces whose regions' names the rows on the screen show.
  fileprivate var spacesOfShownAliases: [TreeSpace] {
    guard let pane = aliasPane, let list else { return [] }
    var numbers: [Int] = []
    for place in list.top..<max(list.top, min(list.shown.count, list.top + layout.list.height)) {
      guard let row = list.row(at: place), pane.rows.indices.contains(row) else { continue }
      let number = pane.rows[row].alias.spaceNumber
      if !numbers.contains(number) { numbers.append(number) }
    }
    return numbers.filter(tree.spaces.indices.contains).map { tree.spaces[$0] }
  }
}

extension Command {
  static let aliases = Command(
    "aliases", "who else maps what is selected", label: "who maps it", in: .sharing, .named,
    obstacle: \.aliasesObstacle
  ) {
    $0.openAliases()
  }
}
