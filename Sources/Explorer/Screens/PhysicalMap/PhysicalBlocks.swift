import PageTables

/// Physical memory as rows of blocks of one size; where the machine has no memory the picture is cut.
struct PhysicalBlocks: Sendable {
  /// Where there is memory, ascending.
  let ranges: PhysicalRanges
  /// log2 of the bytes of a block, and of the blocks in a row.
  private(set) var shift = Frame.shift
  private(set) var rowBits: Int
  /// The first address of the selected block, and of the first row on the screen.
  private(set) var cursor: UInt64 = 0
  private(set) var top: UInt64 = 0
  /// Whether the scale is the one that shows all on a screen: until a person chooses another.
  private(set) var isFitted = true
  private var fittedRows = 0
  private let memory: [PhysicalRange]

  private static let zoomStep = 2
  /// No machine has memory beyond.
  private static let end: UInt64 = 1 << 60
  private static let largestShift = 43

  init(_ ranges: PhysicalRanges, rowBits: Int) {
    self.ranges = ranges
    self.rowBits = rowBits
    memory = ranges.ranges.filter { $0.start.value < Self.end }.map {
      PhysicalRange($0.start, min($0.end, PhysicalAddress(Self.end)))
    }
    cursor = next(from: 0) ?? 0
  }

  var blockLength: UInt64 { 1 << UInt64(shift) }
  var rowLength: UInt64 { 1 << UInt64(shift + rowBits) }
  var blocksInRow: Int { 1 << rowBits }

  private func block(at address: UInt64) -> UInt64 { address & ~(blockLength - 1) }
  private func row(at address: UInt64) -> UInt64 { address & ~(rowLength - 1) }

  /// The first address from `start` on at which there is memory.
  private func next(from start: UInt64) -> UInt64? {
    let index = memory.partitioningIndex { $0.end.value > start }
    return index < memory.count ? max(start, memory[index].start.value) : nil
  }

  private func previous(before end: UInt64) -> UInt64? {
    let index = memory.partitioningIndex { $0.start.value >= end }
    return index > 0 ? min(end, memory[index - 1].end.value) - 1 : nil
  }

  /// Whether the machine has any of a block.
  func isThere(_ block: UInt64) -> Bool { next(from: block).map { $0 - block < blockLength } ?? false }

  /// A line of the picture: a row of blocks, or a stretch without memory.
  struct Line: Hashable, Sendable {
    let start: UInt64
    /// Bytes without memory; 0 for a row of blocks.
    let hole: UInt64
  }

  func lines(_ height: Int) -> [Line] {
    var lines: [Line] = []
    var position = top
    while lines.count < height, let start = next(from: position).map(row) {
      if start > position { lines.append(Line(start: position, hole: start - position)) }
      if lines.count < height { lines.append(Line(start: start, hole: 0)) }
      position = start + rowLength
    }
    return lines
  }

  /// The blocks that are on a screen of so many rows.
  func visibleBlocks(_ height: Int) -> [UInt64] {
    lines(height).filter { $0.hole == 0 }.flatMap { line in
      (0..<blocksInRow).map { line.start + UInt64($0) << UInt64(shift) }.filter(isThere)
    }
  }

  mutating func resize(rowBits: Int) {
    guard rowBits != self.rowBits else { return }
    self.rowBits = rowBits
    top = row(at: top)
    fittedRows = 0
  }

  /// Chooses the smallest blocks of which all fit into so many rows, unless a person chose.
  mutating func fit(height: Int) {
    guard isFitted, height > 0, fittedRows != height else { return }
    fittedRows = height
    top = 0
    shift = Frame.shift
    while shift < Self.largestShift, lines(height + 1).count > height { shift += 1 }
    cursor = block(at: cursor)
  }

  mutating func zoom(by step: Int) {
    isFitted = false
    let wanted = next(from: cursor) ?? cursor
    shift = max(Frame.shift, min(Self.largestShift, shift + step * Self.zoomStep))
    cursor = block(at: step < 0 ? wanted : cursor)
    top = row(at: cursor)
  }

  mutating func select(_ address: UInt64) { cursor = block(at: address) }

  mutating func move(_ movement: Movement, page: Int) {
    switch movement {
    case .left: if let before = previous(before: cursor) { select(before) }
    case .right: if let after = next(from: cursor + blockLength) { select(after) }
    case .first: if let first = next(from: 0) { select(first) }
    case .last: if let last = previous(before: Self.end) { select(last) }
    case .down, .up, .pageDown, .pageUp, .halfDown, .halfUp:
      let rows = movement.rows(page: page)
      let column = cursor - row(at: cursor)
      var start = row(at: cursor)
      for _ in 0..<min(abs(rows), 200) {
        guard let next = rows > 0 ? next(from: start + rowLength) : previous(before: start) else { break }
        start = row(at: next)
      }
      // Where the row has no memory below the cursor, the nearest of it.
      let wanted = start + column
      if isThere(wanted) {
        select(wanted)
      } else if let after = next(from: wanted), after < start + rowLength {
        select(after)
      } else if let before = previous(before: wanted), before >= start {
        select(before)
      }
    }
  }

  mutating func settle(height: Int) {
    fit(height: height)
    let selected = row(at: cursor)
    if selected < top { top = selected }
    if lines(height).contains(where: { $0.hole == 0 && $0.start == selected }) { return }
    var first = selected
    for _ in 0..<max(0, height / 2 - 1) {
      guard let before = previous(before: first) else { break }
      first = row(at: before)
    }
    top = first
  }
}
