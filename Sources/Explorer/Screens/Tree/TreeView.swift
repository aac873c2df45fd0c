import Canvas
import PageTables

/// How wide the tree's columns are: the left one holds sign, slot and address, the others what is known of it.
private struct TreeColumns {
  /// Cells before "maps to".
  let left: Int
  /// Cells of "maps to", the blank behind it included.
  let target: Int
  let showsSize: Bool
  let showsAccess: Bool
  /// Cells of what a path allows: more where each privilege has letters of its own.
  let access: Int
  let showsFlags: Bool
  /// Cells for marks; fewer than a word needs have room for signs only.
  let marks: Int

  /// As much as `width` allows; what is less important goes first. `slot` and `digits` are those of the largest slot
  /// and of a physical address.
  init(
    width: Int, isNarrow: Bool, rows: [TreeRow], scheme: PagingScheme?, slot: Int, digits: Int, access: Int
  ) {
    self.access = access
    let address = (scheme?.virtualAddressBits ?? 64) <= 32 ? 13 : isNarrow ? 12 : 17
    let indent = rows.reduce(0) { max($0, Int($1.indent)) }
    left = min(max(1 + (isNarrow ? 1 : 2) * indent + 3 + slot + address + 1, 24), max(8, width - 8))
    let rest = width - left
    // A level's name, the address and blanks around it: "PDPT 0x7fe14000 " has 16.
    let needed = 4 + 1 + 2 + max(8, digits) + 1
    showsAccess = rest >= needed + access
    showsSize = rest >= needed + 5 + access + 6
    let behind = (showsSize ? 5 : 0) + (showsAccess ? access + 1 : 0)
    let spare = max(0, rest - behind - needed)
    showsFlags = showsSize && spare >= 8 + 6
    target = min(needed + (spare > 24 ? 2 : 0), max(0, rest - behind + (showsAccess ? 1 : 0)))
    marks = showsAccess ? max(0, rest - behind - target - (showsFlags ? 9 : 0)) : 0
  }

  /// Cells between "maps to" and the marks.
  var behind: Int { (showsSize ? 5 : 0) + (showsAccess ? access : 0) + (showsFlags ? 9 : 0) + 1 }

  /// Whether marks are written out.
  var showsWords: Bool { marks >= 8 }

  /// Digits of the largest slot of a level's tables.
  static func slotDigits(_ level: PagingLevel) -> Int { max(3, String(level.entryCount - 1).count) }

  /// Digits of the largest slot of any table of some spaces.
  static func slotDigits(_ spaces: [TreeSpace]) -> Int {
    let levels = spaces.flatMap { $0.found.space.windows.flatMap(\.scheme.levels) }
    return levels.map { slotDigits($0) }.max() ?? 3
  }

  var header: String {
    let name =
      showsSize
      ? "access" + String(repeating: " ", count: access - 4) : access == 4 ? "rwxu" : "access "
    return (showsSize ? "size " : "") + (showsAccess ? name : "")
      + (showsFlags ? " a d g" : "")
      + (marks >= 6 ? (showsFlags ? "   marks" : " marks") : "")
  }
}

extension Explorer {
  /// Whether the tree has so little room that steps are one cell wide and addresses are shortened to what changes.
  private var isNarrow: Bool { layout.tree.width < 56 }

  /// The column of a row's sign.
  func signColumn(of row: TreeRow) -> Int { 1 + (isNarrow ? 1 : 2) * Int(row.indent) }

  func drawTree(_ layout: ScreenLayout, _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs) {
    let area = layout.tree
    guard area.width > 0 else { return }
    let end = min(tree.rows.count, top + area.height)
    let visible = top < end ? Array(tree.rows[top..<end]) : []
    let columns = TreeColumns(
      width: area.width, isNarrow: isNarrow, rows: visible, scheme: selectedSpace?.scheme,
      slot: TreeColumns.slotDigits(spacesOnScreen),
      digits: String(memory.extent.physical.end.value, radix: 16).count,
      access: tree.spaces.contains { $0.scheme.tellsPrivilegesApart } ? 7 : 4)
    if !layout.header.isEmpty {
      let y = layout.header.y
      let style = theme[.header]
      canvas.put("  slot  virtual address", x: 0, y: y, style: style, width: columns.left - 1)
      canvas.put("maps to", x: columns.left, y: y, style: style, width: columns.target)
      canvas.put(
        columns.header, x: columns.left + columns.target, y: y, style: style,
        width: max(0, area.width - columns.left - columns.target))
    }
    if tree.rows.isEmpty {
      let text =
        if !tree.spaces.isEmpty {
          "nothing passes the filter"
        } else if isBusy {
          "searching memory for page-table roots .."
        } else {
          "no address space is known"
        }
      canvas.put(text, x: 2, y: area.y, style: theme[.dim], width: max(0, area.width - 2))
    }
    let needle = query.isEmpty ? nil : SearchNeedle(query)
    canvas.clipped(to: area) { canvas in
      for (offset, row) in visible.enumerated() {
        let y = area.y + offset
        draw(row, y: y, width: area.width, columns, &canvas, theme, glyphs)
        let space = tree.spaces[Int(row.space)]
        if let needle, needle.matches(row, in: space) {
          let left = Rectangle(x: area.x, y: y, width: columns.left, height: 1)
          canvas.restyle(left, adding: theme[.match])
        }
        if top + offset == selection {
          let whole = Rectangle(x: area.x, y: y, width: area.width, height: 1)
          let hasFocus = screenID == .tree && prompt == nil
          canvas.restyle(whole, to: theme[hasFocus ? .selection : .selectionUnfocused])
        }
      }
      let covered = ancestorLines(from: top)
      guard covered > 0, covered < visible.count else { return }
      for (line, row) in ancestors(of: visible[covered]).prefix(covered).enumerated() {
        let y = area.y + line
        canvas.fill(Rectangle(x: area.x, y: y, width: area.width, height: 1))
        draw(row, y: y, width: area.width, columns, &canvas, theme, glyphs)
      }
    }
  }

  private func draw(
    _ row: TreeRow, y: Int, width: Int, _ columns: TreeColumns, _ canvas: inout Canvas, _ theme: Theme,
    _ glyphs: Glyphs
  ) {
    let space = tree.spaces[Int(row.space)]
    let x = signColumn(of: row)
    let sign = row.isOpenable ? (row.isOpen ? glyphs.expanded : glyphs.collapsed) : glyphs.bullet
    canvas.put(String(Character(sign)), x: x, y: y, style: theme[.dim], width: 1)
    if let change = changeSign(of: row) {
      canvas.put(change.text, x: 0, y: y, style: theme[change.role], width: 1)
    }
    switch row.kind {
    case .space:
      drawSpace(row, space, x: x + 2, y: y, width: width, columns, &canvas, theme, glyphs)
    case .note:
      canvas.put(
        row.note.text, x: x + 2, y: y, style: theme[row.note == .tableNotInDump ? .warning : .dim],
        width: max(0, width - x - 2))
    case .everybodys:
      drawEverybodys(row, space, x: x + 2, y: y, width: width, columns, &canvas, theme, glyphs)
    case .entry, .fold, .contiguous:
      drawEntry(row, space, x: x + 2, y: y, width: width, columns, &canvas, theme, glyphs)
    }
  }

  private func drawSpace(
    _ row: TreeRow, _ space: TreeSpace, x: Int, y: Int, width: Int, _ columns: TreeColumns,
    _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let style = space.found.isPossiblyStale ? theme[.stale] : theme[.space]
    canvas.put(
      CellText.fitted(space.label, to: max(1, columns.left - x - 1)), x: x, y: y, style: style,
      width: max(0, columns.left - x))
    let root = "\(space.scheme.levels[0].name) \(Numbers.hex(space.root))"
    if !columns.showsAccess {
      let (badges, room) = (spaceBadges(row, space, glyphs), width - columns.left)
      if drawTarget(root, .address, badges, x: columns.left, y: y, width: room, &canvas, theme) { return }
    }
    let next = canvas.put(
      root, x: columns.left, y: y, style: theme[.address], width: max(0, width - columns.left))
    var column = max(next + 2, columns.left + columns.target)
    let memory = memoryOfSpace(row)
    if let memory {
      let resident = memory.residentBytes > 0 ? ByteText.rounded(memory.residentBytes) : ""
      canvas.put(
        Numbers.right(resident, 5), x: column, y: y, style: theme[.text], width: max(0, width - column))
      column += 7
    }
    for badge in spaceBadges(row, space, glyphs) where column < width {
      let text = CellText.width(of: badge.text) <= width - column ? badge.text : badge.sign
      column =
        canvas.put(text, x: column, y: y, style: self.style(of: badge.look, theme), width: width - column)
        + 2
    }
    if let swapped = memory?.swappedBytes, swapped > 0, column < width {
      let text = CellText.fitted("\(ByteText.rounded(swapped)) swapped", to: width - column)
      column = canvas.put(text, x: column, y: y, style: theme[.marked], width: width - column) + 2
    }
    if let own = memory?.ownTables, memory?.residentBytes != 0 {
      let text = own == 1 ? "1 table of its own" : "\(own) tables of its own"
      if CellText.width(of: text) <= width - column {
        column = canvas.put(text, x: column, y: y, style: theme[.dim], width: width - column) + 2
      }
    }
    // Most are found in the list of tasks: that says nothing in particular.
    if memory != nil, space.found.isFromTaskList { return }
    var text = space.originText
    if space.found.isPossiblyStale {
      // Sizes mean nothing there: their column stays empty.
      if width - column >= 7 + 7 { column += 7 }
      text = "\(glyphs.stale) stale"
    }
    canvas.put(
      CellText.fitted(text, to: max(0, width - column)), x: column, y: y,
      style: space.found.isPossiblyStale ? theme[.stale] : theme[.dim], width: max(0, width - column))
  }

  /// What a space's own half uses; nil until that is known, and of what is most likely no space any more.
  private func memoryOfSpace(_ row: TreeRow) -> SpaceMemory? {
    let number = Int(row.space)
    guard let index, index.memory.indices.contains(number), !tree.spaces[number].found.isPossiblyStale else {
      return nil
    }
    return index.memory[number]
  }

  /// One row for the half that everybody has.
  private func drawEverybodys(
    _ row: TreeRow, _ space: TreeSpace, x: Int, y: Int, width: Int, _ columns: TreeColumns,
    _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let level = space.scheme(at: row.virtual).levels[Int(row.level)]
    let tables = row.tables == 1 ? "1 table" : "\(row.tables) tables"
    let empty = row.emptyTables > 0 ? ", \(row.emptyTables) of them empty" : ""
    let below = row.tables > 0 ? ": " + tables + empty : ""
    let digits = TreeColumns.slotDigits(level)
    var column = canvas.put(
      Numbers.right("\(row.slot)", digits), x: x, y: y, style: theme[.dim], width: digits)
    let badges = contentBadges(of: row, glyphs)
    let signs = columns.showsAccess ? 0 : badges.reduce(0) { $0 + 1 + CellText.width(of: $1.sign) }
    let texts = [
      "kernel half, as everybody" + below, "as everybody" + below, "as everybody: " + tables, "as everybody",
    ]
    let text = texts.first { CellText.width(of: $0) < width - column - 1 - signs } ?? texts[3]
    column = canvas.put(text, x: column + 1, y: y, style: theme[.dim], width: max(0, width - column - 1))
    column =
      columns.showsAccess ? max(column + 2, columns.left + columns.target + columns.behind) : column + 1
    for badge in badges where column < width {
      let text = CellText.width(of: badge.text) <= width - column ? badge.text : badge.sign
      column =
        canvas.put(text, x: column, y: y, style: style(of: badge.look, theme), width: width - column) + 1
    }
  }

  private func drawEntry(
    _ row: TreeRow, _ space: TreeSpace, x: Int, y: Int, width: Int, _ columns: TreeColumns,
    _ canvas: inout Canvas, _ theme: Theme, _ glyphs: Glyphs
  ) {
    let level = space.scheme(at: row.virtual).levels[Int(row.level)]
    let digits = TreeColumns.slotDigits(level)
    canvas.put(Numbers.right("\(row.slot)", digits), x: x, y: y, style: theme[.dim], width: digits)
    var address = Numbers.grouped(row.virtual, in: space.scheme(at: row.virtual))
    if row.isFolded || isNarrow {
      address = Numbers.shortened(row.virtual, step: level.shift, in: space.scheme(at: row.virtual))
    }
    if row.isFolded {
      let count = "\(glyphs.folded)\(row.count)"
      address =
        isNarrow && level.shift >= 28 || isNarrow && address.count + count.count > 11
        ? "\(count) more" : "\(address) \(count)"
    }
    canvas.put(
      address, x: x + digits + 1, y: y, style: theme[row.entryKind == .absent ? .absent : .text],
      width: max(0, columns.left - x - digits - 1))
    let (text, role) = target(of: row, space)
    let isEmpty = row.mapsNothing
    let isMapping = row.entryKind == .table || row.entryKind == .leaf
    // What maps nothing has no size and no rights: its text may have their place.
    let room = isMapping ? min(columns.target, width - columns.left) : width - columns.left
    if isMapping, !columns.showsAccess {
      let badges = badges(of: row, space, glyphs)
      if drawTarget(text, role, badges, x: columns.left, y: y, width: room, &canvas, theme) { return }
    }
    let fitting = CellText.fitted(text, to: max(0, room - (columns.showsAccess && isMapping ? 1 : 0)))
    canvas.put(fitting, x: columns.left, y: y, style: theme[role], width: max(0, room))
    let names = isEmpty ? [row.count > 1 ? "map nothing" : "maps nothing"] : rowNames(row, space)
    guard columns.showsAccess, isMapping else {
      let marks = columns.left + columns.target + columns.behind
      let column = max(marks, columns.left + CellText.width(of: fitting) + 2)
      drawName(names, x: column, y: y, width: width - column, &canvas, theme)
      return
    }
    var column = columns.left + columns.target
    if columns.showsSize {
      let size = row.entryKind == .leaf ? level.pageSize(of: row.raw) : level.span
      canvas.put(Numbers.right(ByteText.exact(size), 4), x: column, y: y, style: theme[.dim], width: 4)
      column += 5
    }
    for (offset, (letter, role)) in letters(space.scheme(at: row.virtual).shown(row.rights)).enumerated() {
      canvas.put(String(letter), x: column + offset, y: y, style: theme[role], width: 1)
    }
    column += columns.access
    if columns.showsFlags {
      column += 3
      let fields = level.fields(of: row.raw)
      for (role, letter) in [(FieldRole.accessed, "a"), (.dirty, "d"), (.global, "g")] {
        let isSet = fields.contains { $0.role == role && $0.holds(in: row.raw) }
        canvas.put(isSet ? letter : " ", x: column, y: y, style: theme[.dim], width: 1)
        column += 2
      }
    }
    column += 1
    let badges = badges(of: row, space, glyphs)
    // A name is worth more than the words of badges, whose signs say the same; but for those that name the other side.
    let words = badges.reduce(0) { $0 + CellText.width(of: $1.isParticular ? $1.sign : $1.text) + 1 }
    let showsWords = columns.showsWords && (names.isEmpty || words + Self.nameMinimum <= width - column)
    for (number, badge) in badges.enumerated() where column < width {
      // A word gives way to its sign before the badges behind it are lost.
      let behind = badges[(number + 1)...].reduce(0) { $0 + 1 + CellText.width(of: $1.sign) }
      func fits(_ text: String) -> Bool { CellText.width(of: text) + behind <= width - column }
      let offered = badge.isParticular || showsWords ? badge.longer + [badge.text] : []
      let isLast = behind == 0 && columns.showsWords
      let text = offered.first(where: fits) ?? (isLast ? offered.last : nil) ?? badge.sign
      let next = canvas.put(
        CellText.fitted(text, to: width - column), x: column, y: y, style: style(of: badge.look, theme),
        width: width - column)
      column = next + (showsWords || text != badge.sign ? 1 : 0)
    }
    if !badges.isEmpty, !showsWords { column += 1 }
    drawName(names, x: column, y: y, width: width - column, &canvas, theme)
  }

  /// Cells that a name needs to say anything.
  private static let nameMinimum = 6

  /// What the guest calls the addresses of a row, the longest text first; the last may be cut.
  private func rowNames(_ row: TreeRow, _ space: TreeSpace) -> [String] {
    guard let names = guest[space.id] else { return [] }
    let span = space.scheme(at: row.virtual).levels[Int(row.level)].span
    let last = VirtualAddress(row.virtual.value &+ (span &* UInt64(row.count) &- 1))
    var found = names.regions(from: row.virtual, through: last)
    // Of several regions, the one that is shared or mirrored is what people look for.
    if let count = found?.others, count > 0, let address = firstParticularAddress(in: row, through: last),
      let region = names.addresses.region(at: address)
    {
      found = (region, count)
    }
    let symbol = row.entryKind == .table ? nil : names.symbol(at: row.virtual)?.title
    guard let found else { return symbol.map { [$0] } ?? [] }
    let more = found.others > 0 ? " +\(found.others)" : ""
    let whole = CellText.visible(found.first.title)
    // Of a path in the root, nothing is left out that would be missed.
    let isPath = found.first.name.dropFirst().contains("/")
    let short = isPath ? found.first.title(fitting: max(Self.nameMinimum, min(whole.count - 1, 24))) : whole
    // A badge says so of the direct map.
    if symbol == nil, row.entryKind == .leaf, found.first.kind == .kernel(.directMap), index != nil {
      return []
    }
    guard let symbol else { return [whole + more, short + more, whole, short] }
    return ["\(whole) \(symbol)", symbol]
  }

  private func drawName(
    _ names: [String], x: Int, y: Int, width: Int, _ canvas: inout Canvas, _ theme: Theme
  ) {
    guard width >= Self.nameMinimum, let last = names.last else { return }
    let text = names.first { CellText.width(of: $0) <= width } ?? CellText.fitted(last, to: width)
    canvas.put(text, x: x, y: y, style: theme[.dim], width: width)
  }

  /// `rwxu`, a dash for what the path does not allow; `rwx/rw-` where that says more.
  private func letters(_ rights: Rights) -> [(Character, Role)] {
    rights.letters.map { letter in
      switch letter {
      case "w": (letter, .permissionWrite)
      case "x": (letter, .permissionExecute)
      case "u": (letter, .permissionUser)
      case "r": (letter, .text)
      default: (letter, .dim)
      }
    }
  }

  /// What an entry leads to, in the column "maps to".
  private func target(of row: TreeRow, _ space: TreeSpace) -> (String, Role) {
    let address = Numbers.hex(row.address)
    switch row.entryKind {
    case .absent: return ("absent", .absent)
    case .marked:
      if let meaning = meaning(of: row, space), let summary = meaning.summary {
        let isNamed = meaning.frame == nil || summary.contains("frame")
        return (isNamed ? summary : "(\(summary)) \(meaning.frame.map { Numbers.hex($0) } ?? "")", .marked)
      }
      let scheme = space.scheme(at: row.virtual)
      guard let mark = scheme.mark(in: row.raw, level: Int(row.level), of: memory, at: row.virtual),
        mark.isKnown
      else {
        return ("marked " + Numbers.hex(row.raw), .marked)
      }
      return (mark.address.map { "(\(mark.name)) \(Numbers.hex($0))" } ?? mark.name, .marked)
    case .table:
      let name = space.scheme(at: row.virtual).levels[Int(row.level) + 1].name
      return row.mapsNothing && row.count > 1
        ? ("\(name), each its own", .dim) : ("\(name) \(address)", .table)
    case .leaf:
      return (address, Int(row.level) < space.scheme(at: row.virtual).levels.count - 1 ? .hugePage : .leaf)
    case .malformed: return ("malformed", .malformed)
    }
  }
}

extension TreeRow.Note {
  /// What stands in place of entries.
  var text: String {
    switch self {
    case .none: ""
    case .tableNotInDump: "the table is not in the dump"
    case .tableOutsideMemory: "the table lies outside physical memory"
    case .empty: "no entry is present; a shows absent ones"
    case .filtered: "nothing here passes the filter"
    }
  }
}
