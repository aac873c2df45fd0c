import PageTables

extension Screen.ID {
  static let matrix = Screen.ID("matrix")
}

extension Screen {
  static let matrix = Screen(
    id: .matrix, title: "the sharing matrix",
    sections: [
      HelpSection(
        "Sharing matrix", "one row per space, one column per slot of its root",
        [
          ("o  = or =43", "its own table; shared by that many spaces"),
          ("@ H m ! ? .", "recursive, huge page, marked, malformed, not in the dump, absent"),
        ])
    ],
    opener: .matrix, commands: [.left, .right, .aliases, .frame],
    deeds: [
      .open: Deed(
        obstacle: { $0.hasMatrixCell ? nil : "there is no cell" },
        perform: { $0.openMatrixCell() })
    ],
    footer: { _ in [.open, .aliases, .frame, .shared, .map, .spaces, .help, .cancel] },
    heading: \.matrixText,
    draw: { $0.drawMatrix($1, &$2, $3, $4) },
    move: { explorer, movement in
      let page = max(1, explorer.layout.list.height)
      explorer.matrix.move(movement, page: page)
    },
    scroll: { explorer, step, _, _ in
      for _ in 0..<abs(step) { explorer.matrix.move(step > 0 ? .down : .up, page: 1) }
    },
    press: { explorer, press in
      let (area, spaces) = (explorer.layout.list, explorer.tree.spaces.count)
      guard explorer.matrix.select(x: press.x, y: press.y, in: area, spaces: spaces) else { return [] }
      return press.opens ? explorer.perform(CommandLine(.open)) : []
    },
    settle: { explorer in
      let (area, spaces) = (explorer.layout.list, explorer.tree.spaces.count)
      explorer.matrix.settle(rows: spaces, area)
    },
    frameTarget: \.matrixTarget,
    crossReference: { explorer in
      guard explorer.hasMatrixCell, let address = explorer.matrixTarget.address else { return nil }
      return explorer.reached(TableReference(address: address, level: 1), in: explorer.matrix.row)
    },
    scheme: { explorer in
      let row = explorer.matrix.row
      return explorer.tree.spaces.indices.contains(row) ? explorer.tree.spaces[row].scheme : nil
    },
    follow: { explorer, change in
      switch change {
      case .spaces, .names, .tables: explorer.matrix.forget()
      case .commandLines, .index, .guest, .namesOfSpace, .width: break
      }
    },
    isWorking: { $0.matrix.isWorking },
    proceed: { explorer in
      let (spaces, memory) = (explorer.tree.spaces, explorer.memory)
      explorer.matrix.proceed(spaces, memory)
    })
}

extension Command {
  static let matrix = Command(
    "matrix", "which space shares which table: a picture", label: "matrix", .views,
    obstacle: { $0.tree.spaces.isEmpty ? "there is no space" : nil },
    does: { $0.openMatrix() })
}

extension Explorer {
  var matrix: SharingMatrix {
    get { states[SharingMatrix.self] }
    set { states[SharingMatrix.self] = newValue }
  }

  fileprivate mutating func openMatrix() {
    let (spaces, memory) = (tree.spaces, memory)
    matrix.open(spaces, memory)
    if screenID != .matrix, let row = selectedRow {
      matrix.row = Int(row.space)
      if row.isEntry {
        let slot = tree.spaces[Int(row.space)].scheme.levels[0].slot(of: row.virtual)
        if let column = matrix.columns.firstIndex(of: slot) { matrix.column = column }
      }
    }
    enter(.matrix)
  }

  fileprivate var hasMatrixCell: Bool {
    let matrix = matrix
    return tree.spaces.indices.contains(matrix.row) && matrix.columns.indices.contains(matrix.column)
  }

  /// Goes to the entry of the root under the cursor.
  fileprivate mutating func openMatrixCell() {
    guard hasMatrixCell else { return }
    let scheme = tree.spaces[matrix.row].scheme
    let slot = UInt64(matrix.columns[matrix.column])
    go(to: .entry(space: matrix.row, scheme.canonical(slot &* scheme.levels[0].span), level: 0))
  }

  fileprivate var matrixTarget: FrameTarget {
    guard hasMatrixCell else { return .nothing("there is no cell") }
    let columns = matrix.columns[matrix.column...matrix.column]
    guard let cell = matrixCells(space: matrix.row, columns: columns)?.first else {
      return .nothing("the root is not in the dump")
    }
    return FrameTarget(cell.entry, 0, tree.spaces[matrix.row].scheme, memory)
  }
}
