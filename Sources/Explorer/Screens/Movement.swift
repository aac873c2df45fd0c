/// A move that a person asks for; each screen knows what it moves, and how far.
enum Movement: Sendable {
  case left, right
  case down, up, pageDown, pageUp, halfDown, halfUp
  case first, last

  /// Rows to go down, on a page of so many.
  func rows(page: Int) -> Int {
    switch self {
    case .left, .right: 0
    case .down: 1
    case .up: -1
    case .pageDown: page
    case .pageUp: -page
    case .halfDown: max(1, page / 2)
    case .halfUp: -max(1, page / 2)
    case .first: -(1 << 40)
    case .last: 1 << 40
    }
  }
}
