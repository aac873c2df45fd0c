import Canvas
import PageTables

/// Which space shares which table, as a picture: a row for each space, a column for each slot of the roots that is
/// used by any space.
struct SharingMatrix: ScreenState {
  /// The slots that some root uses, ascending.
  private(set) var columns: [Int] = []
  /// The number of the selected space, and an index into the columns.
  var row = 0
  var column = 0
  private(set) var firstRow = 0
  private(set) var firstColumn = 0
  /// Slots that are used, by slot.
  private var isUsed: [Bool] = []
  /// Spaces whose roots were read for that; nil when the picture was never opened.
  private var seen: Int?
  private var count = 0

  /// Roots that are read in one slice.
  private static let slice = 200
  /// Cells that a space's label takes.
  static let labelWidth = 18
  /// Cells of a column that has room for its number.
  private static let wideColumn = 5

  var isWorking: Bool { seen.map { $0 < count } ?? false }

  /// Looks at the roots again when the picture is opened next.
  mutating func forget() {
    seen = nil
    isUsed = []
  }

  /// Begins to look for used slots; the first slice at once.
  mutating func open(_ spaces: [TreeSpace], _ memory: any PhysicalMemory) {
    guard seen == nil else { return }
    seen = 0
    count = spaces.count
    proceed(spaces, memory)
  }

  /// Looks at the roots of one slice of the spaces.
  mutating func proceed(_ spaces: [TreeSpace], _ memory: any PhysicalMemory) {
    guard let first = seen else { return }
    let end = min(spaces.count, first + Self.slice)
    for space in spaces[min(first, end)..<end] {
      let root = TableReference(address: space.root, level: 0)
      guard let runs = try? space.scheme.runs(of: root, in: memory) else { continue }
      for run in runs where run.kind != .absent {
        let last = run.slot + run.count
        if isUsed.count < last { isUsed += Array(repeating: false, count: last - isUsed.count) }
        for slot in run.slot..<last { isUsed[slot] = true }
      }
    }
    seen = end
    count = spaces.count
    let slot = columns.indices.contains(column) ? columns[column] : 0
    columns = isUsed.indices.filter { isUsed[$0] }
    column = columns.firstIndex { $0 >= slot } ?? max(0, columns.count - 1)
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
    columns.count * Self.wideColumn <= width - Self.labelWidth ? Self.wideColumn : 1
  }

  /// Keeps the cursor inside, and what is shown around the cursor.
  mutating func settle(rows: Int, _ area: Rectangle) {
    row = max(0, min(row, rows - 1))
    column = max(0, min(column, columns.count - 1))
    let height = max(1, area.height)
    firstRow = max(0, min(firstRow, max(0, rows - height)))
    if row < firstRow { firstRow = row }
    if row >= firstRow + height { firstRow = row - height + 1 }
    let visible = max(1, (area.width - Self.labelWidth) / columnWidth(in: area.width))
    firstColumn = max(0, min(firstColumn, max(0, columns.count - visible)))
    if column < firstColumn { firstColumn = column }
    if column >= firstColumn + visible { firstColumn = column - visible + 1 }
  }

  /// Moves the cursor to a cell of the screen; false where there is none.
  mutating func select(x: Int, y: Int, in area: Rectangle, spaces: Int) -> Bool {
    guard area.contains(x: x, y: y), firstRow + y - area.y < spaces else { return false }
    row = firstRow + y - area.y
    let cell = (x - Self.labelWidth) / columnWidth(in: area.width)
    if x >= Self.labelWidth, firstColumn + cell < columns.count { column = firstColumn + cell }
    return true
  }
}
