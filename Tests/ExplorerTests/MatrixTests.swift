import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The sharing matrix")
struct MatrixTests {
  private var driver = ParticularGuest.driver(width: 120)

  /// The names of the rows, and the signs of each.
  private var picture: [String] {
    let matrix = driver.explorer.matrix
    return matrix.spaceNumbers.map { space in
      driver.explorer.tree.spaces[space].name + " "
        + (0..<matrix.columnCount).map { driver.explorer.matrixCell(space: space, column: $0).sign }.joined()
    }
  }

  @Test(
    "A column for each particular share, one for the rest; who shares comes first, stale spaces last, copies have no row"
  )
  mutating func cells() throws {
    try driver.press("C")
    #expect(picture == ["one o.=", "two =.=", "three .2=", "kernel ..=", "old ..?"])
  }

  @Test("Every column says what it stands for: table, size, addresses, with whom")
  mutating func legend() throws {
    try driver.press("C")
    let legend = driver.lines.suffix(9)
    let table = Numbers.hex(driver.explorer.index?.shares[0].table.address ?? PhysicalAddress(0))
    let first = try #require(legend.first { $0.hasPrefix(" 1 ") })
    for text in ["PD \(table)", "1G", "one 1 at 00000040_00000000", "two 2 at 00000080_00000000"] {
      #expect(first.contains(text), "\(first)")
    }
    #expect(
      legend.contains {
        $0.hasPrefix(" 2 ") && $0.contains("PT ") && $0.contains("three 3") && $0.contains("again")
      })
    #expect(legend.contains { $0.hasPrefix(" all") && $0.contains("shared by everybody: 3 tables") })
    #expect(legend.contains { $0.contains("o owner") && $0.contains(". does not have it") })
  }

  @Test(
    "Enter goes to the entry of the share in that space",
    arguments: [
      ("C", "one 1 > PML4[0] > PDPT[256]"), ("C j", "two 2 > PML4[1] > PDPT[0]"),
      ("C j j l", "three 3 > PML4[0] > PDPT[1] > PD[0]"), ("C l l", "one 1 > PML4[256]"),
      ("C j j j l l", "kernel > PML4[256]"),
    ])
  mutating func enter(_ keys: String, _ path: String) throws {
    try driver.press(keys + " Enter")
    #expect(driver.path == path)
  }

  @Test("Enter on what a space lacks says so; x lists the sharers all the same")
  mutating func absent() throws {
    try driver.press("C j j j Enter")
    #expect(driver.work == [.bell])
    #expect(driver.screenID == .matrix)
    try driver.press("x")
    #expect(driver.lines[1].contains("who shares PD") && driver.lines[1].contains(": 2 spaces"))
    try driver.press("Esc")
    #expect(driver.screenID == .matrix)
  }

  @Test("It opens on the selected space and the share that the selected row lies below")
  mutating func opening() throws {
    try driver.press("/ \"two\" Enter g \"8000000000\" Enter C")
    #expect(driver.explorer.matrixText.contains("two 2 has share 1, PD"))
    #expect(driver.explorer.matrixText.contains("owner one 1"))
  }

  @Test("Where nothing is shared in particular a line says so, and the column of what everybody has stands")
  func nothing() throws {
    var driver = SharingGuest.driver(width: 80)
    try driver.press("C")
    #expect(driver.screen.contains("no table is shared by some spaces only"))
    #expect(driver.explorer.matrix.columnCount == 1)
    let signs = (0..<2).map { driver.explorer.matrixCell(space: $0, column: 0).sign }
    #expect(signs == ["=", "="])
  }

  @Test("Before the spaces are indexed it says what it waits for")
  func awaited() throws {
    var driver = SharingGuest.driverBeforeSpaces()
    driver.find(SmallGuest.spaces)
    try driver.press("C")
    #expect(driver.screen.contains("spaces are being indexed"))
    try driver.press("j l Enter x")
    #expect(driver.screenID == .matrix)
  }

  @Test("A share with more sharers than anybody listed is found in all of them")
  func manySharers() throws {
    let scheme = X86.paging4Level()
    var memory = TableMemory()
    let spaces = (0..<200).map { memory.makeSpace("space \($0)", scheme: scheme) }
    memory.map(0x1000, to: 0x900_0000, in: spaces[0])
    let entry = memory.entry(table: spaces[0].root.value, slot: 0) ?? 0
    for space in spaces[..<150] { memory.set(table: space.root.value, slot: 0, to: entry) }
    memory.map(0x1000, to: 0x901_0000, in: spaces[199])
    var driver = ExplorerDriver(
      memory: memory, spaces: spaces.map { FoundSpace(space: $0, origin: .scan) }, width: 80, height: 24)
    try driver.press("C")
    let signs = spaces.indices.map { driver.explorer.matrixCell(space: $0, column: 0).sign }
    #expect(signs == ["o"] + Array(repeating: "=", count: 149) + Array(repeating: ".", count: 50))
  }
}
