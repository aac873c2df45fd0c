import Canvas
import PageTables

/// A screen of the explorer, as a value that says everything about it in one place: what it is called, how it is
/// drawn, how it moves, what its commands are, and what they mean on it. `Screens.swift` lists all of them.
struct Screen: Sendable {
  /// Which screen it is.
  struct ID: Hashable, Sendable {
    let name: String

    init(_ name: String) { self.name = name }
  }

  /// What a command does on one screen in a way of its own.
  struct Deed: Sendable {
    /// Why it can do nothing now; nil when it can.
    let obstacle: @Sendable (Explorer) -> String?
    let perform: @Sendable (inout Explorer) -> Void
  }

  /// A press of the mouse's left button.
  struct Press: Sendable {
    let x: Int
    let y: Int
    /// Whether it is the second one of a double click.
    let opens: Bool
  }

  // MARK: What it is called

  let id: ID
  /// What help calls it.
  let title: String
  /// What help says of it and of its signs, wherever it is opened.
  var sections: [HelpSection] = []
  /// The words that `sort` takes for the columns that a list may have here.
  var sortWords: [String] = []

  // MARK: Its kind

  /// Whether it is the tree, or stands beside it: all others lead back here.
  var isHome = false
  /// Whether it is a page of text, which covers the screen that it was opened from.
  var isPage = false
  /// Whether it is asked about a row of another screen, and so leads back there.
  var isQuestion = false
  /// Whether leaving it leaves the program.
  var leavesProgram: @Sendable (Explorer) -> Bool = { _ in false }

  // MARK: Its commands

  /// The command that opens it; nil for a screen that only others open.
  var opener: Command?
  /// The commands that do something here, besides those that do it everywhere.
  var commands: [Command] = []
  /// What some of them mean here.
  var deeds: [Command: Deed] = [:]
  /// The commands that the footer may name, the most wanted first; only those that can do something appear.
  let footer: @Sendable (Explorer) -> [Command]
  /// What the footer calls a command here, where that is not what it is called elsewhere.
  var labels: [Command: String] = [:]

  // MARK: How it is drawn and moves

  /// What the line above it says; nil where that line is the path to the selected row of the tree.
  var heading: @Sendable (Explorer) -> String? = { _ in nil }
  let draw: @Sendable (Explorer, ScreenLayout, inout Canvas, Theme, Glyphs) -> Void
  let move: @Sendable (inout Explorer, Movement) -> Void
  /// So many lines of the wheel, over a cell.
  let scroll: @Sendable (inout Explorer, _ step: Int, _ x: Int, _ y: Int) -> Void
  var press: @Sendable (inout Explorer, Press) -> [ExplorerWork] = { _, _ in [] }
  /// Keeps what is selected inside, and on the screen.
  var settle: @Sendable (inout Explorer) -> Void = { _ in }
  /// Selects the next match of what is searched for.
  var find: @Sendable (inout Explorer, _ forward: Bool) -> Void = { $0.startSearch(forward: $1) }

  // MARK: What is selected

  /// The byte of memory that `x` and `d` are about.
  var frameTarget: @Sendable (Explorer) -> FrameTarget
  /// What `x` is about; nil where that is the frame.
  var crossReference: @Sendable (Explorer) -> CrossReference? = { _ in nil }
  /// The space whose regions `R` lists, and the address that it begins with.
  var regionsTarget: @Sendable (Explorer) -> RegionsTarget? = { $0.selectedRow.map { RegionsTarget($0) } }
  /// The paging scheme of what the person looks at.
  var scheme: @Sendable (Explorer) -> PagingScheme? = { $0.selectedSpace?.scheme }
  /// The spaces whose names are shown, the most wanted first.
  var namedSpaces: @Sendable (Explorer) -> [TreeSpace] = { _ in [] }

  // MARK: What it is made of

  /// Whether it has nothing to show until all spaces are indexed.
  var needsIndex = false
  /// Makes what it shows from what is known now.
  var fill: @Sendable (inout Explorer) -> Void = { _ in }
  /// Something changed that it may show.
  var follow: @Sendable (inout Explorer, Change) -> Void = { _, _ in }
  /// Whether slices of its work are still to be done; `proceed` does one.
  var isWorking: @Sendable (Explorer) -> Bool = { _ in false }
  var proceed: @Sendable (inout Explorer) -> Void = { _ in }

  /// Whether a command does something here.
  func has(_ command: Command) -> Bool {
    switch command.reach {
    case .everywhere: true
    case .views: !isPage
    case .named: commands.contains(command) || deeds[command] != nil
    }
  }
}
