/// A page of text to scroll and search: help, warnings.
struct TextPage: Equatable, Sendable {
  let title: String
  let lines: [StyledLine]
  var top = 0
  /// What was searched for last.
  var query = ""

  init(title: String, lines: [StyledLine]) {
    self.title = title
    self.lines = lines
  }

  /// Moves so that no line beyond the last is shown; `height` lines are visible.
  mutating func scroll(to line: Int, height: Int) {
    top = max(0, min(line, lines.count - max(1, height)))
  }

  /// The next line with the text, before or after the top one, going round; nil when there is none.
  func line(with text: String, forward: Bool, from start: Int) -> Int? {
    let needle = text.lowercased()
    guard !needle.isEmpty, !lines.isEmpty else { return nil }
    for step in 1...lines.count {
      let offset = forward ? step : lines.count - step
      let index = (start + offset) % lines.count
      if lines[index].text.lowercased().contains(needle) { return index }
    }
    return nil
  }
}
