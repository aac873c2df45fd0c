import Canvas
import Guests
import PageTables

/// What can happen to the explorer.
public enum ExplorerEvent: Sendable {
  /// A key, the mouse, a new size, a signal.
  case input(InputEvent)
  /// A line as typed after `:`.
  case command(String)
  /// The spaces known now, all of them; the last time `isComplete` is true.
  case spacesFound(FoundSpaces, isComplete: Bool)
  /// How much of memory was searched for spaces: 0 to 1.
  case scanProgress(Double)
  /// The search for spaces was given up; what it found stays.
  case scanCancelled
  /// Distinct tables over all spaces, and how many of them more than one space reaches.
  case tablesCounted(tables: Int, shared: Int)
  /// The answer to `.findPhysical` with the same number; nil when nothing maps the address.
  case physicalFound(request: Int, VirtualAddress?)
  /// One line for the person.
  case notice(String)
  /// One line about something that failed.
  case failure(String)
}

/// What the explorer wants done. The program does it, without blocking, and answers with events.
public enum ExplorerWork: Equatable, Sendable {
  /// Search memory for spaces; answered with `.scanProgress` and `.spacesFound`.
  case scan
  /// Stop that search; answered with `.scanCancelled`.
  case cancelScan
  /// Find the lowest virtual address that maps a physical one: `PhysicalSearch.first`; answered with
  /// `.physicalFound`.
  case findPhysical(request: Int, space: AddressSpace, PhysicalAddress)
  /// Stop finding; needs no answer.
  case cancelFindPhysical
  /// Put a text on the clipboard.
  case copy(String)
  /// Write the screen as it is drawn now to a file: .txt, .ansi or .svg.
  case exportScreen(String)
  /// Use another theme.
  case useTheme(ThemeChoice)
  /// Draw every cell anew.
  case redraw
  /// Stop, as Ctrl-Z does.
  case suspend
  /// Make the sound for "no".
  case bell
  /// Leave with this exit status.
  case quit(status: Int32)
}
