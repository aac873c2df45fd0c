import Canvas
import PageTables

/// What lies where in one space, as a picture: each cell stands for a stretch of addresses. Where nothing is mapped the
/// picture is cut, and so is the part that is not looked at: what everybody has, or all the rest.
///
/// Addresses are counted in the translated bits, from the bottom of the space, one window after the other: canonical
/// order is their order.
struct SpaceMap: Sendable {
  let space: AddressSpace
  let id: SpaceID
  private(set) var rows: MapRows
  /// The first address of the selected cell, and of the first row on the screen.
  private(set) var cursor: UInt64 = 0
  private(set) var top: UInt64 = 0
  /// Whether the scale is the one that shows all on a screen: until a person chooses another.
  private(set) var isFitted = true
  /// What the guest calls the addresses.
  private(set) var regions = MapRegions()
  /// Whether what everybody has is looked at.
  private(set) var showsEverybodys = false
  private var everybodys: [EverybodysStretch] = []
  /// The rows that the scale was chosen for; 0 where it is to be chosen.
  private var fittedRows = 0
  /// Whether regions begin rows of their own.
  private var breaksAtRegions = true
  /// The cell of a row that moves up and down keep to.
  private var column = 0

  /// Steps of the scale.
  private static let zoomStep = 3

  init(_ space: AddressSpace, _ id: SpaceID, rowBits: Int) {
    self.space = space
    self.id = id
    rows = MapRows(shift: Self.smallestShift(space), rowBits: rowBits, cuts: [], regions: [])
  }

  private static func smallestShift(_ space: AddressSpace) -> Int {
    space.windows.compactMap { $0.scheme.levels.last?.shift }.min() ?? 12
  }

  private var largestShift: Int {
    let smallest = Self.smallestShift(space)
    let bits = space.windows.map { Self.bits($0) }.min() ?? 63
    return smallest + max(0, bits - rows.rowBits - smallest) / Self.zoomStep * Self.zoomStep
  }

  var cellLength: UInt64 { rows.cellLength }
  var rowLength: UInt64 { rows.rowLength }
  private static func bits(_ window: AddressWindow) -> Int { min(62, window.scheme.virtualAddressBits) }

  /// One past the last address.
  var end: UInt64 { space.windows.reduce(0) { $0 + 1 << UInt64(Self.bits($1)) } }

  /// A window, and where it begins in the picture.
  struct Part {
    let window: AddressWindow
    let start: UInt64

    var end: UInt64 { start + 1 << UInt64(SpaceMap.bits(window)) }
  }

  /// The windows, one behind the other.
  var parts: [Part] {
    var start: UInt64 = 0
    return space.windows.map { window in
      let part = Part(window: window, start: start)
      start = part.end
      return part
    }
  }

  /// The window that a position lies in; the last one where it lies behind all.
  func part(at position: UInt64) -> Part {
    var start: UInt64 = 0
    for window in space.windows.dropLast() {
      let part = Part(window: window, start: start)
      if position < part.end { return part }
      start = part.end
    }
    return Part(window: space.windows[space.windows.count - 1], start: start)
  }

  /// The number of the window that a position lies in.
  func window(at position: UInt64) -> Int { space.windowOrLowest(of: address(position)) }

  /// Where an address lies in the picture; the nearest place where no window has it.
  func position(of address: VirtualAddress) -> UInt64 {
    guard space.windows.count > 1 else {
      return space.windows[0].offset(of: address) & (end - 1)
    }
    for part in parts {
      if part.window.contains(address) {
        return part.start + part.window.offset(of: address) & (part.end - part.start - 1)
      }
      if address < part.window.first { return part.start }
    }
    return end - 1
  }

  func address(_ position: UInt64) -> VirtualAddress {
    let part = part(at: position)
    return part.window.virtual(position &- part.start)
  }

  /// The level whose entries the picture looks at: the first whose entries are no larger than a cell.
  func level(of scheme: PagingScheme) -> Int {
    scheme.levels.firstIndex { $0.shift <= rows.shift } ?? scheme.levels.count - 1
  }

  /// The part that the cursor is on where that is cut out.
  var cutAtCursor: MapRows.Cut? { rows.cut(at: cursor) }

  // MARK: What it shows

  mutating func show(_ regions: MapRegions) {
    self.regions = regions
    arrange()
  }

  /// Takes what everybody has out of the picture; empty where the space has nothing of it, or it is its own.
  mutating func cutOut(_ stretches: [EverybodysStretch]) {
    everybodys = stretches
    showsEverybodys = showsEverybodys && !stretches.isEmpty
    arrange()
  }

  mutating func resize(rowBits: Int) {
    guard rowBits != rows.rowBits else { return }
    arrange(rowBits: rowBits)
    fittedRows = 0
  }

  /// Shows the part that is cut out at the cursor, and cuts the other one.
  mutating func enterCut(_ memory: any PhysicalMemory) {
    guard let cut = cutAtCursor else { return }
    showsEverybodys.toggle()
    isFitted = true
    arrange()
    select(nextMapped(from: cut.start, memory) ?? cut.start)
  }

  /// Lays the rows out anew; the scale is chosen by who draws the picture next.
  private mutating func arrange(shift: Int? = nil, rowBits: Int? = nil) {
    rows = arranged(shift ?? rows.shift, rowBits: rowBits ?? rows.rowBits, breaksAtRegions)
    if shift == nil, isFitted { fittedRows = 0 }
    select(cursor)
    top = rows.row(at: top).lowerBound
  }

  private func arranged(_ shift: Int, rowBits: Int, _ breaksAtRegions: Bool) -> MapRows {
    let breaks = breaksAtRegions ? regions.all.lazy.filter(\.isUsers).map { ($0.start, $0.last) } : []
    return MapRows(shift: shift, rowBits: rowBits, cuts: cuts, regions: Array(breaks))
  }

  private var cuts: [MapRows.Cut] {
    let shared = everybodys.map { stretch in
      let start = position(of: stretch.first)
      return MapRows.Cut(start: start, end: min(end, start &+ stretch.length), everybodys: stretch)
    }.filter { $0.start < $0.end }
    guard showsEverybodys else { return shared }
    var others: [MapRows.Cut] = []
    var next: UInt64 = 0
    for cut in shared {
      if next < cut.start { others.append(MapRows.Cut(start: next, end: cut.start)) }
      next = max(next, cut.end)
    }
    if next < end { others.append(MapRows.Cut(start: next, end: end)) }
    return others
  }

  // MARK: The scale

  /// Chooses the finest scale at which all that is mapped fits into so many rows, unless that was done before, or a
  /// person chose one.
  mutating func fit(height: Int, _ memory: any PhysicalMemory) {
    guard isFitted, height > 0, fittedRows != height else { return }
    fittedRows = height
    let plain = finestShift(fitting: height, breaksAtRegions: false, memory) ?? largestShift
    let hasRegions = regions.all.contains(where: \.isUsers)
    let named = hasRegions ? finestShift(fitting: height, breaksAtRegions: true, memory) : nil
    // Rows that begin with a region say more than cells a step finer.
    breaksAtRegions = named.map { $0 <= plain + Self.zoomStep } ?? false
    arrange(shift: breaksAtRegions ? named ?? plain : plain)
    top = 0
    let isOnSomething = nextMapped(from: cursor, memory).map { rows.row(at: $0).contains(cursor) }
    if isOnSomething != true { select(nextMapped(from: 0, memory) ?? 0) }
  }

  private func finestShift(
    fitting height: Int, breaksAtRegions: Bool, _ memory: any PhysicalMemory
  ) -> Int? {
    var (low, high) = (Self.smallestShift(space), largestShift + 1)
    let limit = high
    var trial = self
    trial.top = 0
    while low < high {
      let middle = (low + high) / 2
      trial.rows = arranged(middle, rowBits: rows.rowBits, breaksAtRegions)
      trial.cursor = end
      if trial.visibleRows(height + 1, memory).count <= height { high = middle } else { low = middle + 1 }
    }
    return low < limit ? low : nil
  }

  /// Changes the scale by so many steps; the cursor stays on what it showed.
  mutating func zoom(by step: Int, _ memory: any PhysicalMemory) {
    let smallest = Self.smallestShift(space)
    let wanted = step < 0 ? target(memory).map { position(of: $0.address) } ?? cursor : cursor
    // A scale between the steps goes to the next one.
    let above = rows.shift - smallest
    let steps = step < 0 ? (above + Self.zoomStep - 1) / Self.zoomStep : above / Self.zoomStep
    isFitted = false
    arrange(shift: max(smallest, min(largestShift, smallest + (steps + step) * Self.zoomStep)))
    select(wanted)
    top = rows.row(at: cursor).lowerBound
  }

  // MARK: The cursor

  mutating func select(_ position: UInt64) {
    cursor = rows.cell(at: min(position, end - 1)).lowerBound
    column = Int((cursor - rows.row(at: cursor).lowerBound) >> UInt64(rows.shift))
  }

  /// Selects an address, and shows the part that it lies in.
  mutating func go(to address: VirtualAddress) {
    let position = position(of: address)
    if rows.cut(at: position) != nil {
      showsEverybodys.toggle()
      arrange()
    }
    select(position)
  }

  mutating func move(_ movement: Movement, page: Int, _ memory: any PhysicalMemory) {
    let row = rows.row(at: cursor)
    switch movement {
    case .left:
      if cursor > row.lowerBound {
        select(cursor - 1)
      } else if let before = rowBefore(row, memory) {
        select(before.upperBound - 1)
      }
    case .right:
      let next = rows.cell(at: cursor).upperBound
      if next < row.upperBound {
        select(next)
      } else if let after = rowAfter(row, memory) {
        select(after.lowerBound)
      }
    case .first: select(nextMapped(from: 0, memory) ?? 0)
    case .last: select(previousMapped(before: end, memory) ?? 0)
    case .down, .up, .pageDown, .pageUp, .halfDown, .halfUp:
      let count = movement.rows(page: page)
      var current = row
      for _ in 0..<min(abs(count), 200) {
        guard let next = count > 0 ? rowAfter(current, memory) : rowBefore(current, memory) else { break }
        current = next
      }
      cursor =
        rows.cut(at: current.lowerBound) != nil
        ? current.lowerBound
        : current.lowerBound + UInt64(min(column, rows.cells(in: current) - 1)) << UInt64(rows.shift)
    }
  }

  /// The next row in which something is mapped.
  private func rowAfter(_ row: Range<UInt64>, _ memory: any PhysicalMemory) -> Range<UInt64>? {
    nextMapped(from: row.upperBound, memory).map(rows.row)
  }

  private func rowBefore(_ row: Range<UInt64>, _ memory: any PhysicalMemory) -> Range<UInt64>? {
    previousMapped(before: row.lowerBound, memory).map(rows.row)
  }

  /// Keeps the cursor on a screen of so many rows.
  mutating func settle(height: Int, _ memory: any PhysicalMemory) {
    fit(height: height, memory)
    let row = rows.row(at: cursor)
    if row.lowerBound < top { top = row.lowerBound }
    if visibleRows(height, memory).contains(where: { $0.stretch == row }) { return }
    // Rows with gaps between them take two lines at most.
    var first = row
    for _ in 0..<max(0, height / 2 - 1) {
      guard let before = rowBefore(first, memory) else { break }
      first = before
    }
    top = first.lowerBound
  }

  /// A line of the picture: a row of cells, a stretch of nothing, or a part that is cut out.
  struct Line: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
      case cells, gap
      case cut(MapRows.Cut)
    }

    let kind: Kind
    let stretch: Range<UInt64>
  }

  func visibleRows(_ height: Int, _ memory: any PhysicalMemory) -> [Line] {
    var lines: [Line] = []
    var position = top
    // The row of the cursor is shown even when it is empty.
    let selected = cursor < end ? rows.row(at: cursor) : nil
    while lines.count < height, position < end {
      let mapped = nextMapped(from: position, memory).map(rows.row)
      let waiting = selected.flatMap { $0.lowerBound >= position ? $0 : nil }
      let next = [mapped, waiting].compactMap(\.self).min { $0.lowerBound < $1.lowerBound }
      let start = next?.lowerBound ?? end
      if start > position { lines.append(Line(kind: .gap, stretch: position..<start)) }
      guard let next, lines.count < height else { break }
      lines.append(Line(kind: rows.cut(at: next.lowerBound).map { .cut($0) } ?? .cells, stretch: next))
      position = next.upperBound
    }
    return lines
  }

  /// The first entry that is mapped in the cursor's cell, and its level.
  func target(_ memory: any PhysicalMemory) -> (address: VirtualAddress, level: Int)? {
    guard cutAtCursor == nil, let first = nextMapped(from: cursor, memory),
      first < rows.cell(at: cursor).upperBound
    else { return nil }
    let steps = space.translate(address(first), in: memory).steps
    guard let last = steps.last else { return nil }
    return (address(first), min(last.level, level(of: part(at: first).window.scheme)))
  }
}
