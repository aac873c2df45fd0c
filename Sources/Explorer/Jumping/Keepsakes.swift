import PageTables

/// What is kept of a dump from one run to the next: where the person was, and the bookmarks.
package struct Keepsakes: Equatable, Sendable {
  package fileprivate(set) var bookmarks: [String: RowID] = [:]
  /// The row that was selected last.
  package fileprivate(set) var place: RowID?

  /// Bookmarks that are read at most: a letter each.
  private static let limit = 64

  /// Nothing to keep.
  package init() {}

  /// Reads what `lines` wrote; passes over lines that say nothing.
  package init(lines: some Sequence<Substring>) {
    for line in lines {
      let words = line.split(separator: " ")
      switch words.first {
      case "place" where words.count == 6: place = RowID(words: words.dropFirst())
      case "bookmark" where words.count == 7 && words[1].count == 1 && bookmarks.count < Self.limit:
        if let id = RowID(words: words.dropFirst(2)) { bookmarks[String(words[1])] = id }
      default: break
      }
    }
  }

  /// A line each, for a file.
  package var lines: [String] {
    bookmarks.sorted { $0.key < $1.key }.map { "bookmark \($0.key) \($0.value.words)" }
      + (place.map { ["place \($0.words)"] } ?? [])
  }
}

extension RowID {
  /// Root, ordinal, kind, level and address.
  fileprivate var words: String {
    "\(Numbers.hex(space.root)) \(space.ordinal) \(kind.rawValue) \(level) \(Numbers.hex(virtual.value))"
  }

  fileprivate init?(words: ArraySlice<Substring>) {
    let words = Array(words)
    guard words.count == 5, let root = AddressText.parse(words[0]), let ordinal = Int(words[1]),
      let number = UInt8(words[2]), let kind = TreeRow.Kind(rawValue: number), let level = Int(words[3]),
      (-1...8).contains(level), let virtual = AddressText.parse(words[4])
    else { return nil }
    self.init(
      space: SpaceID(root: PhysicalAddress(root), ordinal: ordinal), kind: kind, level: level,
      virtual: VirtualAddress(virtual))
  }
}

extension Explorer {
  /// What is worth keeping for the next time.
  package var keepsakes: Keepsakes {
    var kept = Keepsakes()
    kept.bookmarks = bookmarks
    kept.place = selectedRow.map { tree.id(of: $0) }
    return kept
  }

  /// Takes the bookmarks of another time; and goes where the person was then, if that space is known.
  ///
  /// - Parameter goesThere: false where the person said where to begin.
  package mutating func restore(_ kept: Keepsakes, goesThere: Bool = true) {
    bookmarks.merge(kept.bookmarks) { new, _ in new }
    guard goesThere, let place = kept.place, place.level >= 0 || place.space != tree.spaces.first?.id,
      tree.spaces.contains(where: { $0.id == place.space })
    else { return }
    let said = status
    go(to: place)
    // What is wrong with the configuration or the source is worth more.
    status = said.role == .warning ? said : .note("where you were last time; g g goes to the top")
  }

  /// The commands that were typed, oldest first.
  package var commandHistory: [String] {
    get { history.lines(of: .command) }
    set { history.replace(.command, with: newValue) }
  }
}
