import PageTables

extension Screen.ID {
  static let map = Screen.ID("map")
}

extension Screen {
  static let map = Screen(
    id: .map, title: "the map of a space",
    sections: [
      HelpSection(
        "Map of a space",
        "what is mapped, without the gaps; + and - change the scale; Enter goes to what begins in the cell",
        [
          ("u k d ~ ? .", "user, kernel, direct map, mirror, marked or malformed, nothing"),
          ("h s a f x", "of a process: heap, stack, anonymous, file, [vdso] and the like"),
          ("v m i p", "of the kernel: vmalloc, module, the kernel's image, page array"),
          ("capitals", "the same in tables that some other spaces reach, too"),
          ("-", "a region of the process with nothing present here"),
          ("..", "cut out: nothing is mapped, or the other part of the space, which Enter shows"),
        ])
    ],
    opener: .map, commands: [.left, .right, .zoomIn, .zoomOut, .aliases, .frame, .regions],
    deeds: [
      .open: Deed(
        obstacle: { explorer in
          guard let map = explorer.map else { return "nothing is mapped here" }
          return map.cutAtCursor == nil && map.target(explorer.memory) == nil ? "nothing is mapped here" : nil
        },
        perform: { $0.openMapCell() })
    ],
    footer: { _ in [.open, .zoomIn, .zoomOut, .aliases, .frame, .matrix, .help, .cancel] },
    heading: \.mapText,
    draw: { $0.drawMap($1, &$2, $3, $4) },
    move: { explorer, movement in
      let page = max(1, explorer.mapAreas.cells.height)
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
    namedSpaces: { explorer in explorer.mapSpaceNumber.map { [explorer.tree.spaces[$0]] } ?? [] },
    follow: { explorer, change in
      switch change {
      case .index, .spaces, .names, .tables: explorer.cutMap()
      case .guest: explorer.nameMap()
      case .namesOfSpace(let id): if explorer.map?.id == id { explorer.nameMap() }
      case .commandLines, .width: break
      }
    })
}

extension Command {
  static let map = Command(
    "map", "what lies where in this space: a picture", label: "map", in: .pictures, .views,
    obstacle: { $0.selectedSpace == nil ? "there is no space" : nil },
    does: { $0.openMap() })

  static let zoomIn = Command(
    "zoom-in", "a smaller part of the space", label: "zoom in", in: .pictures, .named
  ) {
    $0.zoomMap(by: -1)
  }

  static let zoomOut = Command(
    "zoom-out", "a larger part of the space", label: "zoom out", in: .pictures, .named
  ) {
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
      map = SpaceMap(space.found.space, space.id, rowBits: mapRowBits)
      nameMap()
      cutMap()
    }
    if screenID != .map, row.isEntry { map?.go(to: row.virtual) }
    enter(.map)
  }

  /// Has regions begin rows of their own, as far as the guest's names are known.
  fileprivate mutating func nameMap() {
    guard let map else { return }
    let regions = guest[map.id].map { MapRegions($0, position: map.position) } ?? MapRegions()
    self.map?.show(regions)
  }

  /// Cuts out what everybody has, once that is known; the kernel's own half is its own there.
  fileprivate mutating func cutMap() {
    guard map != nil else { return }
    guard let index, let spaceNumber = mapSpaceNumber, !index.census.kernels.contains(spaceNumber) else {
      map?.cutOut([])
      return
    }
    let stretches = everybodysStretches(in: spaceNumber)
    map?.cutOut(stretches)
  }

  fileprivate mutating func openMapCell() {
    guard let map, let spaceNumber = mapSpaceNumber else { return }
    let memory = memory
    if map.cutAtCursor != nil {
      self.map?.enterCut(memory)
    } else if let target = map.target(memory) {
      go(to: .entry(space: spaceNumber, target.address, level: target.level))
    }
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
    let (rowBits, height, memory) = (mapRowBits, max(1, mapAreas.cells.height), memory)
    map?.resize(rowBits: rowBits)
    map?.settle(height: height, memory)
  }

  /// Moves the cursor to a cell of the screen; false where there is none.
  fileprivate mutating func selectCell(x: Int, y: Int) -> Bool {
    let area = mapAreas.cells
    guard let map, area.contains(x: x, y: y) else { return false }
    let lines = map.visibleRows(area.height, memory)
    guard lines.indices.contains(y - area.y) else { return false }
    let line = lines[y - area.y]
    switch line.kind {
    case .gap: return false
    case .cut: self.map?.select(line.stretch.lowerBound)
    case .cells:
      let cell = x - Self.mapLabelWidth
      guard cell >= 0, cell < map.rows.cells(in: line.stretch) else { return false }
      self.map?.select(line.stretch.lowerBound + UInt64(cell) << UInt64(map.rows.shift))
    }
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
    return FrameTarget(step.raw, step.level, map.space.scheme(at: target.address), memory)
  }
}
