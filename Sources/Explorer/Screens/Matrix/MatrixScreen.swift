import PageTables

extension Screen.ID {
  static let matrix = Screen.ID("matrix")
}

extension Screen {
  static let matrix = Screen(
    id: .matrix, title: "the sharing matrix",
    sections: [
      HelpSection(
        "Sharing matrix",
        "one row per space, one column per share that not everybody has, and one for the rest",
        [
          ("o  =", "has the shared table, as its owner; as another space"),
          ("2 .. 9 +", "has it at so many addresses"),
          ("= -  all", "has all that everybody has; part of it"),
          ("?  .", "a stale space leads there; does not have it"),
        ])
    ],
    opener: .matrix, commands: [.left, .right, .aliases, .frame],
    deeds: [
      .open: Deed(
        obstacle: { explorer in
          explorer.index == nil
            ? explorer.awaitedText
            : explorer.matrixTarget == nil ? "this space has nothing of that column" : nil
        },
        perform: { $0.openMatrixCell() })
    ],
    footer: { _ in [.open, .aliases, .frame, .shared, .map, .spaces, .help, .cancel] },
    heading: \.matrixText,
    draw: { $0.drawMatrix($1, &$2, $3, $4) },
    move: { explorer, movement in
      let page = max(1, explorer.matrixAreas.cells.height)
      explorer.matrix.move(movement, page: page)
    },
    scroll: { explorer, step, _, _ in
      for _ in 0..<abs(step) { explorer.matrix.move(step > 0 ? .down : .up, page: 1) }
    },
    press: { explorer, press in
      let area = explorer.matrixAreas.cells
      guard explorer.matrix.select(x: press.x, y: press.y, in: area) else { return [] }
      return press.opens ? explorer.perform(CommandLine(.open)) : []
    },
    settle: { explorer in
      let area = explorer.matrixAreas.cells
      explorer.matrix.settle(area)
    },
    frameTarget: { explorer in
      explorer.matrixTable.map { .address($0.table.address) } ?? .nothing("there is no table")
    },
    crossReference: { explorer in
      explorer.matrixTable.flatMap { explorer.reached($0.table, in: $0.spaceNumber, at: $0.virtual) }
    },
    scheme: { explorer in explorer.matrixSpaceNumber.map { explorer.tree.spaces[$0].scheme } },
    namedSpaces: \.spacesOfShownShares,
    needsIndex: true,
    follow: { explorer, change in
      switch change {
      case .spaces, .names, .index: explorer.fillMatrix()
      case .tables, .commandLines, .guest, .namesOfSpace, .width: break
      }
    })
}

extension Command {
  static let matrix = Command(
    "matrix", "which space shares which table: a picture", label: "matrix", in: .pictures, .views,
    obstacle: { $0.tree.spaces.isEmpty ? "there is no space" : nil },
    does: { $0.openMatrix() })
}

extension Explorer {
  var matrix: SharingMatrix {
    get { states[SharingMatrix.self] }
    set { states[SharingMatrix.self] = newValue }
  }

  fileprivate mutating func fillMatrix() {
    let (spaces, shares) = (tree.spaces, index?.shares ?? [])
    let copies = spaces.map(\.found).copies
    let sharing = Set(shares.flatMap { $0.places.map { copies[$0.spaceNumber] ?? $0.spaceNumber } })
    let ordinary = index.flatMap { index in
      spaces.indices.first { index.census.isOrdinary($0) && index.census.copies[$0] == nil }
    }
    let count = ordinary.map { everybodysStretches(in: $0).reduce(0) { $0 + $1.count } } ?? 0
    matrix.show(spaces, shares: shares.count, sharing: sharing, everybodysCount: count)
  }

  fileprivate mutating func openMatrix() {
    fillMatrix()
    if screenID != .matrix, let row = selectedRow {
      // The user copy of an isolated pair stands in the row of its process.
      let spaceNumber = tree.spaces.map(\.found).copies[Int(row.space)] ?? Int(row.space)
      // A space that shares nothing in particular is not worth looking at first.
      let shares = index?.shares.contains { $0.places.contains { $0.spaceNumber == spaceNumber } } ?? false
      matrix.row = shares ? matrix.spaceNumbers.firstIndex(of: spaceNumber) ?? 0 : 0
      if row.isEntry, let column = column(ofShareAbove: row) { matrix.column = column }
    }
    enter(.matrix)
  }

  /// The share that a row of the tree lies below, or leads to.
  private func column(ofShareAbove row: TreeRow) -> Int? {
    guard let index else { return nil }
    let window = index.window(of: row)
    let steps = tree.spaces[Int(row.space)].found.space.translate(row.virtual, in: memory).steps
    for step in steps where step.level <= Int(row.level) + 1 {
      let table = TableReference(address: step.table, level: step.level)
      if let share = index.particular.share(table, spaceNumber: Int(row.space), window: window) {
        return share
      }
    }
    return nil
  }

  /// The row of the tree that the cursor's cell stands for; nil where the space has nothing of the column.
  fileprivate var matrixTarget: RowID? {
    guard let spaceNumber = matrixSpaceNumber, let index else { return nil }
    let id = tree.spaces[spaceNumber].id
    if let share = matrixShare(ofColumn: matrix.column) {
      let cell = matrixCell(space: spaceNumber, column: matrix.column)
      guard let address = cell.addresses.first else { return nil }
      let level = share.table.level - 1
      return RowID(space: id, kind: level < 0 ? .space : .entry, level: level, virtual: address)
    }
    guard let first = everybodysStretches(in: spaceNumber).first else { return nil }
    // The kernel's own half is its own there, entry by entry.
    let isKernels = index.census.kernels.contains(spaceNumber)
    return RowID(
      space: id, kind: isKernels ? .entry : .everybodys, level: first.holder.level, virtual: first.first)
  }

  fileprivate mutating func openMatrixCell() {
    guard let target = matrixTarget else { return }
    remember()
    go(to: target)
  }

  /// The table of the cursor's column, a space that has it: the selected one, if it does; and where.
  fileprivate var matrixTable: (table: TableReference, spaceNumber: Int, virtual: VirtualAddress)? {
    guard let spaceNumber = matrixSpaceNumber else { return nil }
    if let share = matrixShare(ofColumn: matrix.column) {
      if let address = matrixCell(space: spaceNumber, column: matrix.column).addresses.first {
        return (share.table, spaceNumber, address)
      }
      return (share.table, share.places[0].spaceNumber, share.places[0].virtual)
    }
    for stretch in everybodysStretches(in: spaceNumber) {
      if let table = stretch.table { return (table, spaceNumber, stretch.first) }
    }
    return nil
  }

  /// Spaces whose regions the picture names: those that have the selected share, and then the first of each other one
  /// that is listed.
  fileprivate var spacesOfShownShares: [TreeSpace] {
    var spaceNumbers: [Int] = []
    let columns = [matrix.column] + matrixAreas.listedColumns
    for (number, column) in columns.enumerated() {
      let places = matrixShare(ofColumn: column)?.places ?? []
      for place in places.prefix(number == 0 ? 4 : 1) where !spaceNumbers.contains(place.spaceNumber) {
        spaceNumbers.append(place.spaceNumber)
      }
    }
    return spaceNumbers.prefix(16).map { tree.spaces[$0] }
  }
}
