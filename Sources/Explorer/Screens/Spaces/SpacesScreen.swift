extension Screen.ID {
  static let spaces = Screen.ID("spaces")
}

extension Screen {
  static let spaces: Screen = {
    var screen = Screen.list(
      .spaces, title: "the list of spaces", sections: [listSection, memorySection],
      columns: [
        "name", "pid", "resident", "private", "proportional", "swapped", "own", "shared", "mirrors",
        "command", "root",
        "found",
        "named", "scheme", "others",
      ], opener: .spaces,
      commands: [.aliases, .frame, .regions, .compare],
      footer: [.open, .regions, .search, .filter, .sort, .help, .cancel],
      ListKind(
        content: { .spaces($0.tree.spaces, $0.index) },
        frame: { explorer, row in
          explorer.tree.spaces.indices.contains(row) ? .address(explorer.tree.spaces[row].root) : nil
        },
        crossReference: { explorer, row in
          explorer.tree.spaces.indices.contains(row) ? .space(explorer.tree.spaces[row].id) : nil
        },
        follows: { _, change in [.spaces, .names, .commandLines, .index].contains(change) }))
    screen.regionsTarget = { explorer in
      explorer.lists[.spaces]?.selectedRow.map { RegionsTarget(spaceNumber: $0, address: nil) }
    }
    return screen
  }()

  /// The first of the lists tells what all of them have in common.
  private static let listSection = HelpSection(
    "Lists", "1 to 9 sort by that column, repeat to reverse",
    [
      ("word", "in a filter: part of a text, digits of an address, or a length such as 4k"),
      ("owner:word !word", "in one column only; not"),
    ])

  private static let memorySection = HelpSection(
    "Spaces", "what the user half of each uses",
    [
      ("resident", "memory that it maps, each page once"),
      ("private", "memory of its own, which no other process maps"),
      ("proportional", "each page divided by its mappings in all processes"),
      (":sort private", "which processes use the most memory of their own"),
      ("swapped", "what its entries keep a place in swap space for"),
      ("own tables, shared", "tables that no other space reaches, and those that others do"),
    ])
}

extension Command {
  static let spaces = Command("spaces", "the list of all spaces", label: "spaces", in: .open, .views) {
    explorer in
    let spaceNumber = explorer.selectedSpace.flatMap { space in
      explorer.tree.spaces.firstIndex { $0.id == space.id }
    }
    if explorer.lists[.spaces] == nil { Screen.spaces.fill(&explorer) }
    if let spaceNumber { explorer.lists[.spaces]?.select(row: spaceNumber) }
    explorer.enter(.spaces)
  }
}
