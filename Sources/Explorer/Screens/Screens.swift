extension Screen {
  /// All screens, in the order in which help names the commands that open them.
  static let all: [Screen] = [
    .tree, .detail, .spaces, .regions, .shared, .mirrors, .findings, .hugePages, .aliases, .matrix, .map,
    .frame, .overlays, .guest, .warnings, .help,
  ]

  private static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

  static subscript(id: ID) -> Screen {
    guard let screen = byID[id] else { preconditionFailure("\(id.name) is not in the list of screens") }
    return screen
  }

  /// The words that `sort` takes: the columns of all lists, each once, and their numbers, which stand for whatever
  /// a list has there.
  static let sortWords: [String] = {
    var words: [String] = []
    for word in all.flatMap(\.sortWords) where !words.contains(word) { words.append(word) }
    return words + (1...9).map { "\($0)" }
  }()
}

extension Explorer {
  /// The screen that has the keyboard.
  var screen: Screen { Screen[screenID] }

  /// Lets a screen have the keyboard; the key that opened it closes it, too.
  mutating func enter(_ new: Screen.ID) {
    page = nil
    if new == screenID {
      screenID = trail.popLast() ?? .tree
      return
    }
    if let known = trail.firstIndex(of: new) {
      trail.removeSubrange(known...)
    } else if Screen[new].isQuestion, !screen.isHome {
      trail.append(screenID)
    } else {
      trail = []
    }
    screenID = new
  }

  /// Covers the screen with a page of text.
  mutating func show(_ newPage: TextPage, as new: Screen.ID) {
    page = newPage
    coveredScreen = screenID
    screenID = new
  }

  /// Tells all screens what changed.
  mutating func follow(_ change: Change) {
    for screen in Screen.all { screen.follow(&self, change) }
  }
}
