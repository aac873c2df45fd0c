import PageTables
import Testing

@testable import Explorer

@Suite("Jumps, marks and search")
struct JumpTests {
  private var driver = ExplorerDriver()
  private let page = "init 1 > PML4[0] > PDPT[0] > PD[2]"

  // MARK: The jump list

  @Test(
    "Back goes where each jump began, forward again to where it led", arguments: ["Backspace", "Ctrl-o", "["])
  mutating func backAndForward(_ back: String) throws {
    try driver.press("g \"401000\" Enter g \"409000\" Enter \(back)")
    #expect(driver.path == page + " > PT[1]")
    try driver.press(back)
    #expect(driver.path == "init 1")
    try driver.press(back)
    #expect(driver.path == "init 1")
    #expect(driver.explorer.status.role == .warning)
    try driver.press("]")
    #expect(driver.path == page + " > PT[1]")
    try driver.press("]")
    #expect(driver.path == page + " > PT[9]")
    try driver.press("]")
    #expect(driver.work == [.bell])
  }

  @Test("A new jump forgets what lay ahead")
  mutating func newJump() throws {
    try driver.press("g \"401000\" Enter g \"409000\" Enter Backspace g \"c00000\" Enter ]")
    #expect(driver.work == [.bell])
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[6]")
    try driver.press("Backspace")
    #expect(driver.path == page + " > PT[1]")
  }

  @Test("Back opens again what was closed in between")
  mutating func backIntoClosed() throws {
    try driver.press("g \"409000\" Enter g \"c00000\" Enter z X Backspace")
    #expect(driver.path == page + " > PT[9]")
  }

  @Test("Back to a fold shows the fold")
  mutating func backToFold() throws {
    try driver.press("g \"400000\" Enter j")
    #expect(driver.row?.kind == .fold)
    try driver.press("g \"c00000\" Enter Backspace")
    #expect(driver.row?.kind == .fold)
    #expect(driver.path == page + " > PT[1] x8")
  }

  @Test("Plain moving is no jump")
  mutating func moving() throws {
    try driver.press("Enter j j k PgDn G Backspace")
    #expect(driver.work == [.bell])
  }

  @Test("The list keeps no more than it needs, and stays in order")
  func limit() throws {
    var list = JumpList()
    func place(_ number: UInt64) -> RowID {
      RowID(
        space: SpaceID(root: PhysicalAddress(0), ordinal: 0), kind: .entry, level: 3,
        virtual: VirtualAddress(number << 12))
    }
    for number in 0..<UInt64(1000) { list.push(place(number), list: nil) }
    var current = place(1000)
    var steps = 0
    while let next = list.back(from: current)?.row {
      #expect(next.virtual.value == current.virtual.value - 0x1000)
      current = next
      steps += 1
    }
    #expect(steps > 10 && steps < 1000)
  }

  // MARK: Marks

  @Test("A mark comes back to its row, and the jump can be taken back")
  mutating func marks() throws {
    try driver.press("g \"409000\" Enter m a g \"c00000\" Enter z X ' a")
    #expect(driver.path == page + " > PT[9]")
    try driver.press("Backspace")
    #expect(driver.path == "init 1")
  }

  @Test("A letter that marks nothing is told so, with those that do")
  mutating func unknownMark() throws {
    try driver.press("m x m b ' c")
    #expect(driver.status.contains("b x"))
    #expect(driver.work == [.bell])
  }

  @Test("A mark whose space is gone is told so")
  mutating func markOfLostSpace() throws {
    try driver.press("m a")
    driver.find([SmallGuest.spaces[1]])
    try driver.press("' a")
    #expect(driver.explorer.status.role == .warning)
    #expect(driver.path == "shell 2")
  }

  // MARK: Search

  @Test("A search goes to the next row that is open and has the text, and round at the end")
  mutating func search() throws {
    try driver.press("Enter / \"pml4[2]\" Enter")
    #expect(driver.path == "init 1 > PML4[2]")
    try driver.press("/ \"shell\" Enter")
    #expect(driver.path == "shell 2")
    try driver.press("/ \"init\" Enter")
    #expect(driver.path == "init 1")
  }

  @Test("n and N go on in both directions")
  mutating func nextAndPrevious() throws {
    // Digits are looked for in address, entry and target: only these three rows have them.
    try driver.press("g \"40a000\" Enter g g / \"20000000\" Enter")
    #expect(driver.explorer.status.role == .warning)
    try driver.press("/ \"huge\" Enter")
    let first = driver.path
    #expect(first.hasSuffix("PD[6]"))
    try driver.press("G g \"ffff800000000000\" Enter g g n")
    #expect(driver.path.hasSuffix("> PD[6]"))
    try driver.press("n")
    #expect(driver.path.hasPrefix("init 1 > PML4[256]") || driver.path.hasPrefix("shell 2 > PML4[256]"))
    let second = driver.path
    try driver.press("N")
    #expect(driver.path.hasSuffix("PD[6]"))
    try driver.press("N")
    #expect(driver.path == second, "two matches: round at the start")
  }

  @Test(
    "What can be looked for",
    arguments: [
      ("300000", "PT[9]"), ("0x300000", "PT[9]"), ("8000000000300025", "PT[9]"), ("0040_b000", "PT[11]"),
      ("marked", "PT[10]"), ("malformed", "PD[4]"), ("recursive", "PML4[511]"), ("HUGE", "PD[6]"),
      ("100063", "PML4[511]"),
    ])
  mutating func kinds(_ text: String, _ entry: String) throws {
    try driver.press("g \"40a000\" Enter g g / \"\(text)\" Enter")
    #expect(driver.path.hasSuffix(" > \(entry)"))
  }

  @Test("A search that finds nothing says so, moves nothing, and n repeats it")
  mutating func nothing() throws {
    try driver.press("j / \"nowhere\" Enter")
    #expect(driver.status.contains("nowhere"))
    #expect(driver.path == "shell 2")
    try driver.press("n")
    #expect(driver.status.contains("nowhere"))
  }

  @Test("n before any search says what to do")
  mutating func nextFirst() throws {
    try driver.press("n")
    #expect(driver.status.contains("/"))
    #expect(driver.work == [.bell])
  }

  @Test(
    "A search that is given up leaves the one before", arguments: ["Esc", "Ctrl-c", "Backspace Backspace"])
  mutating func givenUp(_ keys: String) throws {
    try driver.press("/ \"shell\" Enter g g / \"x\" \(keys)")
    #expect(driver.explorer.prompt == nil)
    try driver.press("n")
    #expect(driver.path == "shell 2")
  }
}
