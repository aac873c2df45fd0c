import Canvas

/// Why there is no screen to show anything on.
package enum TerminalError: Error, Hashable, Sendable {
  /// The process has no controlling terminal: it runs under cron, a daemon or a build.
  case noTerminal
  /// `TERM` is not set.
  case termUnset
  /// No terminfo entry for this `TERM`.
  case termUnknown(String)
  /// The terminal of this `TERM` cannot move its cursor.
  case termDumb(String)
  /// Another `Terminal` is open.
  case busy
  /// The system has no memory or file descriptors left.
  case outOfResources
}

extension TerminalError: CustomStringConvertible {
  /// One line for people: what is wrong, and what to do.
  package var description: String {
    switch self {
    case .noTerminal: "no terminal to show the explorer on; \(Self.otherWays)"
    case .termUnset: "TERM is not set; \(Self.remedy)"
    case .termUnknown(let name): "unknown terminal type '\(CellText.visible(name))'; \(Self.remedy)"
    case .termDumb(let name):
      "a terminal of type '\(CellText.visible(name))' cannot show the explorer; \(Self.remedy)"
    case .busy: "the terminal is in use by another screen of this program"
    case .outOfResources: "cannot take the terminal: out of memory or file descriptors"
    }
  }

  private static let otherWays =
    "`pagewalk screenshot` draws it into a file; spaces, map and translate print text"
  private static let remedy = "try TERM=xterm-256color; \(otherWays)"
}
