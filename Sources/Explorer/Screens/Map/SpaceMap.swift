import Canvas
import PageTables

/// What lies where in one space, as a picture: each cell stands for a stretch of addresses, and rows in which
/// nothing is mapped are folded.
///
/// Addresses are counted in the translated bits, from the bottom of the space: canonical order is their order.
struct SpaceMap: Sendable {
  let space: AddressSpace
  let id: SpaceID
  /// log2 of the bytes that a cell stands for.
  private(set) var shift: Int
  /// log2 of the cells in a row.
  private(set) var rowBits = 5
  /// The first address of the selected cell, and of the first row on the screen.
  private(set) var cursor: UInt64
  private(set) var top: UInt64

  /// log2 of the cells that show a whole space at first.
  private static let firstBits = 10
  /// Steps of the scale.
  private static let zoomStep = 3

  init(_ space: AddressSpace, _ id: SpaceID, at address: VirtualAddress, rowBits: Int) {
    self.space = space
    self.id = id
    self.rowBits = rowBits
    let bits = space.scheme.virtualAddressBits
    // Steps from the page size up, so that a cell is never a large part of what a table covers: every table that
    // a screen reads is then good for several cells.
    let smallest = Self.smallestShift(space.scheme)
    let steps = (max(0, bits - Self.firstBits - smallest) + Self.zoomStep - 1) / Self.zoomStep
    shift = smallest + steps * Self.zoomStep
    cursor = 0
    top = 0
    cursor = position(of: address) & ~(cellLength - 1)
    top = rowStart(cursor)
  }

  private static func smallestShift(_ scheme: PagingScheme) -> Int { scheme.levels.last?.shift ?? 12 }

  var cellLength: UInt64 { 1 << UInt64(shift) }
  var rowLength: UInt64 { 1 << UInt64(shift + rowBits) }
  var cellsInRow: Int { 1 << rowBits }
  /// One past the last address.
  var end: UInt64 { 1 << UInt64(min(63, space.scheme.virtualAddressBits)) }

  /// An address in the translated bits alone.
  func position(of address: VirtualAddress) -> UInt64 { address.value & (end - 1) }

  func address(_ position: UInt64) -> VirtualAddress { space.scheme.canonical(position) }

  func rowStart(_ position: UInt64) -> UInt64 { position & ~(rowLength - 1) }

  /// The level whose entries the picture looks at: the first whose entries are no larger than a cell.
  var level: Int { space.scheme.levels.firstIndex { $0.shift <= shift } ?? space.scheme.levels.count - 1 }

  mutating func resize(rowBits: Int) {
    self.rowBits = rowBits
    top = rowStart(top)
  }

  /// Changes the scale by so many steps; the cursor stays on what it showed.
  mutating func zoom(by step: Int, _ memory: any PhysicalMemory) {
    let bits = space.scheme.virtualAddressBits
    let smallest = Self.smallestShift(space.scheme)
    let largest = smallest + max(0, bits - rowBits - smallest) / Self.zoomStep * Self.zoomStep
    let wanted = target(memory).map { position(of: $0.address) } ?? cursor
    shift = max(smallest, min(largest, shift + step * Self.zoomStep))
    cursor = (step < 0 ? wanted : cursor) & ~(cellLength - 1)
    top = rowStart(cursor)
  }

  mutating func select(_ position: UInt64) { cursor = min(position, end - 1) & ~(cellLength - 1) }

  mutating func move(_ movement: Movement, page: Int, _ memory: any PhysicalMemory) {
    let offset = cursor & (rowLength - 1)
    switch movement {
    case .left: if cursor > 0 { cursor -= cellLength }
    case .right: if cursor + cellLength < end { cursor += cellLength }
    case .first: cursor = nextMapped(from: 0, memory).map { $0 & ~(cellLength - 1) } ?? 0
    case .last: cursor = previousMapped(before: end, memory).map { $0 & ~(cellLength - 1) } ?? 0
    case .down, .up, .pageDown, .pageUp, .halfDown, .halfUp:
      let rows = movement.rows(page: page)
      for _ in 0..<min(abs(rows), 200) {
        guard let row = rows > 0 ? rowAfter(rowStart(cursor), memory) : rowBefore(rowStart(cursor), memory)
        else {
          break
        }
        cursor = row + offset
      }
    }
  }

  /// The next row in which something is mapped.
  func rowAfter(_ row: UInt64, _ memory: any PhysicalMemory) -> UInt64? {
    let (next, overflow) = row.addingReportingOverflow(rowLength)
    guard !overflow, next < end else { return nil }
    return nextMapped(from: next, memory).map(rowStart)
  }

  func rowBefore(_ row: UInt64, _ memory: any PhysicalMemory) -> UInt64? {
    row == 0 ? nil : previousMapped(before: row, memory).map(rowStart)
  }

  /// Keeps the cursor on a screen of so many rows.
  mutating func settle(height: Int, _ memory: any PhysicalMemory) {
    let row = rowStart(cursor)
    if row < top { top = row }
    if visibleRows(height, memory).contains(where: { $0.start == row }) { return }
    // Rows with gaps between them take two lines at most.
    var first = row
    for _ in 0..<max(0, height / 2 - 1) {
      guard let before = rowBefore(first, memory) else { break }
      first = before
    }
    top = first
  }

  /// A line of the picture: a row of cells, or a stretch of nothing.
  struct Line: Hashable, Sendable {
    let start: UInt64
    /// Bytes of a stretch in which nothing is mapped; 0 for a row of cells.
    let gap: UInt64
  }

  func visibleRows(_ height: Int, _ memory: any PhysicalMemory) -> [Line] {
    var lines: [Line] = []
    var position = top
    while lines.count < height, position < end {
      let next = nextMapped(from: position, memory) ?? end
      // The row of the cursor is shown even when it is empty.
      let cursorRow = rowStart(cursor)
      let row = min(next == end ? end : rowStart(next), cursorRow >= position ? cursorRow : end)
      if row > position { lines.append(Line(start: position, gap: row - position)) }
      guard row < end, lines.count < height else { break }
      lines.append(Line(start: row, gap: 0))
      position = row + rowLength
    }
    return lines
  }

  /// The entry that the cursor's cell begins with, and its level.
  func target(_ memory: any PhysicalMemory) -> (address: VirtualAddress, level: Int)? {
    guard let first = nextMapped(from: cursor, memory), first - cursor < cellLength else { return nil }
    let steps = space.translate(address(first), in: memory).steps
    guard let last = steps.last else { return nil }
    return (address(first), min(last.level, level))
  }
}
