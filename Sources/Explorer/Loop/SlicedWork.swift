import PageTables

/// Work that is done a slice an event, so that no key waits for it.
struct SlicedWork: Sendable {
  /// Whether `.proceed` was asked for and has not come yet.
  var isAsked = false
  /// A search through rows.
  var search: RowSearch?
  /// The row that the selection was on before the tree was built anew.
  var awaited: AwaitedRow?
  /// Where to go as soon as the tree stands.
  var goal: TreeGoal?

  /// A search that has not been through all rows yet.
  struct RowSearch: Sendable {
    /// The list that is searched; nil for the tree.
    let list: Screen.ID?
    let forward: Bool
    let start: Int
    /// Rows that were looked at.
    var seen = 0
    var matcher: ListMatcher?
  }

  /// A row of the tree that was selected, to be selected again when it is built.
  struct AwaitedRow: Sendable {
    /// The row itself, then the ones above it, which will do if it is gone.
    let ids: [RowID]
    /// The best of `ids` that was found; their count before any was.
    var best: Int
    /// Rows that were looked at.
    var seen = 0
    /// Where the selection was left; a person who moved it meanwhile keeps it.
    var selection: Int
    /// Lines between the top of the screen and the selection.
    let offset: Int
    /// Whether it was the first row of all.
    let wasFirst: Bool
  }

  /// An entry of the tree.
  struct TreeGoal: Sendable {
    let space: Int
    let virtual: VirtualAddress
    let level: Int
    let kind: TreeRow.Kind
    var opens = false
    /// Whether a jump is taken back.
    var isBack = false
  }
}
