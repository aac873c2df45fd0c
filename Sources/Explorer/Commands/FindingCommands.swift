extension Command {
  static let search = Command(
    "search", "look for a name, a word or digits of an address", label: "search", in: .finding, .everywhere,
    .text("TEXT")
  ) { explorer, text in
    if text.isEmpty {
      explorer.openSearch()
    } else {
      explorer.query = text
      if !explorer.findSpaceByName() { explorer.find(forward: true) }
    }
    return []
  }

  static let searchNext = Command(
    "search-next", "the next match", label: "next", in: .finding, .everywhere, obstacle: \.searchObstacle
  ) {
    $0.find(forward: true)
  }

  static let searchPrevious = Command(
    "search-previous", "the previous match", label: "previous", in: .finding, .everywhere,
    obstacle: \.searchObstacle
  ) {
    $0.find(forward: false)
  }

  static let filter = Command(
    "filter", "show only what matches; empty shows all", label: "filter", in: .finding, .named,
    .optionalText("WORDS")
  ) { explorer, words in
    if words.isEmpty {
      explorer.prompt = Prompt(.filter, text: explorer.list?.filter.text ?? explorer.tree.filter.text)
    } else {
      explorer.filter(words)
    }
    return []
  }

  static let sort = Command(
    "sort", "sort the list; repeat to reverse", label: "sort", in: .finding, .named, .column
  ) { explorer, word in
    explorer.sort(by: word)
    return []
  }
}

extension Explorer {
  fileprivate var searchObstacle: String? { query.isEmpty ? "no search yet; / starts one" : nil }

  /// Selects the next row that the query is found in, going round at the end.
  mutating func find(forward: Bool) { screen.find(&self, forward) }

  mutating func filter(_ words: String) {
    if list != nil {
      lists[screenID]?.setFilter(ListFilter(words))
    } else {
      keepingSelection { $0.setFilter(TreeFilter(words)) }
      tellEmptyFilter()
    }
  }

  /// Says where a filter left nothing, once that is known.
  mutating func tellEmptyFilter() {
    guard !tree.isBuilding, tree.rows.isEmpty, !tree.filter.isEmpty, !tree.spaces.isEmpty else { return }
    status = .warning(
      "nothing passes the filter '\(tree.filter.text)' in any space; f Ctrl-u Enter shows all")
  }

  /// Sorts the list by a column's name or number.
  fileprivate mutating func sort(by word: String) {
    guard let columns = list?.content.columns else { return }
    let number = Int(word).map { $0 - 1 } ?? columns.firstIndex { $0.name == word }
    guard let number = word.isEmpty ? 0 : number, columns.indices.contains(number) else {
      status = .warning("sort takes one of " + columns.map(\.name).joined(separator: ", ") + " here")
      return
    }
    lists[screenID]?.sort(by: number)
  }
}
