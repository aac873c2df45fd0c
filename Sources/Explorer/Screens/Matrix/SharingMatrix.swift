import Canvas
import PageTables

/// Which space shares which table, as a picture: a row for each space, a column for each slot of the roots that is
/// used by any space.
struct SharingMatrix: Sendable {
  /// The slots that some root uses, ascending.
  private(set) var columns: [Int] = []
  /// Place of the selected space, and index into the columns.
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

  mutating func move(_ command: Command, page: Int) {
    switch command {
    case .left: column -= 1
    case .right: column += 1
    case .down: row += 1
    case .up: row -= 1
    case .pageDown: row += page
    case .pageUp: row -= page
    case .halfDown: row += max(1, page / 2)
    case .halfUp: row -= max(1, page / 2)
    case .first: row = 0
    default: row = Int(Int32.max)
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

/// What a root has in one slot, as far as the picture tells it.
struct MatrixCell: Sendable {
  enum Kind: Sendable { case absent, own, shared, recursive, leaf, missing, malformed, marked }

  let kind: Kind
  /// The first space that has the table.
  let owner: Int
  /// Spaces that have it.
  let spaces: Int
  let entry: UInt64
  let target: PhysicalAddress

  /// One sign for each kind, so that no color is needed.
  var sign: Unicode.Scalar {
    switch kind {
    case .absent: "."
    case .own: "o"
    case .shared: "="
    case .recursive: "@"
    case .leaf: "H"
    case .missing: "?"
    case .malformed: "!"
    case .marked: "m"
    }
  }
}

extension Explorer {
  mutating func openMatrix() {
    matrix.open(tree.spaces, memory)
    if place != .matrix, let row = selectedRow {
      matrix.row = Int(row.space)
      if row.isEntry {
        let slot = tree.spaces[Int(row.space)].scheme.levels[0].slot(of: row.virtual)
        if let column = matrix.columns.firstIndex(of: slot) { matrix.column = column }
      }
    }
    enter(.matrix)
  }

  /// The cells of one row of the picture, for the columns given; nil where the root cannot be read.
  func matrixCells(space place: Int, columns: ArraySlice<Int>) -> [MatrixCell]? {
    let space = tree.spaces[place]
    let level = space.scheme.levels[0]
    let root = TableReference(address: space.root, level: 0)
    guard let runs = try? space.scheme.runs(of: root, in: memory, folded: false) else { return nil }
    var bySlot: [Int: EntryRun] = [:]
    for run in runs where run.kind != .absent { bySlot[run.slot] = run }
    return columns.map { slot in
      guard let run = bySlot[slot], slot < level.entryCount else {
        return MatrixCell(kind: .absent, owner: place, spaces: 0, entry: 0, target: PhysicalAddress(0))
      }
      func cell(_ kind: MatrixCell.Kind, owner: Int, spaces: Int = 1) -> MatrixCell {
        MatrixCell(kind: kind, owner: owner, spaces: spaces, entry: run.raw, target: run.address)
      }
      switch run.kind {
      case .leaf: return cell(.leaf, owner: place)
      case .malformed: return cell(.malformed, owner: place)
      case .marked, .absent: return cell(.marked, owner: place)
      case .table:
        if run.address == space.root { return cell(.recursive, owner: place) }
        let table = TableReference(address: run.address, level: 1)
        guard let sharing = index?.spaces.sharing(of: table, in: place) else {
          return cell(memory.extent.readable.contains(run.address) ? .own : .missing, owner: place)
        }
        return cell(sharing.spaces > 1 ? .shared : .own, owner: sharing.owner, spaces: sharing.spaces)
      }
    }
  }

  /// The cell under the cursor, in words.
  var matrixText: String {
    guard tree.spaces.indices.contains(matrix.row), matrix.columns.indices.contains(matrix.column) else {
      return "no root has an entry"
    }
    let space = tree.spaces[matrix.row]
    let slot = matrix.columns[matrix.column]
    let name = "\(space.label) \(space.scheme.levels[0].name)[\(slot)]: "
    let columns = matrix.columns[matrix.column...matrix.column]
    guard let cell = matrixCells(space: matrix.row, columns: columns)?.first else {
      return name + "the root is not in the dump"
    }
    let below = space.scheme.levels.count > 1 ? space.scheme.levels[1].name : "table"
    let table = "\(below) \(Numbers.hex(cell.target))"
    return switch cell.kind {
    case .absent: name + "absent"
    case .own: name + table + (index == nil ? "" : ", its own")
    case .shared: name + "\(table), in \(cell.spaces) spaces, owner \(tree.spaces[cell.owner].label)"
    case .recursive: name + "recursive, the root itself"
    case .leaf: name + "huge page \(Numbers.hex(cell.target))"
    case .missing: name + table + ", not in the dump"
    case .malformed: name + "malformed"
    case .marked: name + "not present, marked"
    }
  }

  /// Why Enter does nothing in a picture.
  var pictureObstacle: String? {
    if place == .map { return map?.target(memory) == nil ? "nothing is mapped here" : nil }
    let isThere = tree.spaces.indices.contains(matrix.row) && matrix.columns.indices.contains(matrix.column)
    return isThere ? nil : "there is no cell"
  }

  mutating func openPicture() {
    if place == .map {
      if let target = map?.target(memory), let place = mapPlace {
        go(to: .entry(space: place, target.address, level: target.level))
      }
      return
    }
    guard tree.spaces.indices.contains(matrix.row), matrix.columns.indices.contains(matrix.column) else {
      return
    }
    let scheme = tree.spaces[matrix.row].scheme
    let slot = UInt64(matrix.columns[matrix.column])
    go(to: .entry(space: matrix.row, scheme.canonical(slot &* scheme.levels[0].span), level: 0))
  }
}
