import PageTables

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
  /// The cells of one row of the picture, for the columns given; nil where the root cannot be read.
  func matrixCells(space spaceNumber: Int, columns: ArraySlice<Int>) -> [MatrixCell]? {
    let space = tree.spaces[spaceNumber]
    let level = space.scheme.levels[0]
    let root = TableReference(address: space.root, level: 0)
    guard let runs = try? space.scheme.runs(of: root, in: memory, folded: false) else { return nil }
    var bySlot: [Int: EntryRun] = [:]
    for run in runs where run.kind != .absent { bySlot[run.slot] = run }
    return columns.map { slot in
      guard let run = bySlot[slot], slot < level.entryCount else {
        return MatrixCell(kind: .absent, owner: spaceNumber, spaces: 0, entry: 0, target: PhysicalAddress(0))
      }
      func cell(_ kind: MatrixCell.Kind, owner: Int, spaces: Int = 1) -> MatrixCell {
        MatrixCell(kind: kind, owner: owner, spaces: spaces, entry: run.raw, target: run.address)
      }
      switch run.kind {
      case .leaf: return cell(.leaf, owner: spaceNumber)
      case .malformed: return cell(.malformed, owner: spaceNumber)
      case .marked, .absent: return cell(.marked, owner: spaceNumber)
      case .table:
        if run.address == space.root { return cell(.recursive, owner: spaceNumber) }
        let table = TableReference(address: run.address, level: 1)
        guard let sharing = index?.spaces.sharing(of: table, in: spaceNumber) else {
          return cell(memory.extent.readable.contains(run.address) ? .own : .missing, owner: spaceNumber)
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
}
