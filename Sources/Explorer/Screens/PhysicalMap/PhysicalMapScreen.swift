import Guests
import PageTables

extension Screen.ID {
  static let physicalMap = Screen.ID("physical-map")
}

extension Screen {
  static let physicalMap = Screen(
    id: .physicalMap, title: "the map of physical memory",
    sections: [
      HelpSection(
        "Map of physical memory",
        "a cell is a block of frames, told by what most of them are used for; + and - change its size",
        [
          ("a c h s t", "anonymous, page cache, huge pages, slab, page tables"),
          ("k r .", "the kernel's, reserved (its image, firmware), free"),
          ("~ b", "has mirrored frames; frames of the kernel's image that were given back"),
          (
            "u m -",
            "where no guest tells: mapped by users, by the kernel outside the direct map, only by the direct map"
          ),
        ])
    ],
    opener: .physicalMap, commands: [.left, .right, .zoomIn, .zoomOut, .aliases, .frame],
    deeds: [
      .open: Deed(obstacle: \.aliasesObstacle, perform: { $0.openAliases() }),
      .zoomIn: Deed(obstacle: { _ in nil }, perform: { $0.physicalMap?.blocks.zoom(by: -1) }),
      .zoomOut: Deed(obstacle: { _ in nil }, perform: { $0.physicalMap?.blocks.zoom(by: 1) }),
    ],
    footer: { _ in [.open, .zoomIn, .zoomOut, .frame, .matrix, .map, .help, .cancel] },
    labels: [.open: "who maps it"],
    heading: \.physicalMapText,
    draw: { $0.drawPhysicalMap($1, &$2, $3, $4) },
    move: { explorer, movement in
      let page = max(1, explorer.physicalMapAreas.cells.height)
      explorer.physicalMap?.blocks.move(movement, page: page)
    },
    scroll: { explorer, step, _, _ in
      for _ in 0..<abs(step) { explorer.physicalMap?.blocks.move(step > 0 ? .down : .up, page: 1) }
    },
    press: { explorer, press in
      guard explorer.selectBlock(x: press.x, y: press.y) else { return [] }
      return press.opens ? explorer.perform(CommandLine(.open)) : []
    },
    settle: { $0.settlePhysicalMap() },
    frameTarget: { explorer in
      explorer.physicalMap.map { .address(explorer.shownFrame(of: $0)) } ?? .nothing("there is no memory")
    },
    follow: { explorer, change in
      switch change {
      case .index, .guest, .tables, .spaces: explorer.renewPhysicalMap()
      case .names, .commandLines, .namesOfSpace, .width: break
      }
    },
    isWorking: { explorer in
      explorer.screenID == .physicalMap && explorer.physicalMap?.survey.isDone == false
    },
    proceed: { $0.surveyFrames() })
}

extension Command {
  static let physicalMap = Command(
    "physical-map", "what physical memory is used for: a picture", label: "memory", in: .pictures, .views,
    obstacle: { $0.memory.extent.physical.ranges.isEmpty ? "there is no memory" : nil },
    does: { $0.enter(.physicalMap) })
}

/// The picture of physical memory: where the person is in it, and what is known of its frames.
struct PhysicalMap: Sendable {
  var blocks: PhysicalBlocks
  var survey: FrameSurvey
  let source: FrameSource
  /// Frames that were given back, by their addresses.
  let givenBack: [PhysicalRange]

  init(_ blocks: PhysicalBlocks, _ source: FrameSource) {
    self.blocks = blocks
    self.source = source
    survey = FrameSurvey(shift: blocks.shift)
    let mirrors = source.index?.mirrors.lazy.filter { $0.kind == .givenBack } ?? [].lazy.filter { _ in true }
    givenBack =
      PhysicalRanges(mirrors.map { PhysicalRange($0.physical, $0.physical.advanced(by: $0.length)) }).ranges
  }
}

struct PhysicalMapState: ScreenState {
  var map: PhysicalMap?
}

extension Explorer {
  var physicalMap: PhysicalMap? {
    get { states[PhysicalMapState.self].map }
    set { states[PhysicalMapState.self].map = newValue }
  }

  /// Frames that one slice looks at: some four milliseconds.
  private static let framesInSlice = 120

  /// log2 of the blocks in a row.
  private var physicalRowBits: Int {
    let room = width - Self.mapLabelWidth
    return (3...7).last { 1 << $0 <= room } ?? 3
  }

  private var frameSource: FrameSource {
    FrameSource(names: guest.names, index: index, ranges: memory.extent.physical)
  }

  /// Looks at all frames again, because more is known of them, or something else; the place stays.
  fileprivate mutating func renewPhysicalMap() {
    guard let blocks = physicalMap?.blocks else { return }
    physicalMap = PhysicalMap(blocks, frameSource)
  }

  fileprivate mutating func settlePhysicalMap() {
    let (height, rowBits) = (max(1, physicalMapAreas.cells.height), physicalRowBits)
    let source = physicalMap?.source ?? frameSource
    var map = physicalMap ?? PhysicalMap(PhysicalBlocks(source.ranges, rowBits: rowBits), source)
    physicalMap = nil
    map.blocks.resize(rowBits: rowBits)
    map.blocks.settle(height: height)
    if map.survey.shift != map.blocks.shift { map.survey = FrameSurvey(shift: map.blocks.shift) }
    if index != nil || guest.guest != nil { map.survey.want(map.blocks.visibleBlocks(height)) }
    physicalMap = map
  }

  /// Looks at some frames. What is known meanwhile is kept nowhere else: a copy of it would be made at every change.
  fileprivate mutating func surveyFrames() {
    guard var map = physicalMap else { return }
    physicalMap = nil
    map.survey.proceed(frames: Self.framesInSlice, map.source, memory)
    physicalMap = map
  }

  /// Selects a block on the screen; false where there is none.
  fileprivate mutating func selectBlock(x: Int, y: Int) -> Bool {
    let area = physicalMapAreas.cells
    guard let blocks = physicalMap?.blocks, area.contains(x: x, y: y) else { return false }
    let lines = blocks.lines(area.height)
    let cell = x - Self.mapLabelWidth
    guard lines.indices.contains(y - area.y), lines[y - area.y].hole == 0,
      (0..<blocks.blocksInRow).contains(cell)
    else { return false }
    let block = lines[y - area.y].start + UInt64(cell) << UInt64(blocks.shift)
    guard blocks.isThere(block) else { return false }
    physicalMap?.blocks.select(block)
    return true
  }
}
