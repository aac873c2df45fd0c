import Canvas
import PageTables

/// Who shares what, as a picture: a row for each space, a column for each particular share, and one more for what
/// everybody has. This is where in it the person is; what its cells say is made for those that are on the screen.
struct SharingMatrix: ScreenState {
  /// The spaces, by number: those that share something in particular first, those that may be stale last, copies of others
  /// left out.
  private(set) var spaceNumbers: [Int] = []
  /// Indexes into the rows and the columns.
  var row = 0
  var column = 0
  private(set) var firstRow = 0
  private(set) var firstColumn = 0
  private(set) var columnCount = 0
  /// How many entries lead to what everybody has, in a space that has all of it.
  private(set) var everybodysCount = 0

  /// Cells that a space's label takes in a picture of so many cells.
  static func labelWidth(in width: Int) -> Int { width >= 100 ? 26 : 20 }

  /// Cells of a column where not all have room for their numbers.
  private static let narrowColumn = 2
  private static let everybodysLabel = "all"

  /// Gives it the spaces, and what they share.
  ///
  /// - Parameter sharing: the spaces that have some of the shares.
  mutating func show(_ spaces: [TreeSpace], shares: Int, sharing: Set<Int>, everybodysCount: Int) {
    let copies = spaces.map(\.found).copies
    let counted = spaces.indices.filter { copies[$0] == nil }
    let current = counted.filter { !spaces[$0].found.isPossiblyStale }
    spaceNumbers =
      current.filter(sharing.contains) + current.filter { !sharing.contains($0) }
      + counted.filter { spaces[$0].found.isPossiblyStale }
    columnCount = shares + 1
    self.everybodysCount = everybodysCount
  }

  /// What stands over a column: its number, counted from 1; a word over the last one.
  func label(ofColumn column: Int) -> String {
    column == columnCount - 1 ? Self.everybodysLabel : "\(column + 1)"
  }

  mutating func move(_ movement: Movement, page: Int) {
    switch movement {
    case .left: column -= 1
    case .right: column += 1
    case .first: row = 0
    case .last: row = Int(Int32.max)
    case .down, .up, .pageDown, .pageUp, .halfDown, .halfUp: row += movement.rows(page: page)
    }
  }

  /// Cells that a column takes in a picture of so many cells.
  func columnWidth(in width: Int) -> Int {
    let wide = max(Self.everybodysLabel.count, String(columnCount).count) + 1
    return columnCount * wide <= width - Self.labelWidth(in: width) ? wide : Self.narrowColumn
  }

  /// Columns that a picture of so many cells has room for.
  func visibleColumns(in width: Int) -> Range<Int> {
    let room = max(0, (width - Self.labelWidth(in: width)) / columnWidth(in: width))
    return min(firstColumn, columnCount)..<min(columnCount, firstColumn + room)
  }

  /// Keeps the cursor inside, and what is shown around the cursor.
  mutating func settle(_ area: Rectangle) {
    let rows = spaceNumbers.count
    row = max(0, min(row, rows - 1))
    column = max(0, min(column, columnCount - 1))
    let height = max(1, area.height)
    firstRow = max(0, min(firstRow, max(0, rows - height)))
    if row < firstRow { firstRow = row }
    if row >= firstRow + height { firstRow = row - height + 1 }
    let visible = max(1, (area.width - Self.labelWidth(in: area.width)) / columnWidth(in: area.width))
    firstColumn = max(0, min(firstColumn, max(0, columnCount - visible)))
    if column < firstColumn { firstColumn = column }
    if column >= firstColumn + visible { firstColumn = column - visible + 1 }
  }

  /// Moves the cursor to a cell of the screen; false where there is none.
  mutating func select(x: Int, y: Int, in area: Rectangle) -> Bool {
    guard area.contains(x: x, y: y), firstRow + y - area.y < spaceNumbers.count else { return false }
    row = firstRow + y - area.y
    let labelWidth = Self.labelWidth(in: area.width)
    let cell = (x - labelWidth) / columnWidth(in: area.width)
    if x >= labelWidth, firstColumn + cell < columnCount { column = firstColumn + cell }
    return true
  }
}
