import Canvas
import Guests
import PageTables

/// The explorer's whole state: a value. `update` changes it and answers what work it wants done; `draw` shows it.
package struct Explorer: Sendable {
  /// What is shown: the source, and over it what was changed here. The source itself is never written.
  package internal(set) var memory: OverlayMemory
  let sourceName: String
  let formatName: String
  var warnings: [String]
  var keymap: Keymap = .standard
  /// What the CPUs held when the memory was dumped.
  var registers: Registers

  var tree: TreeList
  /// The selected row of the tree, and the first one on the screen.
  var selection = 0
  var top = 0
  var detailTop = 0
  /// Which of the detail's links is selected.
  var detailLink = 0
  /// The address that was gone to, while its row is selected.
  var landing: Landing?
  var showsDetail = true
  /// The screen that has the keyboard.
  var screenID = Screen.ID.tree
  /// The screens that lie below it, for Esc.
  var trail: [Screen.ID] = []
  /// The lists that were opened so far, by the screen that shows them.
  var lists: [Screen.ID: RowList] = [:]
  /// What other screens remember.
  var states = ScreenStates()
  /// The page of text that covers a screen, and that screen.
  var page: TextPage?
  var coveredScreen = Screen.ID.tree
  var sharing = SharerState()
  /// What the guest tells.
  var guest = GuestState()

  var prompt: Prompt?
  var history = PromptHistory()
  /// Keys of a sequence that is not finished.
  var pendingKeys: [Key] = []
  var status = StatusLine.empty

  var query = ""
  /// Where the search began that is being typed.
  var searchOrigin: SearchOrigin?
  var jumps = JumpList()
  /// The rows that were remembered under a letter.
  var bookmarks: [String: RowID] = [:]

  var scan = ScanState.idle
  var indexing = IndexState()
  var overlay = OverlayState()
  /// What is known of a source that changes.
  var live = LiveState()
  var caption = CaptionState()
  /// What is done in slices, a slice an event.
  var slices = SlicedWork()
  /// The number of the search for a physical address that is still awaited, and the space it looks through.
  var awaitedFind: (number: Int, space: SpaceID)?
  var finds = 0
  /// What was typed after `g`, while the names that it needs are read.
  var awaitedGoing: (space: SpaceID, text: String, namesSpace: Bool)?

  var width = 80
  var height = 24

  /// An explorer of a memory in which no space is known yet.
  ///
  /// - Parameters:
  ///   - sourceName: a path or URI; untrusted text.
  ///   - warnings: what is wrong with the source, one line each.
  ///   - registers: of the CPUs, where the source has them.
  ///   - live: how a source that changes is reached; nil for a dump.
  package init(
    memory: any PhysicalMemory, sourceName: String, formatName: String, warnings: [String],
    registers: Registers = Registers(), live: LiveSource? = nil
  ) {
    self.memory = OverlayMemory(over: memory)
    self.sourceName = CellText.visible(sourceName)
    self.formatName = formatName
    self.registers = registers
    self.live.source = live
    self.warnings = []
    tree = TreeList(memory: self.memory)
    warn(warnings)
  }

  /// Whether work is running whose end a script may wait for.
  package var isBusy: Bool {
    if case .running = scan { return true }
    return awaitedFind != nil || awaitedGoing != nil || indexing.isRunning || sharing.isAwaited
      || live.awaited != nil || live.awaitedChanges != nil || hasSlices
  }

  /// Whether names are being read that the screen shows; only a script waits for them.
  package var isNaming: Bool { guest.isAwaiting || finder.regions == .awaited }

  /// Whether a slice of work is to be done before the next key of a script: `.proceed` does it.
  package var hasSlices: Bool {
    tree.isBuilding || slices.search != nil || Screen.anyIsWorking(for: self)
  }

  /// Whether a tour waits for the person.
  package var isPaused: Bool { caption.isPaused }

  /// Says which of a script's pauses comes next, from 1 on: a person wants to know how long a tour is.
  package mutating func tell(pause number: Int, of count: Int) { caption.tell(pause: number, of: count) }

  /// What is known of all spaces together; nil until they are indexed.
  var index: ExplorerIndex? { indexing.index }

  /// The list that has the keyboard.
  var list: RowList? { lists[screenID] }

  /// What went wrong with the last command, for scripts; nil when nothing did.
  package var problem: String? {
    if let prompt, !prompt.problem.isEmpty {
      return prompt.problem + Destination.nearest(prompt.suggestion)
    }
    return status.role == .error ? status.text : nil
  }

  /// Rows of the tree that are open, on the screen or not.
  package var rowCount: Int { tree.rows.count }

  var layout: ScreenLayout {
    let lines = caption.lines(width: width - 4)
    return ScreenLayout(
      width: width, height: height, showsDetail: showsDetail, captionRows: lines.isEmpty ? 0 : lines.count + 2
    )
  }

  var selectedRow: TreeRow? { tree.rows.indices.contains(selection) ? tree.rows[selection] : nil }

  /// The space that the selection lies in.
  var selectedSpace: TreeSpace? {
    selectedRow.map { tree.spaces[Int($0.space)] }
  }

  /// Tells all screens what changed.
  mutating func follow(_ change: Change) {
    for number in Screen.all.indices { Screen.all[number].follow(&self, change) }
  }

  /// Keeps the selection inside the tree and on the screen, and so that of the screen that is shown.
  mutating func settle() {
    selection = max(0, min(selection, tree.rows.count - 1))
    settleLanding()
    let visible = max(1, layout.tree.height)
    top = max(0, min(top, max(0, tree.rows.count - visible)))
    if selection < top { top = selection }
    if selection >= top + visible { top = selection - visible + 1 }
    uncoverSelection()
    screen.settle(&self)
  }
}

/// The index of all spaces, as far as it is known.
struct IndexState: Sendable {
  var index: ExplorerIndex?
  /// The number of the index that is being made, and the part that is done.
  var running: (number: Int, fraction: Double)?
  var number = 0
  /// Whether the guest was known when it was begun: which mirrors are particular, the guest knows best.
  var hadNames = false
  var isCancelled = false

  var isRunning: Bool { running != nil }
}
