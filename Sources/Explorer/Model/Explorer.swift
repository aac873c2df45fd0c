import Canvas
import Guests
import PageTables

/// The explorer's whole state: a value. `update` changes it and answers what work it wants done; `draw` shows it.
public struct Explorer: Sendable {
  let memory: any PhysicalMemory
  let sourceName: String
  let formatName: String
  let warnings: [String]
  let keymap = Keymap.standard

  var tree: TreeList
  /// The selected row of the tree, and the first one on the screen.
  var selection = 0
  var top = 0
  var detailTop = 0
  var showsDetail = true
  var place = Place.tree
  var spacesList = SpacesList([])
  var page: TextPage?
  var pagePlace = Place.tree

  var prompt: Prompt?
  var history = PromptHistory()
  /// Keys of a sequence that is not finished.
  var pendingKeys: [Key] = []
  var status = StatusLine.empty

  var query = ""
  var jumps = JumpList()
  var marks: [String: RowID] = [:]

  var scan = ScanState.idle
  var tables: (all: Int, shared: Int)?
  /// The number of the search for a physical address that is still awaited, and the space it looks through.
  var awaitedFind: (number: Int, space: SpaceID)?
  var finds = 0

  var width = 80
  var height = 24

  /// An explorer of a memory in which no space is known yet.
  ///
  /// - Parameters:
  ///   - sourceName: a path or URI; untrusted text.
  ///   - warnings: what is wrong with the source, one line each.
  public init(memory: any PhysicalMemory, sourceName: String, formatName: String, warnings: [String]) {
    self.memory = memory
    self.sourceName = CellText.visible(sourceName)
    self.formatName = formatName
    self.warnings = warnings.map(CellText.visible)
    tree = TreeList(memory: memory)
    if let first = self.warnings.first {
      let more = warnings.count > 1 ? " (and \(warnings.count - 1) more: :warnings)" : ""
      status = .warning(first + more)
    }
  }

  /// Whether work is running whose end a script may wait for.
  public var isBusy: Bool {
    if case .running = scan { return true }
    return awaitedFind != nil
  }

  /// What went wrong with the last command, for scripts; nil when nothing did.
  public var problem: String? {
    if let prompt, !prompt.problem.isEmpty { return prompt.problem }
    return status.role == .error ? status.text : nil
  }

  /// Rows of the tree that are open, on the screen or not.
  public var rowCount: Int { tree.rows.count }

  var layout: ScreenLayout { ScreenLayout(width: width, height: height, showsDetail: showsDetail) }

  var selectedRow: TreeRow? { tree.rows.indices.contains(selection) ? tree.rows[selection] : nil }

  /// The space that the selection lies in.
  var selectedSpace: TreeSpace? {
    selectedRow.map { tree.spaces[Int($0.space)] }
  }

  /// Keeps the selection inside the tree and on the screen.
  mutating func settle() {
    selection = max(0, min(selection, tree.rows.count - 1))
    let visible = max(1, layout.tree.height)
    top = max(0, min(top, max(0, tree.rows.count - visible)))
    if selection < top { top = selection }
    if selection >= top + visible { top = selection - visible + 1 }
    let listRows = max(1, layout.list.height)
    spacesList.selection = max(0, min(spacesList.selection, spacesList.order.count - 1))
    spacesList.top = max(0, min(spacesList.top, max(0, spacesList.order.count - listRows)))
    if spacesList.selection < spacesList.top { spacesList.top = spacesList.selection }
    if spacesList.selection >= spacesList.top + listRows {
      spacesList.top = spacesList.selection - listRows + 1
    }
  }
}
