import Canvas

/// The one line that answers what was done.
struct StatusLine: Equatable, Sendable {
  var text: String
  var role: Role

  static let empty = StatusLine(text: "", role: .status)

  static func note(_ text: String) -> StatusLine { StatusLine(text: text, role: .status) }
  static func warning(_ text: String) -> StatusLine { StatusLine(text: text, role: .warning) }
  static func error(_ text: String) -> StatusLine { StatusLine(text: text, role: .error) }
}

/// The search for spaces, as the title shows it.
enum ScanState: Equatable, Sendable {
  case idle
  case running(Double)
  case done
  case cancelled
}
