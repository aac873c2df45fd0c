import Canvas

extension Screen {
  /// What makes one list differ from others; all of them are drawn, moved, sorted and filtered alike.
  struct ListKind: Sendable {
    /// The columns and rows as they are known now.
    let content: @Sendable (Explorer) -> ListContent
    /// The byte of memory that a row is about; nil for a row that is no more.
    let frame: @Sendable (Explorer, _ row: Int) -> FrameTarget?
    /// What `x` is about; nil where that is the frame.
    var crossReference: @Sendable (Explorer, _ row: Int) -> CrossReference? = { _, _ in nil }
    /// Finds out what the content is made of; gives the row to select, where it knows.
    var prepare: @Sendable (inout Explorer) -> Int? = { _ in nil }
    /// Whether the content has to be made anew after a change.
    var follows: @Sendable (Explorer, Change) -> Bool = { _, change in change.isAboutIndex }
    /// Forgets what a change made wrong, before the content is made anew.
    var forget: @Sendable (inout Explorer, Change) -> Void = { _, _ in }
    /// Whether rows are still looked for, a slice at a time; the content is made anew when all are found.
    var isSearching: @Sendable (Explorer) -> Bool = { _ in false }
    /// Looks for rows for one slice.
    var search: @Sendable (inout Explorer) -> Void = { _ in }
    /// Whether the title tells all, and the rows that are shown need not be counted behind it.
    var titleCounts = false
    /// The sign at the left edge of a row.
    var sign: (@Sendable (Explorer, _ row: Int) -> String?)?
  }

  /// A screen that is a list of rows.
  ///
  /// - Parameter columns: the words that `sort` takes for its columns.
  static func list(
    _ id: ID, title: String, sections: [HelpSection] = [], columns: [String], opener: Command? = nil,
    commands: [Command] = [.aliases, .frame],
    footer: [Command] = [.open, .aliases, .frame, .search, .filter, .sort, .help, .cancel], _ kind: ListKind
  ) -> Screen {
    var screen = Screen(
      id: id, title: title, sections: sections, sortWords: columns, opener: opener,
      commands: commands + [.filter, .sort],
      deeds: [
        .open: Deed(
          obstacle: { explorer in
            explorer.selectedTarget == nil && explorer.list?.selectedFold == nil
              ? "no row is selected" : nil
          },
          perform: { explorer in
            if let fold = explorer.list?.selectedFold {
              explorer.lists[id]?.toggle(fold: fold)
            } else if let target = explorer.selectedTarget {
              explorer.go(to: target)
            }
          })
      ],
      footer: { _ in footer },
      draw: { explorer, layout, canvas, theme, glyphs in
        guard let list = explorer.list else { return }
        explorer.drawList(list, sign: kind.sign, layout, &canvas, theme, glyphs)
      },
      move: { explorer, movement in
        explorer.moveInList(by: movement.rows(page: max(1, explorer.layout.list.height)))
      },
      scroll: { explorer, step, _, _ in explorer.moveInList(by: step) },
      frameTarget: { explorer in
        guard let row = explorer.lists[id]?.selectedRow else {
          let isFold = explorer.lists[id]?.selectedFold != nil
          return .nothing(isFold ? "this row stands for many; Enter opens it" : "no row is selected")
        }
        return kind.frame(explorer, row) ?? .nothing("no row is selected")
      })
    screen.crossReference = { explorer in
      explorer.lists[id]?.selectedRow.flatMap { kind.crossReference(explorer, $0) }
    }
    screen.heading = { explorer in
      guard let list = explorer.list else { return nil }
      let heading = list.heading(titleCounts: kind.titleCounts)
      let room = explorer.width - 2 - CellText.width(of: heading) - 3
      if let remark = list.content.remarks.first(where: { $0.count <= room }) {
        return heading + "   " + remark
      }
      // Where the list is short they stand below it.
      guard !list.hasRoomForHiddenCells(in: explorer.layout.list) else { return heading }
      let hidden = list.hiddenCells(in: explorer.layout.list, room: room)
      return hidden.isEmpty ? heading : heading + "   " + hidden
    }
    screen.press = { $0.pressInList($1) }
    screen.settle = { explorer in
      let height = explorer.layout.list.height
      explorer.lists[id]?.settle(height: height)
    }
    screen.find = { $0.startSearch(in: id, forward: $1) }
    screen.fill = { explorer in
      let row = kind.prepare(&explorer)
      let content = kind.content(explorer)
      explorer.show(content, in: id, selecting: row)
    }
    screen.follow = { explorer, change in
      kind.forget(&explorer, change)
      if explorer.lists[id] != nil, kind.follows(explorer, change) { Screen[id].fill(&explorer) }
    }
    screen.isWorking = { $0.lists[id]?.isWorking == true || kind.isSearching($0) }
    screen.proceed = { explorer in
      guard kind.isSearching(explorer) else {
        explorer.lists[id]?.proceed()
        return
      }
      kind.search(&explorer)
      if !kind.isSearching(explorer), explorer.lists[id] != nil { Screen[id].fill(&explorer) }
    }
    return screen
  }

  /// A list that is made of the index: until that is there, it says what it waits for.
  ///
  /// - Parameters:
  ///   - title: what help calls it, and what stands above it while it waits.
  ///   - frame: the byte of memory that a row of the index is about; nil for a row that is no more.
  ///   - titleCounts: whether the title tells all, and the rows that are shown need not be counted behind it.
  static func indexList(
    _ id: ID, title: String, sections: [HelpSection] = [], columns: [String], opener: Command,
    content: @escaping @Sendable (ExplorerIndex, ListSpaces) -> ListContent,
    frame: @escaping @Sendable (Explorer, ExplorerIndex, _ row: Int) -> FrameTarget?,
    crossReference: @escaping @Sendable (Explorer, ExplorerIndex, _ row: Int) -> CrossReference? = {
      _, _, _ in nil
    },
    titleCounts: Bool = false
  ) -> Screen {
    var screen = list(
      id, title: title, sections: sections, columns: columns, opener: opener,
      ListKind(
        content: { explorer in
          guard let index = explorer.index else { return .awaited(title, explorer.awaitedText) }
          return content(index, ListSpaces(explorer.tree.spaces))
        },
        frame: { explorer, row in explorer.index.flatMap { frame(explorer, $0, row) } },
        crossReference: { explorer, row in explorer.index.flatMap { crossReference(explorer, $0, row) } },
        titleCounts: titleCounts))
    screen.needsIndex = true
    return screen
  }
}

extension RowList {
  /// The title of the list, and how many rows are shown of how many.
  fileprivate func heading(titleCounts: Bool) -> String {
    if content.columns.isEmpty || (titleCounts && filter.isEmpty) { return content.title }
    let all = content.count
    let count =
      shownCount == all
      ? "\(all)" : "\(shownCount) of \(all)" + (all > ListContent.limit ? ", the rest is not listed" : "")
    return content.title + "   " + count
  }
}

extension Explorer {
  /// A list by its screen; an empty one where none was opened.
  func list(_ id: Screen.ID) -> RowList { lists[id] ?? RowList(.awaited("", "")) }

  /// Opens a list as it was left, or as it is made now.
  mutating func openList(_ id: Screen.ID) {
    if lists[id] == nil { Screen[id].fill(&self) }
    enter(id)
  }

  /// Gives a list what is known now; the selection stays on its row.
  fileprivate mutating func show(_ content: ListContent, in id: Screen.ID, selecting row: Int?) {
    guard let old = lists[id] else {
      lists[id] = RowList(content)
      return
    }
    // What it looked for was in columns that may be others now.
    if slices.search?.list == id { slices.search = nil }
    var selected = row ?? old.selectedRow
    if row == nil, let known = old.selectedRow, let space = old.content.space?(known) {
      selected = (0..<content.count).first { content.space?($0) == space } ?? known
    }
    lists[id]?.replace(content, selecting: selected)
  }

  /// Where the selected row of the list leads.
  fileprivate var selectedTarget: ListTarget? {
    guard let list, let row = list.selectedRow else { return nil }
    return list.content.target(row)
  }

  fileprivate mutating func moveInList(by step: Int) {
    guard let list else { return }
    lists[screenID]?.selection = max(0, min(list.selection + step, max(0, list.shown.count - 1)))
  }

  fileprivate mutating func pressInList(_ press: Screen.Press) -> [ExplorerWork] {
    guard let list else { return [] }
    if layout.header.contains(x: press.x, y: press.y) {
      if let column = list.column(at: press.x, in: layout.list) { lists[screenID]?.sort(by: column) }
      return []
    }
    guard layout.list.contains(x: press.x, y: press.y) else { return [] }
    let row = list.top + press.y - layout.list.y
    guard list.shown.indices.contains(row) else { return [] }
    lists[screenID]?.selection = row
    return press.opens ? perform(CommandLine(.open)) : []
  }
}
