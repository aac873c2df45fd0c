import Canvas
import PageTables

extension Explorer {
  /// Draws the screen. A function of the state: it changes nothing, and reads no more than the selection's walk.
  package func draw(into canvas: inout Canvas, theme: Theme, glyphs: Glyphs) {
    let layout = layout
    drawTitle(in: layout.title, &canvas, theme, glyphs)
    drawBreadcrumb(in: layout.breadcrumb, &canvas, theme, glyphs)
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
    var facts: [String] = []
    if let source = live.source {
      if live.moment > 1 { facts.append("moment \(live.moment)") }
      facts += watching
      if let isRunning = source.isRunning { facts.append(isRunning ? "running" : "stopped") }
      if !source.canStop { facts.append("may be torn") }
    }
    // Of a machine that runs one looks for what it does now.
    facts.append(formatName)
    if let scheme = selectedSpace?.scheme { facts.append(scheme.title) }
    facts.append(list == nil && !tree.filter.isEmpty ? passingSpacesText : spacesText)
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

  /// Whether moments are taken by themselves, and how often that has brought nothing: so one sees that the machine is
  /// looked at, and that what is shown is what there is now.
  private var watching: [String] {
    guard live.watch != nil || live.isFollowing else { return [] }
    let word = live.watch != nil ? "watching" : "following"
    return [live.quietMoments > 0 ? "\(word), unchanged x\(live.quietMoments)" : word]
  }

  /// How many spaces there are. Under page-table isolation most have two roots.
  var spacesText: String {
    let roots = tree.spaces.count
    let spaces = roots - tree.copyCount
    let text = spaces == 1 ? "1 space" : "\(spaces) spaces"
    return spaces == roots ? text : text + " (\(roots) roots)"
  }

  /// How many of them pass the filter.
  private var passingSpacesText: String {
    tree.isBuilding
      ? spacesText : "\(tree.passingSpaces == 0 ? "none" : "\(tree.passingSpaces)") of \(spacesText)"
  }

  /// What runs behind, for the right end of the title.
  private var activity: StyledLine {
    func percent(_ fraction: Double) -> Int { Int(max(0, min(1, fraction)) * 100) }
    if live.awaited != nil { return StyledLine("taking a moment", .progress) }
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

  private func drawBreadcrumb(
    in area: Rectangle, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    guard !area.isEmpty else { return }
    if let heading = screen.heading(self) {
      canvas.put(
        CellText.fitted(heading, to: max(0, area.width - 2)), x: area.x + 1, y: area.y,
        style: theme[.breadcrumb],
        width: max(0, area.width - 1))
      return
    }
    for part in breadcrumb() where part.x < area.right {
      let end = canvas.put(
        part.text, x: area.x + part.x, y: area.y, style: theme[.breadcrumb], width: area.right - part.x)
      canvas.put(part.walk, x: end, y: area.y, style: theme[.dim], width: max(0, area.right - end))
    }
    drawOtherEnd(in: area, &canvas, theme, glyphs)
  }

  /// Where there is no detail side, the whole other end of what the selected row shares or mirrors.
  private func drawOtherEnd(
    in area: Rectangle, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    guard !layout.hasDetail, screen.isHome, let row = selectedRow, row.isEntry, let last = breadcrumb().last,
      let badge = badges(of: row, tree.spaces[Int(row.space)], glyphs).first(where: \.isParticular)
    else { return }
    let x = area.x + last.x + last.width + 3
    let space = tree.spaces[Int(row.space)]
    let address = index.flatMap { mirrorPeer(of: row, space, $0) }.map { peer in
      badge.sign + " " + Numbers.grouped(peer.virtual, in: tree.spaces[peer.spaceNumber].scheme)
    }
    let texts = badge.longer.dropLast() + [address, badge.longer.last, badge.text].compactMap(\.self)
    guard let text = texts.first(where: { x + CellText.width(of: $0) < area.right }) else { return }
    canvas.put(text, x: x, y: area.y, style: style(of: badge.look, theme), width: area.right - x)
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

/// A step of the walk to the selection, in the line above the tree, and where a click on it goes.
struct BreadcrumbPart {
  /// `init 1`, ` > PML4[273]`.
  let text: String
  /// The table that the step leads to, and what the path allows so far, where there is room.
  var walk = ""
  var x: Int
  let target: RowID

  var width: Int { CellText.width(of: text) + CellText.width(of: walk) }
}

extension Explorer {
  /// The walk to the selection: `init 1 0x27ae000 > PML4[273] 0x2c5e000 rw-- > PDPT[4] 0x10a5600 rw--`; in narrow
  /// windows without rights, then without tables.
  func breadcrumb() -> [BreadcrumbPart] {
    guard let row = selectedRow else { return [] }
    let space = tree.spaces[Int(row.space)]
    let id = RowID(space: space.id, kind: .space, level: -1, virtual: VirtualAddress(0))
    let root = BreadcrumbPart(text: space.label, x: 1, target: id)
    guard row.isEntry else { return [root] }
    let steps = tree.steps(to: row)
    var parts: [BreadcrumbPart] = []
    for walk in WalkText.allCases.reversed() {
      parts = [root]
      if walk != .none { parts[0].walk = " " + Numbers.hex(space.root(at: row.virtual)) }
      var rights = Rights.all
      for index in 0...Int(row.level) {
        let level = space.scheme(at: row.virtual).levels[index]
        let isLast = index == Int(row.level)
        let fold = isLast && row.isFolded ? " x\(row.count)" : ""
        let start = space.scheme(at: row.virtual).continued(row.virtual.value & ~(level.span - 1))
        let target = RowID(space: space.id, kind: .entry, level: index, virtual: start)
        var part = BreadcrumbPart(
          text: " > \(level.name)[\(level.slot(of: row.virtual))]\(fold)", x: 0, target: target)
        if let step = steps.dropFirst(index).first {
          rights.formIntersection(space.scheme(at: row.virtual).rights(passing: step))
          part.walk = walk.text(of: step, rights, in: space.scheme(at: row.virtual))
        }
        parts.append(part)
      }
      for index in parts.indices.dropFirst() { parts[index].x = parts[index - 1].x + parts[index - 1].width }
      if let last = parts.last, last.x + last.width < width { return parts }
    }
    // What does not fit goes at the left: the end of the path is where the person is.
    let surplus = (parts.last.map { $0.x + $0.width } ?? 0) + 1 - width
    for index in parts.indices { parts[index].x -= max(0, surplus) }
    return parts
  }
}

/// How much the line above the tree says of each step.
private enum WalkText: CaseIterable {
  case none, tables, rights

  /// What an entry leads to, and what the path allows with it.
  func text(of step: TranslationStep, _ rights: Rights, in scheme: PagingScheme) -> String {
    let level = scheme.levels[step.level]
    let target: PhysicalAddress
    switch level.format.kind(of: step.raw) {
    case .table: target = level.format.tableAddress.address(in: step.raw)
    case .leaf: target = level.frame(of: step.raw, slot: step.slot)
    case .absent, .marked, .malformed: return ""
    }
    switch self {
    case .none: return ""
    case .tables: return " " + Numbers.hex(target)
    case .rights: return " \(Numbers.hex(target)) \(scheme.shown(rights).letters)"
    }
  }
}
