/// Something the mouse did, in cells from the top left corner.
package struct MouseEvent: Hashable, Sendable {
  /// What it did.
  package enum Kind: Hashable, Sendable {
    /// A button went down.
    case pressLeft, pressMiddle, pressRight
    /// A button went up.
    case release
    /// The left button went down twice on the same cell in a short time; the first press was reported too.
    case doubleClick
    /// The wheel turned by one notch.
    case wheelUp, wheelDown
  }

  /// The column.
  package let x: Int
  /// The row.
  package let y: Int
  /// What it did.
  package let kind: Kind
  /// Whether Shift was held; most terminals keep such clicks for themselves.
  package let shift: Bool
  /// Whether Ctrl was held.
  package let control: Bool

  /// An event at column `x`, row `y`.
  package init(x: Int, y: Int, kind: Kind, shift: Bool = false, control: Bool = false) {
    self.x = x
    self.y = y
    self.kind = kind
    self.shift = shift
    self.control = control
  }
}

/// Something that happened to the program from outside.
package enum InputEvent: Hashable, Sendable {
  /// A key was pressed.
  case key(Key)
  /// Text was pasted, as far as the terminal tells it from keys. It may hold line breaks and anything else.
  case paste(String)
  /// The mouse did something.
  case mouse(MouseEvent)
  /// The terminal has this size now.
  case resize(width: Int, height: Int)
  /// The program was stopped and goes on; the screen is drawn anew by the next `show`.
  case suspendResumed
  /// Ctrl-C, or SIGINT: give up what is running, or leave.
  case interrupt
  /// This signal asks the program to end: leave now. Where the terminal is gone, it is SIGHUP.
  case end(signal: Int32)
}
