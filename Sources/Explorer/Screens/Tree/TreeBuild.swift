import PageTables

/// Rows of the tree that are still to be read, so that reading can stop after a slice and go on later.
struct TreeBuild: Sendable {
  /// The rows below one row, and which of them comes next.
  struct Branch: Sendable {
    private var rows: [TreeRow]
    private var next = 0
    private var hasShown = false
    /// The tables from the root to the one that the rows' entries lie in.
    let ancestors: [PhysicalAddress]
    var isFiltered = false
    private var remark: TreeRow?

    init(rows: [TreeRow], ancestors: [PhysicalAddress]) {
      self.rows = rows
      self.ancestors = ancestors
    }

    var nextRow: TreeRow? { next < rows.count ? rows[next] : nil }

    /// What stands there when none of the rows is shown.
    var note: TreeRow? {
      get { hasShown ? nil : remark }
      set { remark = newValue }
    }

    /// The next row was shown.
    mutating func take() {
      hasShown = true
      next += 1
    }

    /// The next row is not shown, nor is what reads like it.
    mutating func skipAlike() {
      next += 1
      if next < rows.count, rows[next].isAlike { next += 1 }
    }
  }

  /// From the outermost to the one that is being gone through.
  var branches: [Branch]
  /// What comes after all of it.
  var tail: [TreeRow] = []

  init(roots: [TreeRow], isFiltered: Bool) {
    branches = [Branch(rows: roots, ancestors: [])]
    branches[0].isFiltered = isFiltered
  }

  /// A row and what lies below it. `ancestors` are the tables down to the one that its entry lies in.
  init(row: TreeRow, ancestors: [PhysicalAddress]) {
    branches = [Branch(rows: [row], ancestors: ancestors)]
  }

  /// What one slice may cost: some four milliseconds.
  static let rowsInSlice = 3_000
  /// A table costs so many entries, and those of its runs that do not fold.
  static let entriesInSlice = 10_000
  static let entriesOfTable = 64
}

/// What a filter found below tables, each looked into once.
struct FilterMatches: Sendable {
  struct Key: Hashable {
    let table: TableReference
    let rights: Rights
    let scheme: Int
  }

  var known: [Key: Bool] = [:]
  /// Entries that may still be read in this slice: a key must not wait for more.
  var sliceBudget = 0
  /// Tables to remember at most.
  static let limit = 1 << 21
}
