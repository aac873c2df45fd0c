import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("What a jump opened closes again when one goes back")
struct OpenedBranchTests {
  private var driver = ExplorerDriver(width: 120, height: 40)

  @Test("Back from an address, with the tree as it was before", arguments: ["", "Enter", "Enter j Enter"])
  mutating func back(_ keys: String) throws {
    try driver.press(keys)
    let (rows, path) = (driver.rows, driver.path)
    try driver.press("g \"405000\" Enter")
    #expect(driver.rows != rows)
    try driver.press("Backspace")
    #expect(driver.rows == rows)
    #expect(driver.path == path)
  }

  @Test("Each of several jumps takes back its own")
  mutating func several() throws {
    try driver.press("g \"405000\" Enter")
    let first = driver.rows
    try driver.press("g \"ffff800000000000\" Enter")
    let second = driver.rows
    try driver.press("g \"shell:500000\" Enter Backspace")
    #expect(driver.rows == second)
    try driver.press("Backspace")
    #expect(driver.rows == first)
    try driver.press("Backspace")
    #expect(driver.rows == ["space init 1", "space shell 2"])
  }

  @Test("Forward opens it anew, and back from there closes it")
  mutating func forward() throws {
    try driver.press("g \"405000\" Enter Backspace ]")
    #expect(driver.path.hasSuffix("PT[5]"))
    try driver.press("Backspace")
    #expect(driver.rows == ["space init 1", "space shell 2"])
  }

  @Test(
    "It stays where something there was opened or closed meanwhile",
    arguments: [
      "g \"401000\" Enter Left Left", "g \"c00000\" Enter k k Enter",
      "g \"401000\" Enter Home j Left",
    ])
  mutating func touched(_ keys: String) throws {
    try driver.press(keys)
    let rows = driver.rows
    try driver.press("Backspace")
    #expect(driver.rows == rows)
  }

  @Test("What was opened elsewhere meanwhile stays, and what the jump opened goes")
  mutating func elsewhere() throws {
    try driver.press("g \"401000\" Enter G Enter Backspace")
    #expect(driver.rows == ["space init 1", "space shell 2", "PML4[0]", "everybody's 1"])
  }

  @Test("What was open below, out of sight, comes back when it is opened again")
  mutating func hiddenBefore() throws {
    try driver.press("g \"400000\" Enter u Left u u u Left")
    #expect(driver.rows == ["space init 1", "space shell 2"])
    try driver.press("g \"ffff800000000000\" Enter Backspace Enter")
    #expect(driver.rows.contains("PD[2]"), "the tables that were open still are")
    #expect(!driver.rows.contains { $0.hasPrefix("PT[") })
  }

  @Test("From a list, from x, and from a bookmark, too")
  mutating func others() throws {
    driver = SharingGuest.driver(width: 120, height: 40)
    let rows = driver.rows
    try driver.press("M Enter")
    #expect(driver.rows != rows)
    try driver.press("Backspace")
    #expect(driver.rows == rows)
    try driver.press("s j Enter Backspace")
    #expect(driver.rows == rows)
  }

  @Test("A row for what everybody has is opened by a jump into it, and closed again")
  mutating func everybodys() throws {
    driver = try SampleGuest.driver("linux-x86_64", width: 120, height: 40)
    try driver.press("g \"share_a\" Enter")
    let rows = driver.rows
    #expect(rows.contains { $0.hasPrefix("everybody's") })
    try driver.press("g \"ffff8d9002960000\" Enter")
    #expect(driver.path.contains("PML4["))
    #expect(driver.rows.count > rows.count)
    try driver.press("Backspace")
    #expect(driver.rows == rows)
  }
}
