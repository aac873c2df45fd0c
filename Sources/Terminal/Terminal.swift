import CTerminal
import Canvas
import Glibc

/// A real terminal: shows canvases, and turns keys, mouse, resizes and signals into events.
///
/// It is the process's own terminal, whatever standard input and output are connected to, and it is given back
/// when the value ends, at `exit`, and on a crash. While the value lives, signals that would end or stop the
/// process are events, and what is written to standard error is held back until the end. All of it is for one
/// thread; only a `Waker` may be used on others.
package struct Terminal: ~Copyable {
  private let term: String
  private let backgroundOfEnvironment: Background?
  private var shown: Canvas?

  /// Takes the terminal. With `color` false (`--no-color`) no color is used, as with `NO_COLOR`.
  package init(color: Bool = true) throws(TerminalError) {
    term = Self.environment("TERM") ?? ""
    backgroundOfEnvironment = Self.environment("COLORFGBG").flatMap(Background.init(colorFgBg:))
    let wantsColor = Capabilities.wantsColor(noColor: Self.environment("NO_COLOR"))
    switch Int(pw_open(color && wantsColor)) {
    case PW_OK: break
    case PW_NO_TERMINAL: throw .noTerminal
    case PW_TERM_UNSET: throw .termUnset
    case PW_TERM_UNKNOWN: throw .termUnknown(term)
    case PW_TERM_DUMB: throw .termDumb(term)
    case PW_BUSY: throw .busy
    default: throw .outOfResources
    }
  }

  deinit { pw_close() }

  /// What the terminal can show now.
  package var capabilities: Capabilities {
    var width: Int32 = 0
    var height: Int32 = 0
    pw_size(&width, &height)
    return Capabilities(
      colors: Capabilities.usableColors(Int(pw_colors())), utf8: pw_utf8(), term: term,
      background: background, width: Int(width), height: Int(height))
  }

  /// What the terminal answered, or else what the environment says.
  private var background: Background? {
    UInt32(exactly: pw_background()).map(Background.init(rgb:)) ?? backgroundOfEnvironment
  }

  /// Shows `canvas` from the top left corner on, and the cursor at `cursor` or not at all.
  ///
  /// Only cells that differ from what was shown before are sent.
  package mutating func show(_ canvas: Canvas, cursor: (x: Int, y: Int)? = nil) {
    for y in 0..<canvas.height {
      for change in CellRuns.changed(row: y, from: shown, to: canvas) {
        pw_put_cells(Int32(y), Int32(change.x), change.cells, Int32(change.cells.count))
      }
    }
    shown = canvas
    pw_show(Int32(clamping: cursor?.x ?? -1), Int32(clamping: cursor?.y ?? -1))
  }

  /// Waits for an event, without a timeout as long as it takes.
  ///
  /// Gives nil when the time is up, a `Waker` calls, or what was typed means nothing.
  package mutating func nextEvent(timeoutMilliseconds: Int? = nil) -> InputEvent? {
    let timeout = timeoutMilliseconds.map { Int32(clamping: max(0, $0)) } ?? -1
    let event = pw_next_event(timeout)
    if Int(event.kind) == PW_EVENT_RESIZE { shown = nil }
    return InputEvent(event)
  }

  /// Gives the terminal back and stops the process, as Ctrl-Z does; returns when the process goes on.
  package mutating func suspend() {
    pw_suspend()
  }

  /// Paints every cell anew, for a screen that something else wrote on.
  package mutating func redrawAll() {
    pw_redraw()
  }

  /// Asks the terminal to put `text` on the clipboard, which not every terminal allows (OSC 52).
  ///
  /// Gives false, and does nothing, when the text is longer than terminals take (`Clipboard.limit`).
  @discardableResult
  package mutating func copy(_ text: String) -> Bool {
    let insideTmux = Self.environment("TMUX").map { !$0.isEmpty } ?? false
    guard let bytes = Clipboard.sequence(for: text, insideTmux: insideTmux) else { return false }
    return pw_write(bytes, bytes.count)
  }

  /// Something that wakes `nextEvent` from another thread.
  package func makeWaker() -> Waker { Waker() }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}

/// Wakes the terminal's event loop from any thread; harmless when there is none (any more).
package struct Waker: Sendable {
  /// Makes the `nextEvent` that waits, or the next one, return.
  package func wake() { pw_wake() }
}
