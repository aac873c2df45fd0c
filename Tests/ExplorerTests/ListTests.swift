import Guests
import PageTables
import Testing

@testable import Explorer

@Suite("The list of spaces, and pages of text")
struct ListTests {
  /// Spaces in an order that no column has.
  private static let spaces: [FoundSpace] = [
    found("mid", pid: 30, root: 0x3000, .cpu(0)), found("alpha", pid: nil, root: 0x2000, .scan),
    found("zeta", pid: 4, root: 0x1000, .scan), found("alpha", pid: 100, root: 0x4000, .given),
  ]

  private static func found(_ name: String, pid: Int?, root: UInt64, _ origin: FoundSpace.Origin)
    -> FoundSpace
  {
    let space = AddressSpace(name: name, root: PhysicalAddress(root), scheme: X86.paging4Level())
    return FoundSpace(space: space, pid: pid, origin: origin)
  }

  private var driver = ExplorerDriver(memory: SmallGuest.memory, spaces: ListTests.spaces)

  private var roots: [UInt64] {
    driver.explorer.list(.spaces).order.map { driver.explorer.tree.spaces[$0].root.value >> 12 }
  }

  private var selected: UInt64? {
    driver.explorer.list(.spaces).selectedRow.map { driver.explorer.tree.spaces[$0].root.value >> 12 }
  }

  @Test("An address that does not fit is left out, or ends in a sign", arguments: 20...80)
  mutating func cutAddresses(_ width: Int) throws {
    driver = SharingGuest.driver(width: width, height: 24)
    try driver.press("M")
    let whole: Set = ["0x200000", "0x201000", "0x202000", "0x300000"]
    for line in driver.lines[3...6] {
      for word in line.split(separator: " ") where word.hasPrefix("0") && !word.hasSuffix("..") {
        #expect(whole.contains(String(word)) || word.count == 17, "\(line)")
      }
    }
  }

  @Test("The list opens in the order of listing, on the space of the selection")
  mutating func opening() throws {
    try driver.press("j j s")
    #expect(driver.screenID == .spaces)
    #expect(roots == [3, 2, 1, 4])
    #expect(selected == 1)
  }

  @Test(
    "A digit sorts by its column, again the other way round; equal ones keep their order",
    arguments: [
      ("1", [2, 4, 3, 1]), ("1 1", [1, 3, 2, 4]), ("2", [1, 3, 4, 2]), ("2 2", [2, 4, 3, 1]),
      ("\n:sort root", [1, 2, 3, 4]), ("\n:sort root\n:sort root", [4, 3, 2, 1]),
      ("\n:sort found", [3, 4, 2, 1]),
      ("\n:sort root\n:sort root\n1", [2, 4, 3, 1]),
    ] as [(String, [UInt64])])
  mutating func sorting(_ keys: String, _ order: [UInt64]) throws {
    try driver.press("s \(keys)")
    #expect(roots == order)
    #expect(selected == order.first, "who sorts sees what comes first")
  }

  @Test("The header shows the column that is sorted by")
  mutating func header() throws {
    try driver.press("s 2")
    #expect(driver.screen.contains("pid ^"))
    try driver.press("2")
    #expect(driver.screen.contains("pid v"))
  }

  @Test("A filter leaves what it is about; an empty one shows all again")
  mutating func filter() throws {
    try driver.press("s f \"alpha\" Enter")
    #expect(roots == [2, 4])
    #expect(driver.explorer.tree.filter.isEmpty, "the tree has a filter of its own")
    try driver.press("f")
    #expect(driver.explorer.prompt?.field.text == "alpha")
    try driver.press("Ctrl-u Enter")
    #expect(roots == [3, 2, 1, 4])
  }

  @Test(
    "Enter goes to the space in the tree, opens it, and Backspace comes back to the list, and to where that was opened"
  )
  mutating func going() throws {
    driver = ExplorerDriver()
    try driver.press("s j Enter")
    #expect(driver.screenID == .tree)
    #expect(driver.path == "shell 2")
    #expect(driver.row?.isOpen == true)
    try driver.press("Backspace")
    #expect(driver.screenID == .spaces)
    #expect(driver.explorer.list?.selection == 1)
    try driver.press("Esc")
    #expect(driver.path == "init 1")
  }

  @Test("Enter goes to a space that the tree's filter hides")
  mutating func goingToHidden() throws {
    driver = ExplorerDriver()
    try driver.press("f \"init\" Enter s j Enter")
    #expect(driver.path == "shell 2")
  }

  @Test("In an empty list Enter says that there is nothing")
  mutating func emptyList() throws {
    try driver.press("s f \"nothing-like-it\" Enter Enter")
    #expect(driver.work == [.bell])
    #expect(driver.screenID == .spaces)
    try driver.press("j k G g g PgDn PgUp / \"x\" Enter n")
    #expect(driver.screenID == .spaces)
  }

  @Test("A search in the list goes to the next name")
  mutating func search() throws {
    try driver.press("s / \"alpha\" Enter")
    #expect(selected == 2)
    try driver.press("n")
    #expect(selected == 4)
    try driver.press("n")
    #expect(selected == 2)
    try driver.press("N")
    #expect(selected == 4)
  }

  @Test("The selection stays on its space when others are found before it")
  mutating func newSpaces() throws {
    try driver.press("s j j")
    #expect(selected == 1)
    driver.find([Self.found("new", pid: 1, root: 0x9000, .cpu(1))] + Self.spaces)
    #expect(selected == 1)
  }

  @Test("Moving stops at both ends")
  mutating func ends() throws {
    try driver.press("s k k")
    #expect(selected == 3)
    try driver.press("PgDn PgDn j j")
    #expect(selected == 4)
    try driver.press("g g")
    #expect(selected == 3)
    try driver.press("G")
    #expect(selected == 4)
  }

  // MARK: Pages

  private static let page = TextPage(
    title: "test", lines: (0..<100).map { StyledLine($0 % 10 == 7 ? "line \($0) needle" : "line \($0)") })

  @Test("A page scrolls no further than its last line")
  func scrolling() {
    var page = Self.page
    page.scroll(to: 1000, height: 20)
    #expect(page.top == 80)
    page.scroll(to: -5, height: 20)
    #expect(page.top == 0)
    page.scroll(to: 50, height: 200)
    #expect(page.top == 0)
  }

  @Test("A search on a page reaches every match, also those that never get to the top, and goes round")
  func searching() {
    var page = Self.page
    var tops: [Int] = []
    for _ in 0..<11 {
      let isFound = page.find("NEEDLE", forward: true, height: 20)
      #expect(isFound)
      tops.append(page.top)
    }
    #expect(tops == [7, 17, 27, 37, 47, 57, 67, 77, 80, 80, 7])
    let isFound = page.find("needle", forward: false, height: 20)
    #expect(isFound)
    #expect(page.top == 80)
    let isNothingFound = page.find("haystack", forward: true, height: 20)
    #expect(!isNothingFound)
  }

  @Test("Warnings are told at the start, and stand on a page of their own")
  func warnings() throws {
    var driver = ExplorerDriver(warnings: ["segment 3 is cut", "note \u{1B}[31m odd"])
    #expect(driver.status.contains("segment 3 is cut"))
    #expect(driver.status.contains(":warnings"))
    driver.run("warnings")
    #expect(driver.screenID == .warnings)
    #expect(driver.explorer.page?.lines.count == 2)
    #expect(driver.screen.contains("segment 3 is cut"))
    #expect(!driver.screen.contains("\u{1B}"))
  }

  @Test("What goes wrong with the source later is said at once, and listed with the other warnings")
  func laterWarning() throws {
    var driver = ExplorerDriver(warnings: ["segment 3 is cut"])
    driver.send(.warning("dump: became shorter\u{1B} while it was read"))
    #expect(driver.status.contains("became shorter"))
    driver.run("warnings")
    #expect(driver.lines.contains { $0.contains("segment 3 is cut") })
    #expect(driver.lines.contains { $0.contains("became shorter") && !$0.contains("\u{1B}") })
  }
}
