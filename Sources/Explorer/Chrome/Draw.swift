import Canvas
import PageTables

extension Explorer {
  /// Draws the screen. A function of the state: it changes nothing, and reads no more than the selection's walk.
  package func draw(into canvas: inout Canvas, theme: Theme, glyphs: Glyphs) {
    let layout = layout
    drawTitle(in: layout.title, &canvas, theme, glyphs)
    drawBreadcrumb(in: layout.breadcrumb, &canvas, theme)
    drawRules(layout, &canvas, theme, glyphs)
    screen.draw(self, layout, &canvas, theme, glyphs)
    drawCaption(layout, &canvas, theme, glyphs)
    drawFooter(in: layout.footer, &canvas, theme)
  }

  /// Where the cursor is while something is typed.
  package var cursor: (x: Int, y: Int)? {
    guard let prompt, !layout.footer.isEmpty else { return nil }
    let x = 1 + CellText.width(of: prompt.label) + prompt.visibleText(width: width).cursor
    return (min(x, max(0, width - 1)), layout.footer.y)
  }

  private func drawTitle(in area: Rectangle, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    guard !area.isEmpty else { return }
    let right = activity
    let counts = index.map { "\($0.tables.all) tables, \($0.tables.shared) shared" } ?? ""
    var left = StyledLine(" pagewalk  ", .title)
    let name = String(sourceName.split(separator: "/").last ?? "")
    left.add(name.isEmpty ? sourceName : name, .title)
    var facts = [formatName]
    if let scheme = selectedSpace?.scheme { facts.append(scheme.title) }
    facts.append(tree.spaces.count == 1 ? "1 space" : "\(tree.spaces.count) spaces")
    if !counts.isEmpty { facts.append(counts) }
    if let release = guest.release { facts.append("Linux \(release)") }
    let filter = list?.filter.text ?? tree.filter.text
    if !filter.isEmpty { facts.append("filter: \(filter)") }
    if !overlay.made.isEmpty { facts.append("overlay") }
    // What does not fit goes from the end, the filter and the overlay last: they change what is seen.
    let kept = (filter.isEmpty ? 0 : 1) + (overlay.made.isEmpty ? 0 : 1)
    while left.width + facts.reduce(0, { $0 + 3 + $1.count }) + right.width > area.width, facts.count > 1 {
      facts.remove(at: facts.count > kept ? facts.count - 1 - kept : facts.count - 1)
    }
    for fact in facts {
      left.add("   ")
      left.add(fact, fact.hasPrefix("filter: ") || fact == "overlay" ? .warning : .dim)
    }
    canvas.put(left, x: area.x, y: area.y, width: area.width - right.width - 1, theme: theme)
    canvas.put(
      right, x: max(0, area.right - right.width - 1), y: area.y, width: right.width, theme: theme)
  }

  /// What runs behind, for the right end of the title.
  private var activity: StyledLine {
    func percent(_ fraction: Double) -> Int { Int(max(0, min(1, fraction)) * 100) }
    if awaitedFind != nil { return StyledLine("looking for a frame", .progress) }
    if tree.isBuilding { return StyledLine("reading tables", .progress) }
    if slices.search != nil { return StyledLine("searching", .progress) }
    if case .running(let fraction) = scan { return StyledLine("scanning \(percent(fraction)) %", .progress) }
    if let running = indexing.running {
      return StyledLine("indexing \(percent(running.fraction)) %", .progress)
    }
    if scan == .cancelled { return StyledLine("scan stopped", .warning) }
    return indexing.isCancelled ? StyledLine("not indexed", .warning) : StyledLine()
  }

  private func drawBreadcrumb(in area: Rectangle, _ canvas: inout Canvas, _ theme: Theme) {
    guard !area.isEmpty else { return }
    if let heading = screen.heading(self) {
      canvas.put(
        CellText.fitted(heading, to: max(0, area.width - 2)), x: area.x + 1, y: area.y,
        style: theme[.breadcrumb],
        width: max(0, area.width - 1))
      return
    }
    for part in breadcrumb() where part.x < area.right {
      canvas.put(
        part.text, x: area.x + part.x, y: area.y, style: theme[.breadcrumb], width: area.right - part.x)
    }
  }

  private func drawRules(
    _ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let hasColumn = layout.hasDetail && screen.isHome
    for (rule, tee) in [(layout.upperRule, glyphs.teeDown), (layout.lowerRule, glyphs.teeUp)]
    where !rule.isEmpty {
      canvas.horizontalLine(x: 0, y: rule.y, length: width, glyphs: glyphs, style: theme[.border])
      if hasColumn {
        canvas.put(String(Character(tee)), x: layout.detail.x, y: rule.y, style: theme[.border], width: 1)
      }
    }
  }
}

/// A part of the path line, and where a click on it goes.
struct BreadcrumbPart {
  let text: String
  let x: Int
  let target: RowID
}

extension Explorer {
  /// The path to the selection: `init 1 > PML4[273] > PDPT[4]`.
  func breadcrumb() -> [BreadcrumbPart] {
    guard let row = selectedRow else { return [] }
    let space = tree.spaces[Int(row.space)]
    let id = RowID(space: space.id, kind: .space, level: -1, virtual: VirtualAddress(0))
    var parts = [BreadcrumbPart(text: space.label, x: 1, target: id)]
    guard row.isEntry else { return parts }
    var x = 1 + CellText.width(of: space.label)
    for index in 0...Int(row.level) {
      let level = space.scheme.levels[index]
      let isLast = index == Int(row.level)
      let fold = isLast && row.kind == .fold ? " x\(row.count)" : ""
      let text = " > \(level.name)[\(level.slot(of: row.virtual))]\(fold)"
      let start = space.scheme.canonical(row.virtual.value & ~(level.span - 1))
      let target = RowID(space: space.id, kind: .entry, level: index, virtual: start)
      parts.append(BreadcrumbPart(text: text, x: x, target: target))
      x += text.count
    }
    // What does not fit goes at the left: the end of the path is where the person is.
    let surplus = x + 1 - width
    guard surplus > 0 else { return parts }
    return parts.map { BreadcrumbPart(text: $0.text, x: $0.x - surplus, target: $0.target) }
  }
}
