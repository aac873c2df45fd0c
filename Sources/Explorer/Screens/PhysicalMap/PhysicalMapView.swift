import Canvas
import PageTables

/// What a cell of the picture of physical memory says.
enum BlockSign: Hashable {
  case mirrored, givenBack
  case most(BlockKind)

  var sign: String {
    switch self {
    case .mirrored: "~"
    case .givenBack: "b"
    case .most(let kind): kind.sign
    }
  }

  var meaning: String {
    switch self {
    case .mirrored: "mirrored"
    case .givenBack: "given back"
    case .most(let kind): kind.meaning
    }
  }
}

extension Explorer {
  /// What a block shows: what a person looks for, if any of it is there, or else what most frames are used for; nil as
  /// long as none was looked at.
  func sign(ofBlock block: UInt64, _ map: PhysicalMap) -> BlockSign? {
    if mirroredFrame(ofBlock: block, map) != nil { return .mirrored }
    if givenBackFrame(ofBlock: block, map) != nil { return .givenBack }
    return map.survey.blocks[block]?.most.map { .most($0) }
  }

  private func mirroredFrame(ofBlock block: UInt64, _ map: PhysicalMap) -> PhysicalAddress? {
    guard let index,
      let found = index.particular.mirror(of: PhysicalAddress(block), length: map.blocks.blockLength)
    else { return nil }
    return index.mirrors[found.number].physical.advanced(by: found.offset)
  }

  private func givenBackFrame(ofBlock block: UInt64, _ map: PhysicalMap) -> PhysicalAddress? {
    let next = map.givenBack.partitioningIndex { $0.end.value > block }
    guard next < map.givenBack.count else { return nil }
    let start = max(block, map.givenBack[next].start.value)
    return start - block < map.blocks.blockLength ? PhysicalAddress(start) : nil
  }

  /// The first frame of the selected block that is what the block shows, as far as its frames were looked at.
  func shownFrame(of map: PhysicalMap) -> PhysicalAddress {
    let block = map.blocks.cursor
    switch sign(ofBlock: block, map) {
    case .mirrored: return mirroredFrame(ofBlock: block, map) ?? PhysicalAddress(block)
    case .givenBack: return givenBackFrame(ofBlock: block, map) ?? PhysicalAddress(block)
    case .most(let kind):
      let frame = map.survey.blocks[block]?.firstFrame(kind) ?? 0
      return PhysicalAddress(block &+ frame << UInt64(Frame.shift))
    case nil: return PhysicalAddress(block)
    }
  }

  /// The selected block, and what its frames are used for.
  var physicalMapText: String {
    guard let map = physicalMap else { return "physical memory" }
    let block = map.blocks.cursor
    var text = "\(Numbers.hex(block))   a cell is \(ByteText.exact(map.blocks.blockLength))"
    var parts: [String] = []
    if mirroredFrame(ofBlock: block, map) != nil { parts.append("mirrored frames") }
    if givenBackFrame(ofBlock: block, map) != nil { parts.append("frames given back") }
    if let use = map.survey.blocks[block] { parts += shares(use.counts.widened) }
    if !parts.isEmpty { text += "   here: " + parts.joined(separator: ", ") }
    if let sampling = map.survey.sampling {
      let looks = "   (\(sampling.looks) of \(sampling.frames) frames looked at)"
      if CellText.width(of: text + looks) + 2 <= width { text += looks }
    }
    return text
  }

  /// The uses of frames by how many there are, with their parts.
  private func shares(_ counts: [Int]) -> [String] {
    let all = counts.reduce(0, +)
    let kinds = BlockKind.allCases.filter { counts[$0.rawValue] > 0 }
      .sorted { (counts[$1.rawValue], $0.rawValue) < (counts[$0.rawValue], $1.rawValue) }
    if kinds.count == 1 { return [kinds[0].meaning] }
    return kinds.map { "\($0.meaning) \(percent(counts[$0.rawValue], of: all))" }
  }

  private func percent(_ part: Int, of all: Int) -> String {
    let percent = part * 100 / max(1, all)
    return percent == 0 ? "<1%" : "\(percent)%"
  }

  /// Where the picture lies, and what its signs mean, below it: there are more of them than in the map of a space.
  var physicalMapAreas: (cells: Rectangle, legend: Rectangle) {
    guard layout.list.height >= 16, layout.list.width < 120 else { return mapAreas }
    let parts = layout.list.split(bottom: 4)
    return (parts.rest, parts.bottom)
  }

  /// The map of physical memory: addresses at the left, a cell a block, and what the signs mean.
  func drawPhysicalMap(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    let (area, legend) = physicalMapAreas
    guard let map = physicalMap, area.width > 0 else { return }
    let (blocks, left) = (map.blocks, Self.mapLabelWidth)
    if !layout.header.isEmpty {
      canvas.put("from", x: 1, y: layout.header.y, style: theme[.header], width: max(0, width - 1))
      canvas.put(
        "\(ByteText.exact(blocks.rowLength)) a row", x: left, y: layout.header.y, style: theme[.header],
        width: max(0, width - left))
    }
    var signs: Set<BlockSign> = []
    var counts = [Int](repeating: 0, count: SIMD16<UInt16>.scalarCount)
    for (number, line) in blocks.lines(area.height).enumerated() {
      let y = area.y + number
      if line.hole > 0 {
        canvas.put(
          ".. \(ByteText.rounded(line.hole)) no memory ..", x: left, y: y, style: theme[.dim],
          width: max(0, area.width - left))
        continue
      }
      canvas.put(
        Numbers.hex(line.start), x: 1, y: y, style: theme[.address], width: max(0, area.width - 1))
      for cell in 0..<blocks.blocksInRow where left + cell < area.width {
        let block = line.start + UInt64(cell) << UInt64(blocks.shift)
        guard blocks.isThere(block) else { continue }
        let sign = sign(ofBlock: block, map)
        if let sign { signs.insert(sign) }
        if let use = map.survey.blocks[block] {
          for (kind, count) in use.counts.widened.enumerated() { counts[kind] += count }
        }
        let style = block == blocks.cursor ? theme[.selection] : style(of: sign, theme)
        canvas.put(sign?.sign ?? " ", x: left + cell, y: y, style: style, width: 1)
      }
    }
    if index == nil, guest.guest == nil {
      canvas.put(awaitedText, x: 1, y: legend.y, style: theme[.dim], width: max(0, area.width - 1))
    } else {
      drawLegend(signs, counts, legend, &canvas, theme)
    }
  }

  private func style(of sign: BlockSign?, _ theme: Theme) -> Style {
    switch sign {
    case .mirrored: theme[.mirror]
    case .givenBack: theme[.stale]
    case .most(.pageTable): theme[.table]
    case .most(.huge): theme[.hugePage]
    case .most(.slab): theme[.bitName]
    case .most(.anonymous), .most(.userMapped): theme[.permissionUser]
    case .most(.pageCache): theme[.leaf]
    case .most(.kernel), .most(.kernelMapped): theme[.directMap]
    case .most(.reserved): theme[.marked]
    case .most(.free), .most(.unmapped), nil: theme[.dim]
    }
  }

  /// The signs that are on the screen, in words, and how much of the memory on it is used so.
  private func drawLegend(
    _ signs: Set<BlockSign>, _ counts: [Int], _ area: Rectangle, _ canvas: inout Canvas, _ theme: Theme
  ) {
    guard area.height >= 2 else { return }
    let all = counts.reduce(0, +)
    let kinds = BlockKind.allCases.filter { counts[$0.rawValue] > 0 }
    var entries: [(BlockSign, String)] = kinds.map {
      (.most($0), "\($0.meaning) \(percent(counts[$0.rawValue], of: all))")
    }
    entries += [BlockSign.mirrored, .givenBack].filter(signs.contains).map { ($0, $0.meaning) }
    var (x, y) = (1, area.y + 1)
    if !kinds.isEmpty {
      let of = area.width < 60 ? "all:" : "all on the screen:"
      x = canvas.put(of, x: x, y: y, style: theme[.header], width: area.width - x) + 2
    }
    for (sign, text) in entries {
      if x + 2 + text.count > area.width {
        (x, y) = (1, y + 1)
        guard y < area.bottom, x + 2 + text.count <= area.width else { return }
      }
      canvas.put(sign.sign, x: x, y: y, style: style(of: sign, theme), width: 1)
      canvas.put(text, x: x + 2, y: y, style: theme[.dim], width: area.width - x - 2)
      x += 2 + text.count + 3
    }
  }
}

extension SIMD16<UInt16> {
  /// Each as a number of its own.
  fileprivate var widened: [Int] { indices.map { Int(self[$0]) } }
}
