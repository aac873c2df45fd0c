import PageTables

extension Explorer {
  /// Rows of the tree, and of a list, that one slice of a search looks at.
  private static let searchSlice = 25_000
  private static let listSearchSlice = 4_000

  /// Does one slice of whatever is to be done.
  mutating func proceed() {
    if tree.isBuilding {
      tree.proceed()
      lookForAwaited()
      if !tree.isBuilding {
        reachGoal()
        tellEmptyFilter()
      }
    } else if slices.search != nil {
      continueSearch()
    } else if let screen = Screen.all.first(where: { $0.isWorking(self) }) {
      screen.proceed(&self)
    }
  }

  /// Changes what the tree shows, and stays on the same row or the nearest one above it.
  mutating func keepingSelection(_ change: (inout TreeList) -> Void) {
    var ids: [RowID] = slices.awaited.map { $0.selection == selection ? $0.ids : [] } ?? []
    var index: Int? = selection
    while ids.isEmpty || index != selection, let current = index, tree.rows.indices.contains(current) {
      ids.append(tree.id(of: tree.rows[current]))
      index = tree.parent(of: current)
    }
    let offset = selection - top
    let wasFirst = selection == 0
    change(&tree)
    selection = 0
    slices.awaited = SlicedWork.AwaitedRow(
      ids: ids, best: ids.count, selection: 0, offset: offset, wasFirst: wasFirst)
    lookForAwaited()
  }

  /// Looks for the row to select again among those that were built since.
  private mutating func lookForAwaited() {
    guard var awaited = slices.awaited else { return }
    guard awaited.selection == selection else {
      slices.awaited = nil
      return
    }
    let space = awaited.ids.first.flatMap { id in tree.spaces.firstIndex { $0.id == id.space } }
    if let space {
      for index in min(awaited.seen, tree.rows.count)..<tree.rows.count {
        let row = tree.rows[index]
        guard let rank = awaited.ids[..<awaited.best].firstIndex(where: { row.isRow($0, ofSpace: space) })
        else { continue }
        awaited.best = rank
        selection = index
        // Who saw the first row sees what comes before it now.
        let isNear = awaited.wasFirst && index < layout.tree.height
        top = isNear ? 0 : max(0, index - awaited.offset)
        if rank == 0 { break }
      }
    }
    awaited.seen = tree.rows.count
    awaited.selection = selection
    slices.awaited = tree.isBuilding && awaited.best > 0 ? awaited : nil
  }

  /// Goes where a jump led while the tree was still being built.
  private mutating func reachGoal() {
    guard let goal = slices.goal else { return }
    slices.goal = nil
    reveal(goal)
  }

  // MARK: Searching

  /// Begins a search at the row of the tree after the selection; the first slice at once.
  mutating func startSearch(forward: Bool) {
    slices.search = SlicedWork.RowSearch(list: nil, forward: forward, start: selection)
    continueSearch()
  }

  /// The same in a list.
  mutating func startSearch(in id: Screen.ID, forward: Bool) {
    guard let start = lists[id]?.beginSearch(), let list = lists[id] else { return }
    slices.search = SlicedWork.RowSearch(
      list: id, forward: forward, start: start,
      matcher: ListMatcher(ListFilter(query), columns: list.content.columns))
    continueSearch()
  }

  /// Selects the next space that is called like the query, and not just something that has it in its name.
  mutating func findSpaceByName() -> Bool {
    let name = query.lowercased()
    guard !name.isEmpty else { return false }
    if screenID == .spaces { return findSpaceInList(name) }
    guard screen.isHome, !tree.isBuilding else { return false }
    let (count, start) = (tree.spaces.count, selectedRow.map { Int($0.space) } ?? 0)
    for step in 0..<count {
      let space = (start + 1 + step) % count
      guard tree.spaces[space].isCalled(name) else { continue }
      guard let found = tree.reveal(space: space, virtual: VirtualAddress(0), level: -1) else { continue }
      if prompt == nil { remember() }
      screenID = .tree
      selection = found.index
      detailTop = 0
      return true
    }
    return false
  }

  /// The same in the list of spaces.
  private mutating func findSpaceInList(_ name: String) -> Bool {
    guard let list = lists[.spaces] else { return false }
    let count = list.shown.count
    for step in 0..<count {
      let place = (list.selection + 1 + step) % count
      let number = Int(list.shown[place])
      guard tree.spaces.indices.contains(number), tree.spaces[number].isCalled(name) else { continue }
      lists[.spaces]?.selection = place
      return true
    }
    return false
  }

  private mutating func continueSearch() {
    guard var search = slices.search else { return }
    slices.search = nil
    let count = search.list.map { lists[$0]?.searchedCount ?? 0 } ?? tree.rows.count
    let slice = search.list == nil ? Self.searchSlice : Self.listSearchSlice
    let limit = min(slice, count - search.seen)
    let start = search.start + (search.forward ? search.seen : -search.seen)
    var isFound = false
    if limit > 0, search.list == nil {
      isFound = findRow(from: start, forward: search.forward, limit: limit)
    } else if limit > 0, let id = search.list, var matcher = search.matcher {
      isFound =
        lists[id]?.find(&matcher, from: start, forward: search.forward, limit: limit).isFound ?? false
      search.matcher = matcher
    }
    if isFound { return }
    search.seen += max(0, limit)
    if search.seen < count {
      slices.search = search
      return
    }
    missed(missText(inList: search.list != nil))
  }

  private mutating func findRow(from start: Int, forward: Bool, limit: Int) -> Bool {
    let needle = SearchNeedle(query)
    let count = tree.rows.count
    for step in 1...limit {
      let index = ((start + (forward ? step : -step)) % count + count) % count
      let row = tree.rows[index]
      guard needle.matches(row, in: tree.spaces[Int(row.space)]) else { continue }
      if prompt == nil { remember() }
      screenID = .tree
      selection = index
      detailTop = 0
      return true
    }
    return false
  }
}
