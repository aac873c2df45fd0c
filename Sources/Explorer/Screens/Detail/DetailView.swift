import Canvas
import PageTables

extension Explorer {
  /// The tree, and the detail of its selected row where that has room beside it.
  func drawTreeAndDetail(
    _ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let header = layout.header
    drawTree(layout, &canvas, theme, glyphs)
    guard layout.hasDetail else { return }
    let line = Rectangle(
      x: layout.detail.x, y: header.y, width: 1, height: layout.detail.height + header.height)
    canvas.verticalLine(x: line.x, y: line.y, length: line.height, glyphs: glyphs, style: theme[.border])
    let inner = layout.detail.split(left: 2).rest
    drawDetail(
      header: Rectangle(x: inner.x, y: header.y, width: inner.width, height: header.height), in: inner,
      &canvas, theme)
  }

  func drawDetail(header: Rectangle, in area: Rectangle, _ canvas: inout Canvas, _ theme: Theme) {
    if !header.isEmpty {
      canvas.put(
        CellText.fitted(detailTitle, to: header.width), x: header.x, y: header.y,
        style: theme[screenID == .detail ? .selection : .header], width: header.width)
    }
    let lines = detailLines(width: area.width)
    let first = max(0, min(detailTop, lines.count - area.height))
    let links = screenID == .detail ? detailLinks(lines) : []
    let selected = links.indices.contains(detailLink) ? links[detailLink].lines : 0..<0
    for (offset, line) in lines.dropFirst(first).prefix(area.height).enumerated() {
      canvas.put(line, x: area.x, y: area.y + offset, width: area.width, theme: theme)
      if selected.contains(first + offset) {
        let whole = Rectangle(x: area.x, y: area.y + offset, width: area.width, height: 1)
        canvas.restyle(whole, to: theme[.selection])
      }
    }
    if lines.count > first + area.height, area.height > 0 {
      let more = (screenID == .detail ? "Down: " : "Tab: ") + "\(lines.count - first - area.height + 1) more"
      let y = area.bottom - 1
      canvas.fill(Rectangle(x: area.x, y: y, width: area.width, height: 1))
      canvas.put(more, x: area.x, y: y, style: theme[.dim], width: area.width)
    }
  }

  private var detailTitle: String {
    guard let row = selectedRow else { return "" }
    let space = tree.spaces[Int(row.space)]
    guard row.isEntry else { return space.label }
    let level = space.scheme(at: row.virtual).levels[Int(row.level)]
    let name = "\(level.name)[\(row.slot)]"
    switch row.entryKind {
    case .table:
      return
        "\(name) -> \(space.scheme(at: row.virtual).levels[Int(row.level) + 1].name) \(Numbers.hex(row.address))"
    case .leaf: return "\(name) -> frame \(Numbers.hex(row.address))"
    default: return name
    }
  }

  /// Everything that is known of the selection, in lines of at most `width` cells.
  func detailLines(width: Int) -> [StyledLine] {
    guard let row = selectedRow, width > 0 else { return [] }
    let space = tree.spaces[Int(row.space)]
    let lines = row.isEntry ? entryLines(row, space) : spaceLines(space, spaceNumber: Int(row.space))
    return lines.flatMap { $0.wrapped(to: width) }
  }

  func fact(_ name: String, _ value: String, _ role: Role = .text) -> StyledLine {
    StyledLine(Numbers.left(name, max(9, name.count + 1)), .dim).adding(value, role)
  }

  private func spaceLines(_ space: TreeSpace, spaceNumber: Int) -> [StyledLine] {
    let found = space.found
    let roots = found.space.windows.map { window in
      fact("root", "\(window.rootRegister) -> \(Numbers.hex(window.root))", .address)
        .linked(to: .frame(window.root))
    }
    var lines =
      roots + [
        fact("scheme", space.scheme.title),
        fact("levels", space.scheme.levels.map(\.name).joined(separator: " ")),
        fact("address", "\(space.scheme.virtualAddressBits) bits"),
        fact("found", CellText.visible(found.foundBy)),
      ]
    if let pid = found.pid { lines.append(fact("pid", "\(pid)")) }
    if found.isUnowned { lines.append(fact("process", "no process uses it")) }
    lines += processLines(space) + useLines(of: space, spaceNumber: spaceNumber)
    switch found.isolation {
    case .none: break
    case .kernelCopy(let user):
      lines.append(StyledLine())
      lines.append(
        StyledLine("The kernel's copy of a pair: the process itself runs on \(Numbers.hex(user))."))
    case .userCopy(let kernel):
      lines.append(StyledLine())
      lines.append(
        StyledLine(
          "The user copy of a pair: maps the process and the kernel's entry code. The kernel runs on \(Numbers.hex(kernel))."
        ))
    }
    if found.isPossiblyStale {
      lines.append(StyledLine())
      lines.append(
        StyledLine(
          "Possibly stale: it looks like a root, but maps no user memory, or nothing points at it. Most likely it was freed, or only used at boot.",
          .stale))
    }
    return lines + sharerLines(space)
  }

  private func entryLines(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    let level = space.scheme(at: row.virtual).levels[Int(row.level)]
    var lines = [fact("raw", Numbers.raw(row.raw, entrySize: level.format.entrySize), .address)]
    lines.append(fact("va", Numbers.grouped(row.virtual, in: space.scheme(at: row.virtual))))
    let span = level.span
    let last = row.virtual.value &+ (span &* UInt64(row.count)) &- 1
    lines.append(fact("to", Numbers.grouped(VirtualAddress(last), in: space.scheme(at: row.virtual))))
    let address = virtualAddress(of: row)
    if address != row.virtual {
      lines.append(fact("address", Numbers.grouped(address, in: space.scheme(at: row.virtual))))
      if row.entryKind == .leaf {
        lines.append(fact("is at", Numbers.hex(physicalAddress(of: row)), .address))
      }
    }
    if row.kind == .everybodys {
      lines.append(fact("holds", "what everybody has; Enter opens it"))
      return lines
    }
    if row.isGroup { lines.append(fact("fold", foldText(row, span))) }
    lines += contiguousLines(row, space)
    let slotAddress = row.table.advanced(by: UInt64(Int(row.slot) * level.format.entrySize))
    lines.append(fact("entry at", Numbers.hex(slotAddress)))
    lines += sharingLines(row)
    lines += linkLines(row, space)
    lines += nameLines(row, space)
    lines += meaningLines(row, space)
    lines.append(StyledLine())
    switch row.entryKind {
    case .absent: lines.append(StyledLine("Absent: nothing is mapped here.", .absent))
    case .marked: lines += markedLines(row, space)
    case .table, .leaf, .malformed: lines += fieldLines(row, level)
    }
    if row.entryKind == .malformed { lines += malformedLines(row, level) }
    if row.entryKind == .table || row.entryKind == .leaf {
      lines.append(StyledLine())
      lines += pathLines(row, space)
    }
    if row.entryKind == .leaf, !memory.holds(row.address) {
      lines.append(StyledLine("The frame is not in the dump.", .warning))
    }
    if row.recursionLevel >= 0 {
      let target = space.scheme(at: row.virtual).levels[Int(row.recursionLevel)].name
      lines.append(StyledLine("Recursive: points back at the \(target) on its own path.", .recursive))
    }
    return lines
  }

  /// Who else reaches the table that an entry points at.
  private func sharingLines(_ row: TreeRow) -> [StyledLine] {
    guard row.entryKind == .table, row.recursionLevel < 0, let index else { return [] }
    let table = TableReference(address: row.address, level: Int(row.level) + 1)
    guard let sharing = index.spaces.sharing(of: table, in: Int(row.space), window: index.window(of: row)),
      sharing.spaces > 1
    else {
      return []
    }
    let shared = fact("shared", "by \(sharing.spaces) spaces", .shared)
      .linked(to: .crossReferences)
    return sharing.owner == Int(row.space) ? [shared, fact("owner", "this space")] : [shared]
  }

  private func foldText(_ row: TreeRow, _ span: UInt64) -> String {
    if row.entryKind == .absent { return "\(row.count) absent entries" }
    return row.stride == 0
      ? "\(row.count) equal entries" : "\(row.count) entries, frames \(ByteText.exact(row.stride)) apart"
  }

  private func fieldLines(_ row: TreeRow, _ level: PagingLevel) -> [StyledLine] {
    level.fields(of: row.raw).compactMap { field in
      let value = field.value(in: row.raw)
      // What software left at 0 says nothing.
      if [.available, .protectionKey, .copyOnWrite, .hint].contains(field.role), value == 0 { return nil }
      // Nor does a combination of bits that are there one by one, where it is not the one with a meaning.
      if field.pattern != nil, value == 0, field.clearMeaning.isEmpty { return nil }
      // Of a combination, the highest bit that is set in it.
      let place = field.pattern.map { 63 - $0.value.leadingZeroBitCount } ?? field.lowBit
      var line = StyledLine(Numbers.right("\(place)", 2) + " ", .dim)
      line.add(Numbers.left(field.name, max(9, field.name.count + 1)), .bitName)
      if field.role == .address {
        let held = row.entryKind == .malformed ? PhysicalAddress(row.raw & field.mask) : row.address
        line.add(Numbers.hex(held), .address)
        return line
      }
      line.add(Numbers.left("\(value)", 3), .bitValue)
      line.add(field.meaning(of: value), value == 0 ? .dim : .text)
      return line
    }
  }

  private func markedLines(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    var lines = [StyledLine("Not present for the processor, but software keeps something here.", .marked)]
    let scheme = space.scheme(at: row.virtual)
    guard let mark = scheme.mark(in: row.raw, level: Int(row.level), of: memory, at: row.virtual) else {
      return lines
    }
    if let frame = mark.address {
      lines.append(fact(mark.name, "frame \(Numbers.hex(frame))", .address))
    } else if mark.isKnown, meaning(of: row, space) == nil {
      lines.append(fact("keeps", mark.name, .marked))
    }
    return lines
  }

  private func malformedLines(_ row: TreeRow, _ level: PagingLevel) -> [StyledLine] {
    let reserved = level.reservedBitsSet(in: row.raw)
    let text =
      reserved == 0
      ? "Malformed: this form is not allowed at this level."
      : "Malformed: reserved bits \(Numbers.hex(reserved)) are set."
    return [StyledLine(), StyledLine(text + " The processor faults here.", .malformed)]
  }
}
