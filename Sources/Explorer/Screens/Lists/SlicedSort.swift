/// A merge sort of row numbers that can stop after any number of steps and go on later: a key must never wait for
/// a whole list.
struct SlicedSort: Sendable {
  private var rows: [Int32]
  private var merged: [Int32] = []
  /// Rows of a piece that is sorted; 0 while the first pieces are still made.
  private var width = 0
  /// Where the next piece, or the pair of pieces that is being merged, begins.
  private var start = 0
  private var left = 0
  private var right = 0

  private static let firstWidth = 256

  init(count: Int) {
    rows = (0..<Int32(clamping: count)).map { $0 }
  }

  /// All rows, in order once `proceed` has answered true.
  var result: [Int32] { rows }

  /// Does so many comparisons, roughly; answers whether the sort is done. `precedes` must be a total order.
  mutating func proceed(steps: Int, _ precedes: (Int, Int) -> Bool) -> Bool {
    var steps = steps
    while steps > 0 {
      if width == 0 {
        steps -= Self.firstWidth * 8
        sortPiece(precedes)
      } else if width >= rows.count {
        return true
      } else {
        merge(&steps, precedes)
      }
    }
    return width >= rows.count && width > 0
  }

  private mutating func sortPiece(_ precedes: (Int, Int) -> Bool) {
    let end = min(start + Self.firstWidth, rows.count)
    rows[start..<end].sort { precedes(Int($0), Int($1)) }
    start = end
    if start == rows.count { beginPass(Self.firstWidth) }
  }

  private mutating func beginPass(_ newWidth: Int) {
    width = newWidth
    start = 0
    left = 0
    right = min(width, rows.count)
    merged = []
    merged.reserveCapacity(rows.count)
  }

  private mutating func merge(_ steps: inout Int, _ precedes: (Int, Int) -> Bool) {
    let middle = min(start + width, rows.count)
    let end = min(middle + width, rows.count)
    while steps > 0, left < middle || right < end {
      steps -= 1
      if right >= end || (left < middle && !precedes(Int(rows[right]), Int(rows[left]))) {
        merged.append(rows[left])
        left += 1
      } else {
        merged.append(rows[right])
        right += 1
      }
    }
    guard left == middle, right == end else { return }
    start = end
    left = end
    right = min(end + width, rows.count)
    if start == rows.count {
      swap(&rows, &merged)
      beginPass(width * 2)
    }
  }
}
