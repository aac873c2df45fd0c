import Canvas
import Testing

@Suite("Rectangles")
struct RectangleTests {
  private let area = Rectangle(x: 2, y: 3, width: 10, height: 4)

  @Test("A split gives two parts that make up the whole", arguments: [-1, 0, 4, 10, 99])
  func splits(size: Int) {
    let columns = area.split(left: size)
    #expect(columns.left.right == columns.rest.x)
    #expect(columns.left.width == min(max(0, size), 10))
    #expect(columns.rest.right == area.right)
    let rows = area.split(bottom: size)
    #expect(rows.rest.bottom == rows.bottom.y)
    #expect(rows.bottom.height == min(max(0, size), 4))
    #expect(rows.rest.y == area.y)
  }

  @Test("Splitting at the right and at the top cuts off the size that was asked")
  func splitsFromTheOtherSide() {
    #expect(area.split(right: 3).right == Rectangle(x: 9, y: 3, width: 3, height: 4))
    #expect(area.split(top: 1).rest == Rectangle(x: 2, y: 4, width: 10, height: 3))
  }

  @Test("The intersection of blocks that do not meet is empty")
  func intersection() {
    #expect(area.intersection(Rectangle(x: 50, y: 3, width: 9, height: 9)).isEmpty)
    let overlap = area.intersection(Rectangle(x: 0, y: 5, width: 4, height: 99))
    #expect(overlap == Rectangle(x: 2, y: 5, width: 2, height: 2))
  }

  @Test("A margin larger than the block leaves nothing, inside the block")
  func inset() {
    #expect(area.inset(horizontal: 1, vertical: 1) == Rectangle(x: 3, y: 4, width: 8, height: 2))
    #expect(area.inset(horizontal: 9, vertical: 0).isEmpty)
  }
}
