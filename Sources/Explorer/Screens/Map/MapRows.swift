import PageTables

/// Which addresses the rows of a map stand for: whole multiples of a row, but that the regions of a process begin rows
/// of their own, and that what is cut out is one row, however large.
struct MapRows: Sendable {
  /// Where one of the two parts of a space begins and ends that are not shown at once.
  struct Cut: Hashable, Sendable {
    let start: UInt64
    let end: UInt64
    /// What everybody has in it; nil where it is the space's own part.
    var everybodys: EverybodysStretch?
  }

  /// log2 of the bytes that a cell stands for, and of the cells in a row.
  let shift: Int
  let rowBits: Int
  /// Ascending.
  let cuts: [Cut]
  /// Stretches that begin rows of their own, ascending, of whole cells.
  private let stretches: [Range<UInt64>]

  /// - Parameter regions: first and last bytes of regions that begin rows of their own, ascending.
  init(shift: Int, rowBits: Int, cuts: [Cut], regions: [(start: UInt64, last: UInt64)]) {
    self.shift = shift
    self.rowBits = rowBits
    self.cuts = cuts
    let mask = (UInt64(1) << UInt64(shift)) &- 1
    var stretches: [Range<UInt64>] = []
    for region in regions {
      let (start, end) = (region.start & ~mask, (region.last | mask) &+ 1)
      guard start < end else { continue }
      // A cell that two regions have is the first one's.
      if let last = stretches.last, start < last.upperBound {
        stretches[stretches.count - 1] = last.lowerBound..<max(last.upperBound, end)
      } else {
        stretches.append(start..<end)
      }
    }
    self.stretches = stretches
  }

  var cellLength: UInt64 { 1 << UInt64(shift) }
  var rowLength: UInt64 { 1 << UInt64(shift + rowBits) }

  func cut(at position: UInt64) -> Cut? {
    let next = cuts.partitioningIndex { $0.end > position }
    return next < cuts.count && cuts[next].start <= position ? cuts[next] : nil
  }

  /// The row that an address lies in.
  func row(at position: UInt64) -> Range<UInt64> {
    if let cut = cut(at: position) { return cut.start..<cut.end }
    var start = position & ~(rowLength - 1)
    var end = start + rowLength
    let next = stretches.partitioningIndex { $0.upperBound > position }
    if next < stretches.count, stretches[next].lowerBound <= position {
      let own = stretches[next]
      start = own.lowerBound + (position - own.lowerBound) & ~(rowLength - 1)
      end = min(start + rowLength, own.upperBound)
    } else {
      if next > 0 { start = max(start, stretches[next - 1].upperBound) }
      if next < stretches.count { end = min(end, stretches[next].lowerBound) }
    }
    let after = cuts.partitioningIndex { $0.start > position }
    if after > 0 { start = max(start, cuts[after - 1].end) }
    if after < cuts.count { end = min(end, cuts[after].start) }
    return start..<end
  }

  /// The cell that an address lies in; of what is cut out, all of it.
  func cell(at position: UInt64) -> Range<UInt64> {
    let row = row(at: position)
    guard cut(at: position) == nil else { return row }
    let start = row.lowerBound + (position - row.lowerBound) & ~(cellLength - 1)
    return start..<min(start + cellLength, row.upperBound)
  }

  func cells(in row: Range<UInt64>) -> Int {
    cut(at: row.lowerBound) != nil
      ? 1 : Int((row.upperBound - row.lowerBound + cellLength - 1) >> UInt64(shift))
  }
}
