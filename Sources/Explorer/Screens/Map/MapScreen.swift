import PageTables

extension Screen.ID {
  static let map = Screen.ID("map")
}

extension Screen {
  static let map = Screen(
    id: .map, title: "the map of a space",
    sections: [
      HelpSection(
        "Map of a space", "+ and - change the scale; Enter goes to what begins in the cell",
        [
          ("u k d ~ ? .", "user, kernel, direct map, mirror, marked or malformed, nothing"),
          ("U K D", "the same in tables that other spaces reach, too"),
          ("-", "a region of the process with nothing present here"),
        ])
    ],
    opener: .map, commands: [.left, .right, .zoomIn, .zoomOut, .aliases, .frame, .regions],
    deeds: [
      .open: Deed(
        obstacle: { $0.map?.target($0.memory) == nil ? "nothing is mapped here" : nil },
        perform: { explorer in
          if let target = explorer.map?.target(explorer.memory), let spaceNumber = explorer.mapSpaceNumber {
            explorer.go(to: .entry(space: spaceNumber, target.address, level: target.level))
          }
        })
    ],
    footer: { _ in [.open, .zoomIn, .zoomOut, .aliases, .frame, .matrix, .help, .cancel] },
    heading: \.mapText,
    draw: { $0.drawMap($1, &$2, $3, $4) },
    move: { explorer, movement in
      let page = max(1, explorer.layout.list.height)
      explorer.moveMap(movement, page: page)
    },
    scroll: { explorer, step, _, _ in
      for _ in 0..<abs(step) { explorer.moveMap(step > 0 ? .down : .up, page: 1) }
    },
    press: { explorer, press in
      guard explorer.selectCell(x: press.x, y: press.y) else { return [] }
      return press.opens ? explorer.perform(CommandLine(.open)) : []
    },
    settle: { $0.settleMap() },
    frameTarget: \.mapTarget,
    regionsTarget: { explorer in
      explorer.mapSpaceNumber.map {
        RegionsTarget(spaceNumber: $0, address: explorer.map.map { $0.address($0.cursor) })
      }
    },
    scheme: { $0.map?.space.scheme },
    namedSpaces: { explorer in explorer.mapSpaceNumber.map { [explorer.tree.spaces[$0]] } ?? [] })
}

extension Command {
  static let map = Command(
    "map", "what lies where in this space: a picture", label: "map", .views,
    obstacle: { $0.selectedSpace == nil ? "there is no space" : nil },
    does: { $0.openMap() })

  static let zoomIn = Command("zoom-in", "a smaller part of the space", label: "zoom in", .named) {
    $0.zoomMap(by: -1)
  }

  static let zoomOut = Command("zoom-out", "a larger part of the space", label: "zoom out", .named) {
    $0.zoomMap(by: 1)
  }
}

/// The space that was mapped last.
struct MapState: ScreenState {
  var map: SpaceMap?
}

extension Explorer {
  private(set) var map: SpaceMap? {
    get { states[MapState.self].map }
    set { states[MapState.self].map = newValue }
  }

  /// The number of the mapped space.
  var mapSpaceNumber: Int? { map.flatMap { map in tree.spaces.firstIndex { $0.id == map.id } } }

  /// The map as wide as the screen allows.
  private var mapRowBits: Int { width >= 19 + 64 + 24 ? 6 : width >= 19 + 32 ? 5 : width >= 19 + 16 ? 4 : 3 }

  fileprivate mutating func openMap() {
    guard let row = selectedRow else { return }
    let space = tree.spaces[Int(row.space)]
    if map?.id != space.id || map?.space != space.found.space {
      map = SpaceMap(space.found.space, space.id, at: row.virtual, rowBits: mapRowBits)
    }
    if screenID != .map, row.isEntry, let position = map?.position(of: row.virtual) { map?.select(position) }
    enter(.map)
  }

  fileprivate mutating func moveMap(_ movement: Movement, page: Int) {
    let memory = memory
    map?.move(movement, page: page, memory)
  }

  fileprivate mutating func zoomMap(by step: Int) {
    let memory = memory
    map?.zoom(by: step, memory)
  }

  fileprivate mutating func settleMap() {
    let (rowBits, height, memory) = (mapRowBits, max(1, layout.list.height), memory)
    map?.resize(rowBits: rowBits)
    map?.settle(height: height, memory)
  }

  /// Moves the cursor to a cell of the screen; false where there is none.
  fileprivate mutating func selectCell(x: Int, y: Int) -> Bool {
    guard let map, layout.list.contains(x: x, y: y) else { return false }
    let lines = map.visibleRows(layout.list.height, memory)
    let cell = x - Self.mapLabelWidth
    guard lines.indices.contains(y - layout.list.y), cell >= 0, cell < map.cellsInRow else { return false }
    let line = lines[y - layout.list.y]
    guard line.gap == 0 else { return false }
    self.map?.select(line.start + UInt64(cell) << UInt64(map.shift))
    return true
  }

  fileprivate var mapTarget: FrameTarget {
    guard let map, let target = map.target(memory) else { return .nothing("nothing is mapped here") }
    let translation = map.space.translate(target.address, in: memory)
    guard let step = translation.steps.first(where: { $0.level == target.level }) else {
      return .nothing("the root is not in the dump")
    }
    // The cell may lie in the middle of a huge page.
    if step.kind == .leaf, let page = translation.page { return .address(page.physical) }
    return FrameTarget(step.raw, step.level, map.space.scheme, memory)
  }
}
