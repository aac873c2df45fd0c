import PageTables
import Testing

@testable import Explorer

@Suite("x on spaces and tables")
struct CrossReferenceTests {
  private var driver = SharingGuest.driver(width: 120, height: 40)

  @Test("On a space, in the tree and in the list: who has pages of its user memory", arguments: ["", "s"])
  mutating func spaces(_ view: String) throws {
    try driver.press(view + " x")
    #expect(driver.lines[1].contains("who shares memory with init 1: 1 space"))
    // The frame 200000 is all that both map for the user.
    #expect(driver.lines[4].split(separator: " ") == ["shell", "2", "4K", "1"])
    try driver.press("Enter")
    #expect(driver.path == "shell 2")
  }

  @Test("A space that shares nothing says so")
  mutating func alone() throws {
    driver.find([SmallGuest.spaces[0]])
    try driver.press("x")
    #expect(driver.lines[1].contains("who shares memory with init 1: 0 spaces"))
    #expect(driver.screen.contains("no other space maps a page of its user memory"))
  }

  @Test("On an entry that points at a table: the spaces that reach the table, and where; Enter goes there")
  mutating func table() throws {
    try driver.press("Enter g \"ffff800000000000\" Enter u u")
    #expect(driver.path == "init 1 > PML4[256]")
    let entry = SharingGuest.memory.entry(table: SmallGuest.firstRoot, slot: 256) ?? 0
    let name = Numbers.hex(entry & 0xF_FFFF_FFFF_F000)
    try driver.press("x")
    #expect(driver.lines[1].contains("who shares PDPT \(name): 2 spaces"))
    #expect(driver.lines[4].split(separator: " ") == ["init", "1", "ffff8000_00000000"])
    try driver.press("f \"space:shell\" Enter Enter")
    #expect(driver.path == "shell 2 > PML4[256]")
  }

  @Test("In the list of shared sub-tables and in the matrix it is about the same table")
  mutating func elsewhere() throws {
    try driver.press("S f \"space:shell va:ffffc\" Enter x")
    let title = driver.lines[1]
    #expect(title.contains("who shares PDPT"))
    try driver.press("C j l x")
    #expect(driver.lines[1].contains("who shares PDPT") && driver.lines[1].contains(": 2 spaces"))
  }

  @Test("A table that the dump does not hold is a frame, nothing more")
  mutating func missing() throws {
    try driver.press("g \"8000000000\" Enter x")
    #expect(driver.lines[1].contains("who maps 0x9000000"))
  }

  @Test("d of the answer shows the page that the table lies in, and its x who maps that")
  mutating func onward() throws {
    try driver.press("Enter j x d")
    let frame = try #require(driver.explorer.frame?.address)
    try driver.press("x")
    #expect(driver.lines[1].contains("who maps \(Numbers.hex(frame))"))
  }

  @Test(
    "The title says how many of the spaces may be stale",
    arguments: ["j x", "g \"ffff800000000000\" Enter u u x", "g \"400000\" Enter x"])
  mutating func stale(_ keys: String) throws {
    try driver.press(keys)
    #expect(!driver.lines[1].contains("stale"))
    var spaces = SmallGuest.spaces
    spaces[keys == "j x" ? 0 : 1].isPossiblyStale = true
    driver = ExplorerDriver(memory: SharingGuest.memory, spaces: spaces, width: 120, height: 40)
    try driver.press(keys)
    #expect(driver.lines[1].contains(", 1 of the spaces possibly stale"), "\(driver.lines[1])")
  }

  @Test("The answer is found anew when the spaces come in another order")
  mutating func reordered() throws {
    try driver.press("x")
    driver.find(SmallGuest.spaces.reversed())
    #expect(driver.lines[1].contains("who shares memory with init 1: 1 space"))
    #expect(driver.lines[4].contains("shell"))
  }

  @Test("Direct-map entries of every root at one address are one row, which opens")
  func folded() throws {
    var driver = try SampleGuest.driver("linux-i686", width: 120, height: 40)
    try driver.press("g \"c1eca000\" Enter x")
    let answer = driver.explorer.aliasPane
    let pane = try #require(answer)
    let direct = pane.rows.filter { pane.aliases.groups[$0.group].kind == .directMap }
    let groups = pane.aliases.groups.filter { $0.kind == .directMap }
    try #require(groups.count > 1, "the guest has one such entry a root")
    #expect(direct.count == Set(groups.map(\.first.virtual)).count)
    try driver.press("f \"direct\" Enter Space")
    #expect(driver.explorer.list(.aliases).shown.count >= groups.count)
    try driver.press("Space")
    #expect(driver.explorer.list(.aliases).shown.count == direct.count)
  }

  @Test(
    "Esc leads back to the list that x and d were pressed in, and from there to the tree",
    arguments: [("S Enter j", Screen.ID.shared), ("M", .mirrors), ("C G", .matrix), ("s", .spaces)])
  mutating func backToTheList(_ keys: String, _ screen: Screen.ID) throws {
    try driver.press(keys + " x Esc")
    #expect(driver.screenID == screen)
    try driver.press("d x Esc Esc")
    #expect(driver.screenID == screen)
    try driver.press("Esc")
    #expect(driver.screenID == .tree)
  }

  @Test("Going round between the frame and who maps it, Esc does not")
  mutating func roundTrip() throws {
    try driver.press("M x d x d Esc Esc Esc")
    #expect(driver.screenID == .tree)
  }
}
