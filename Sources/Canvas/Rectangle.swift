/// A block of cells. Never negative in size, and no operation on it overflows.
package struct Rectangle: Hashable, Sendable {
  /// The first column.
  package let x: Int
  /// The first row.
  package let y: Int
  /// Columns.
  package let width: Int
  /// Rows.
  package let height: Int

  /// A block at (`x`, `y`); a negative size becomes 0.
  package init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = max(0, width)
    self.height = max(0, height)
  }

  /// The column after the last one.
  package var right: Int { Self.sum(x, width) }
  /// The row after the last one.
  package var bottom: Int { Self.sum(y, height) }
  /// Whether it holds no cell.
  package var isEmpty: Bool { width == 0 || height == 0 }

  /// Whether the cell at (`x`, `y`) lies inside.
  package func contains(x: Int, y: Int) -> Bool {
    x >= self.x && x < right && y >= self.y && y < bottom
  }

  /// The cells in both blocks.
  package func intersection(_ other: Rectangle) -> Rectangle {
    let left = max(x, other.x)
    let top = max(y, other.y)
    return Rectangle(
      x: left, y: top, width: Self.difference(min(right, other.right), left),
      height: Self.difference(min(bottom, other.bottom), top))
  }

  /// The block without a margin of so many cells on each side; empty if nothing is left.
  package func inset(horizontal: Int = 0, vertical: Int = 0) -> Rectangle {
    let left = min(max(0, horizontal), width / 2)
    let top = min(max(0, vertical), height / 2)
    return Rectangle(
      x: x + left, y: y + top, width: max(0, width - max(0, horizontal) - left),
      height: max(0, height - max(0, vertical) - top))
  }

  /// Cuts off `columns` columns at the left; both parts lie inside this block.
  package func split(left columns: Int) -> (left: Rectangle, rest: Rectangle) {
    let cut = min(max(0, columns), width)
    return (
      Rectangle(x: x, y: y, width: cut, height: height),
      Rectangle(x: x + cut, y: y, width: width - cut, height: height)
    )
  }

  /// Cuts off `columns` columns at the right; both parts lie inside this block.
  package func split(right columns: Int) -> (rest: Rectangle, right: Rectangle) {
    let parts = split(left: width - min(max(0, columns), width))
    return (parts.left, parts.rest)
  }

  /// Cuts off `rows` rows at the top; both parts lie inside this block.
  package func split(top rows: Int) -> (top: Rectangle, rest: Rectangle) {
    let cut = min(max(0, rows), height)
    return (
      Rectangle(x: x, y: y, width: width, height: cut),
      Rectangle(x: x, y: y + cut, width: width, height: height - cut)
    )
  }

  /// Cuts off `rows` rows at the bottom; both parts lie inside this block.
  package func split(bottom rows: Int) -> (rest: Rectangle, bottom: Rectangle) {
    let parts = split(top: height - min(max(0, rows), height))
    return (parts.top, parts.rest)
  }

  private static func sum(_ first: Int, _ second: Int) -> Int {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : sum
  }

  private static func difference(_ first: Int, _ second: Int) -> Int {
    let (difference, overflow) = first.subtractingReportingOverflow(second)
    return overflow ? 0 : difference
  }
}
