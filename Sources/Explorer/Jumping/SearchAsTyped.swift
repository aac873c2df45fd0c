import PageTables

/// Where a search began: each letter looks from here anew, and Esc comes back here.
struct SearchOrigin: Sendable {
  let screenID: Screen.ID
  let row: RowID?
  let selection: Int
  let top: Int
  /// The selection and the top of the list that was searched, and the folds that were open in it.
  let list: (selection: Int, top: Int, openFolds: Set<String>)?
  let page: TextPage?
  /// The letters that were found nowhere, the last time.
  var missed = ""
}

/// How a search follows what is typed.
extension Explorer {
  /// Opens the prompt, and keeps in mind where that was.
  mutating func openSearch() {
    prompt = Prompt(.search, formerQuery: query)
    searchOrigin = SearchOrigin(
      screenID: screenID, row: selectedRow.map { tree.id(of: $0) }, selection: selection, top: top,
      list: list.map { ($0.selection, $0.top, $0.openFolds) }, page: page)
  }

  /// Selects what the letters so far find, as Enter would, but leaves no trace of it.
  mutating func searchAsTyped() {
    // Elsewhere a search leaves the screen, which waits for Enter.
    guard returnToSearchOrigin(), screen.isHome || screen.isPage || list != nil, !query.isEmpty else {
      return
    }
    status = .empty
    guard !isKnownToMiss else {
      missed(missText(inList: list != nil))
      return
    }
    if !findSpaceByName() { find(forward: true) }
    guard status.role == .warning else { return }
    missed(status.text)
    status = .empty
  }

  /// Says that a search found nothing: where it is typed, or below.
  mutating func missed(_ text: String) {
    guard prompt?.kind == .search else {
      status = .warning(text)
      return
    }
    prompt?.problem = text
    searchOrigin?.missed = query
  }

  func missText(inList: Bool) -> String {
    inList
      ? "'\(query)' is not in the list"
      : "no open row's name or address contains '\(query)'; f filters all spaces"
  }

  /// Whether the letters begin with some that were found nowhere, and with more can be found nowhere either: of a
  /// line that somebody leans on, most letters need no search.
  private var isKnownToMiss: Bool {
    guard let missed = searchOrigin?.missed, missed.count >= SearchNeedle.longestWord,
      query.hasPrefix(missed)
    else { return false }
    return list == nil
      ? screen.isHome : ListFilter(query).narrows(ListFilter(missed), list?.content.columns ?? [])
  }

  /// Comes back to where the search began; false where none did.
  @discardableResult
  mutating func returnToSearchOrigin() -> Bool {
    guard let origin = searchOrigin else { return false }
    slices.search = nil
    screenID = origin.screenID
    page = origin.page
    if let list = origin.list {
      lists[screenID]?.show(openFolds: list.openFolds)
      lists[screenID]?.selection = list.selection
      lists[screenID]?.top = list.top
    }
    let isThere = selectedRow(at: origin.selection) == origin.row
    // Rows may have come and gone meanwhile.
    selection = isThere ? origin.selection : origin.row.flatMap { tree.index(of: $0) } ?? origin.selection
    top = origin.top
    return true
  }

  private func selectedRow(at index: Int) -> RowID? {
    tree.rows.indices.contains(index) ? tree.id(of: tree.rows[index]) : nil
  }
}
