// A new screen has a folder of its own, its line in the list below, and its key in `Keymap`. A list that is made of the
// index is best begun as a copy of `FindingsScreen`, one with a search of its own as a copy of `HugePagesScreen`. The
// tests ask for a line in `KeyTests.sharingStates`, and the README's table of keys names it.

extension Screen {
  /// All screens, in the order in which help names the commands that open them.
  static let all: [Screen] = [
    .tree, .detail, .spaces, .regions, .shared, .mirrors, .findings, .hugePages, .changes, .finder, .aliases,
    .compare,
    .matrix,
    .map, .physicalMap, .frame, .overlays, .guest, .warnings, .help,
  ]

  private static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

  static subscript(id: ID) -> Screen {
    guard let screen = byID[id] else { preconditionFailure("\(id.name) is not in the list of screens") }
    return screen
  }

  /// Whether slices of some screen's work are still to be done. Asked at every key, so no screen, which holds many
  /// functions, is copied for it.
  static func anyIsWorking(for explorer: Explorer) -> Bool {
    all.indices.contains { all[$0].isWorking(explorer) }
  }

  /// The words that `sort` takes: the columns of all lists, each once, and their numbers, which stand for whatever
  /// a list has there.
  static let sortWords: [String] = {
    var words: [String] = []
    for word in all.flatMap(\.sortWords) where !words.contains(word) { words.append(word) }
    return words + (1...9).map { "\($0)" }
  }()
}
