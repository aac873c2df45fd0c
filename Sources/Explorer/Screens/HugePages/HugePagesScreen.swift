import PageTables

extension Screen.ID {
  static let hugePages = Screen.ID("huge-pages")
}

extension Screen {
  static let hugePages: Screen = {
    let title = "huge pages"
    var screen = Screen.list(
      .hugePages, title: title, columns: ["va", "space", "size", "pages", "rights", "frame", "holds"],
      opener: .hugePages,
      ListKind(
        content: { explorer in
          guard let search = explorer.hugePages, search.isDone else {
            return .awaited(title, "tables are being read; the list fills in automatically")
          }
          return .hugePages(
            search.rows, isCut: search.isCut, ListSpaces(explorer.tree.spaces),
            names: explorer.tree.spaces.map { explorer.guest[$0.id] }, explorer.index?.spaces)
        },
        frame: { explorer, row in
          guard let rows = explorer.hugePages?.rows, rows.indices.contains(row) else { return nil }
          return .address(rows[row].physical)
        },
        prepare: { explorer in
          if explorer.hugePages == nil { explorer.searchHugePages() }
          return nil
        },
        follows: { _, change in
          switch change {
          case .spaces, .names, .index, .tables, .guest, .namesOfSpace: true
          case .commandLines, .width: false
          }
        },
        forget: { explorer, change in
          if change == .spaces || change == .tables { explorer.hugePages = nil }
        },
        isSearching: { $0.hugePages?.isDone == false },
        search: { $0.searchHugePages() }))
    screen.namedSpaces = \.spacesOfShownHugePages
    return screen
  }()
}

extension Command {
  static let hugePages = Command(
    "huge-pages", "the list of pages above the last level", label: "huge pages", in: .open, .views,
    obstacle: { $0.tree.spaces.isEmpty ? "there is no space" : nil },
    does: { $0.openList(.hugePages) })
}

/// The search for huge pages: what it found so far, or all of it.
struct HugePagesState: ScreenState {
  var search: HugePageSearch?
}

extension Explorer {
  fileprivate(set) var hugePages: HugePageSearch? {
    get { states[HugePagesState.self].search }
    set { states[HugePagesState.self].search = newValue }
  }

  /// Begins to search, or goes on, for one slice. What is known meanwhile is kept nowhere else: a copy of it would
  /// be made at every change.
  fileprivate mutating func searchHugePages() {
    var search = hugePages ?? HugePageSearch(tree.spaces, memory)
    hugePages = nil
    search.proceed()
    hugePages = search
  }

  /// The spaces of the rows on the screen, the selected one first.
  fileprivate var spacesOfShownHugePages: [TreeSpace] {
    guard let list = lists[.hugePages], let rows = hugePages?.rows else { return [] }
    var spaceNumbers: [Int32] = []
    let shown = list.shown.dropFirst(list.top).prefix(max(1, layout.list.height))
    for row in [list.selectedRow].compactMap(\.self) + shown.map(Int.init) where rows.indices.contains(row) {
      if !spaceNumbers.contains(rows[row].spaceNumber) { spaceNumbers.append(rows[row].spaceNumber) }
    }
    return spaceNumbers.filter { tree.spaces.indices.contains(Int($0)) }.map { tree.spaces[Int($0)] }
  }
}
