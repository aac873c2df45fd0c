import Canvas
import PageTables
import Testing

@testable import Explorer

@Suite("The mouse")
struct MouseTests {
  private var driver = ExplorerDriver()

  /// The line on the screen of a row of the tree.
  private func line(_ row: Int) -> Int { driver.explorer.layout.tree.y + row - driver.explorer.top }

  @Test("A click selects")
  mutating func selecting() throws {
    try driver.press("Enter")
    driver.click(x: 20, y: line(3))
    #expect(driver.path == "init 1 > PML4[2]")
    #expect(driver.rows.count == 8, "and opens nothing")
  }

  @Test("A click on the sign opens and closes")
  mutating func sign() throws {
    driver.click(x: 1, y: line(1))
    #expect(driver.rows == ["space init 1", "space shell 2", "PML4[0]", "everybody's 1"])
    driver.click(x: driver.explorer.signColumn(of: driver.explorer.tree.rows[2]), y: line(2))
    #expect(driver.rows.contains("PDPT[0]"))
    driver.click(x: 1, y: line(1))
    #expect(driver.rows == ["space init 1", "space shell 2"])
  }

  @Test("A double click opens and closes")
  mutating func doubleClick() throws {
    driver.click(x: 20, y: line(1))
    driver.click(x: 20, y: line(1), .doubleClick)
    #expect(driver.rows.count == 4)
    driver.click(x: 20, y: line(1))
    driver.click(x: 20, y: line(1), .doubleClick)
    #expect(driver.rows.count == 2)
  }

  @Test("A click below the last row does nothing")
  mutating func below() throws {
    driver.click(x: 20, y: line(5), .doubleClick)
    #expect(driver.path == "init 1")
    #expect(driver.rows.count == 2)
    try driver.press("s")
    driver.click(x: 20, y: driver.explorer.layout.list.y + 7, .doubleClick)
    #expect(driver.screenID == .spaces)
    #expect(driver.explorer.list(.spaces).selection == 0)
  }

  @Test("The wheel scrolls, and the selection stays on the screen")
  mutating func wheel() throws {
    try driver.press("size 80x12\ng \"401000\" Enter g g")
    let height = driver.explorer.layout.tree.height
    driver.click(x: 5, y: 5, .wheelDown)
    #expect(driver.explorer.top == 3)
    #expect(driver.explorer.selection == 3)
    for _ in 0..<50 { driver.click(x: 5, y: 5, .wheelDown) }
    #expect(driver.explorer.top == driver.rows.count - height)
    for _ in 0..<50 { driver.click(x: 5, y: 5, .wheelUp) }
    #expect(driver.explorer.top == 0)
    #expect(driver.explorer.selection == height - 1)
  }

  @Test("Over the detail the wheel scrolls the detail, beside the tree and in its stead")
  mutating func wheelOverDetail() throws {
    try driver.press("g \"401000\" Enter\nsize 120x12")
    let path = driver.path
    let detail = driver.explorer.layout.detail
    driver.click(x: detail.x + 3, y: detail.y + 1, .wheelDown)
    #expect(driver.explorer.detailTop == 3)
    #expect(driver.path == path)
    try driver.press("size 40x12\nTab")
    driver.click(x: 3, y: 5, .wheelUp)
    #expect(driver.explorer.detailTop == 0)
    #expect(driver.path == path)
  }

  @Test("A click on the detail gives it the keys; on a small screen it selects no hidden row")
  mutating func detailFocus() throws {
    try driver.press("size 120x24")
    let detail = driver.explorer.layout.detail
    driver.click(x: detail.x + 3, y: detail.y + 1)
    #expect(driver.screenID == .detail)
    driver.click(x: 20, y: line(1))
    #expect(driver.screenID == .tree)
    #expect(driver.path == "shell 2")
    try driver.press("size 40x10\nTab")
    driver.click(x: 5, y: driver.explorer.layout.list.y)
    #expect(driver.screenID == .detail)
    #expect(driver.path == "shell 2")
  }

  @Test("A click on the path goes there")
  mutating func breadcrumb() throws {
    try driver.press("g \"401000\" Enter")
    let part = try #require(driver.explorer.breadcrumb().first { $0.text.contains("PDPT[0]") })
    let y = driver.explorer.layout.breadcrumb.y
    driver.click(x: part.x + 4, y: y)
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0]")
    try driver.press("Backspace")
    #expect(driver.path.hasSuffix("PT[1]"))
    driver.click(x: 70, y: y)
    #expect(driver.path.hasSuffix("PT[1]"), "right of the path there is nothing")
  }

  @Test("A click on the path leaves a page for good")
  mutating func breadcrumbOverPage() throws {
    try driver.press("s ?")
    driver.click(x: 2, y: driver.explorer.layout.breadcrumb.y)
    #expect(driver.screenID == .tree)
    #expect(driver.explorer.page == nil)
    try driver.press("Esc")
    #expect(driver.screenID == .tree)
  }

  @Test("A click on a key of the footer does what it says")
  mutating func footer() throws {
    let item = try #require(driver.explorer.footerItems().first { $0.binding.command == .help })
    driver.click(x: item.x, y: 23)
    #expect(driver.screenID == .help)
  }

  @Test(
    "While the footer shows something else, a click there only takes that away",
    arguments: ["w", "y", "/ \"a\""])
  mutating func coveredFooter(_ keys: String) throws {
    let quit = try #require(driver.explorer.footerItems().first { $0.binding.command == .leave })
    try driver.press(keys)
    driver.click(x: quit.x, y: 23)
    #expect(driver.work == [])
    #expect(driver.screenID == .tree)
    #expect(driver.explorer.status == .empty)
    #expect(driver.explorer.pendingKeys.isEmpty)
  }

  @Test("A click in the list of spaces selects, a double click goes there")
  mutating func list() throws {
    try driver.press("s")
    let y = driver.explorer.layout.list.y + 1
    driver.click(x: 10, y: y)
    #expect(driver.screenID == .spaces)
    #expect(driver.explorer.list(.spaces).selection == 1)
    driver.click(x: 10, y: y, .doubleClick)
    #expect(driver.screenID == .tree)
    #expect(driver.path == "shell 2")
  }

  @Test(
    "No click or turn of the wheel anywhere does harm, at any size",
    arguments: [(80, 24), (40, 10), (1, 1), (3, 2)])
  func anywhere(width: Int, height: Int) throws {
    let kinds: [MouseEvent.Kind] = [
      .pressLeft, .doubleClick, .pressRight, .pressMiddle, .release, .wheelUp, .wheelDown,
    ]
    for state in ["", "Enter", "s", "?", "Tab", "/"] {
      var start = ExplorerDriver(width: width, height: height)
      try start.press(state)
      for kind in kinds {
        for x in stride(from: -1, through: width, by: 13) {
          for y in stride(from: -1, through: height, by: 2) {
            var driver = start
            driver.click(x: x, y: y, kind)
            #expect(driver.explorer.tree.rows.indices.contains(driver.explorer.selection))
          }
        }
      }
    }
  }
}
