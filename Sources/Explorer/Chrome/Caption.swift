import Canvas

/// What a script says to the person, at the bottom of the screen.
struct CaptionState: Sendable {
  private(set) var text = ""
  /// Whether a script waits for Enter.
  var isPaused = false

  /// Where a script with several pauses waits, such as `3 of 18`; empty for any other.
  private(set) var place = ""

  /// The next pause of the script is this one of so many, from 1 on.
  mutating func tell(pause number: Int, of count: Int) {
    place = count > 1 ? "\(number) of \(count)" : ""
  }

  mutating func show(_ new: String) { text = CellText.visible(new) }

  /// The text in lines of at most `width` cells.
  func lines(width: Int) -> [StyledLine] {
    guard !text.isEmpty, width > 0 else { return [] }
    return StyledLine(text, .text).wrapped(to: width, indent: 0)
  }
}

extension Explorer {
  /// A key while a tour waits: Enter continues, Esc and q leave the tour, Q the program, all others do nothing.
  mutating func handleInTour(key: Key) -> [ExplorerWork] {
    switch key {
    case .enter, .character(" "), .right, .pageDown:
      caption.isPaused = false
      status = .empty
    case .escape, .character("q"), .control("c"): return leaveTour()
    case .character("Q"): return [.quit(status: 0)]
    default: status = .note("Enter continues, Esc leaves the tour")
    }
    return []
  }

  /// Gives the keyboard back: the rest of the script is not played.
  mutating func leaveTour() -> [ExplorerWork] {
    caption = CaptionState()
    status = .note("tour ended; ? lists the keys")
    return [.endScript]
  }
}
