import Canvas
import PageTables

/// What the columns of the sharing matrix are, and what its signs mean.
extension Explorer {
  /// Spaces of a share that are named.
  private static let namedPlaces = 6

  func drawMatrixLegend(_ areas: MatrixAreas, _ canvas: inout Canvas, _ theme: Theme) {
    let area = areas.legend
    guard !area.isEmpty, let index else { return }
    let (matrix, room) = (matrix, area.width - 2)
    var lines: [(line: StyledLine, isSelected: Bool)] = []
    if area.height == 1 {
      lines = [(columnLine(matrix.column, index), true)]
    } else {
      lines.append((StyledLine(), false))
      if matrix.columnCount == 1 {
        lines.append((StyledLine("no table is shared by some spaces only", .text), false))
      }
      for column in areas.listedColumns {
        let isSelected = column == matrix.column
        let line = columnLine(column, index)
        let wrapped = isSelected ? line.wrapped(to: room, indent: 4).prefix(2) : [line]
        lines += wrapped.map { ($0, isSelected) }
      }
      lines = Array(lines.prefix(area.height - 1)) + [(signsLine(index, room: room), false)]
    }
    for (number, line) in lines.enumerated() {
      canvas.put(line.line, x: 1, y: area.y + number, width: room + 1, theme: theme)
      guard line.isSelected else { continue }
      let whole = Rectangle(x: 1, y: area.y + number, width: min(room, line.line.width), height: 1)
      canvas.restyle(whole, adding: theme[.selectionUnfocused])
    }
  }

  private func signsLine(_ index: ExplorerIndex, room: Int) -> StyledLine {
    func line(gap: Int) -> StyledLine {
      var line = StyledLine()
      if !index.hasAllShares { line.add("too many; only the first are shown   ", .warning) }
      for (number, (sign, meaning)) in Self.signs.enumerated() {
        line.add((number > 0 ? String(repeating: " ", count: gap) : "") + sign, .header)
        line.add(" \(meaning)", .dim)
      }
      return line
    }
    let wide = line(gap: 3)
    return wide.width <= room ? wide : line(gap: 2)
  }

  private static let signs = [
    ("o", "owner"), ("=", "has it"), ("2", "at 2 addresses"), ("-", "in part"), ("?", "stale"),
    (".", "does not have it"),
  ]

  /// What a column stands for: table, address, size, with whom, and what that is called.
  private func columnLine(_ column: Int, _ index: ExplorerIndex) -> StyledLine {
    let label = Numbers.left(matrix.label(ofColumn: column), 3) + " "
    guard let share = matrixShare(ofColumn: column) else { return everybodysLine(label, index) }
    let scheme = share.scheme
    let (level, owner) = (share.table.level, share.places[0].spaceNumber)
    var line = StyledLine(label, .header)
    line.add("\(scheme.levels[level].name) \(Numbers.hex(share.table.address))", .table)
    line.add("  " + (level > 0 ? ByteText.exact(scheme.levels[level - 1].span) : "the whole space"), .dim)
    let isAtOneAddress = share.places.allSatisfy { $0.virtual == share.places[0].virtual }
    if isAtOneAddress { line.add("  " + Numbers.grouped(share.places[0].virtual, in: scheme), .address) }
    var names: [String] = []
    for place in share.places.prefix(Self.namedPlaces) {
      let isItself = place.spaceNumber == owner && !names.isEmpty && share.spaces == 1
      let name = isItself ? "again" : tree.spaces[place.spaceNumber].label
      names.append(isAtOneAddress ? name : "\(name) at \(Numbers.grouped(place.virtual, in: scheme))")
    }
    let more = max(share.spaces, share.places.count) - names.count
    line.add("  " + names.joined(separator: ", ") + (more > 0 ? " and \(more) more" : ""), .text)
    let regions = regions(of: share)
    if !regions.isEmpty { line.add("  " + regions.joined(separator: ", "), .dim) }
    return line
  }

  /// What its spaces call the addresses of a share, as far as their names are known.
  private func regions(of share: ParticularShare) -> [String] {
    guard share.table.level > 0 else { return [] }
    let length = share.scheme.levels[share.table.level - 1].span
    var titles: [String] = []
    for place in share.places.prefix(Self.namedPlaces) {
      let last = VirtualAddress(place.virtual.value &+ (length &- 1))
      guard
        let found = guest[tree.spaces[place.spaceNumber].id]?.regions(from: place.virtual, through: last)
      else { continue }
      let title = found.first.title(fitting: 30) + (found.others > 0 ? " +\(found.others)" : "")
      if !titles.contains(title) { titles.append(title) }
    }
    return titles
  }

  private func everybodysLine(_ label: String, _ index: ExplorerIndex) -> StyledLine {
    var line = StyledLine(label, .header)
    line.add(
      index.everybodys.count == 1
        ? "  shared by everybody: 1 table"
        : "  shared by everybody: \(index.everybodys.count) tables of all levels",
      .text)
    return line
  }
}
