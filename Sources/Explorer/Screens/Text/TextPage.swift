/// A page of text to scroll and search: help, warnings.
struct TextPage: Equatable, Sendable {
  let title: String
  let lines: [StyledLine]
  private(set) var top = 0
  /// The line that was found last, until the page is scrolled: the last lines are never at the top.
  private var found: Int?

  init(title: String, lines: [StyledLine]) {
    self.title = title
    self.lines = lines
  }

  /// Moves so that no line beyond the last is shown; `height` lines are visible.
  mutating func scroll(to line: Int, height: Int) {
    found = nil
    top = max(0, min(line, lines.count - max(1, height)))
  }

  /// Scrolls to the next line with the text, or the one before, going round; false when there is none.
  mutating func find(_ text: String, forward: Bool, height: Int) -> Bool {
    guard let line = line(with: text, forward: forward, from: found ?? top) else { return false }
    scroll(to: line, height: height)
    found = line
    return true
  }

  private func line(with text: String, forward: Bool, from start: Int) -> Int? {
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
