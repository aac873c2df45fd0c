import Testing

@testable import Explorer

@Suite("Two spaces side by side, by keys and in scripts")
struct CompareTests {
  private var driver = SharingGuest.driver(width: 100)

  private var heading: String { driver.lines[1].split(separator: "   ").first.map(String.init) ?? "" }

  @Test("A line below tells what the signs mean")
  mutating func legend() throws {
    driver.run("compare shell 2")
    #expect(
      driver.lines.contains {
        $0.hasPrefix(" == same table   = same frames   / different   < only left   > only right")
      })
    try driver.press("G")
    #expect(driver.screenID == .compare)
  }

  @Test("In the comparison, a name compares the left space with that one; alone it turns the sides round")
  mutating func again() throws {
    driver.run("compare shell 2")
    #expect(heading == " init 1 and shell 2")
    driver.run("compare")
    #expect(driver.explorer.problem == nil)
    #expect(heading == " shell 2 and init 1")
    driver.run("compare init 1")
    #expect(driver.explorer.problem == nil)
    #expect(heading == " shell 2 and init 1")
    try driver.press("=")
    #expect(heading == " init 1 and shell 2")
    driver.run("compare nobody")
    #expect(driver.explorer.problem == "no space is called nobody")
  }

  @Test("Right opens a branch and goes into it; Left goes back to it, and closes it")
  mutating func keys() throws {
    driver.run("compare shell 2")
    let rows = driver.explorer.comparison?.rows.count ?? 0
    let branch = try #require(
      driver.explorer.comparison?.rows.firstIndex { $0.isOpenable && !$0.isShare })
    try driver.press(String(repeating: "j ", count: branch) + "Right")
    let opened = driver.explorer.comparison?.rows.count ?? 0
    #expect(opened > rows)
    try driver.press("Right")
    #expect(driver.explorer.comparison?.selection == branch + 1)
    try driver.press("Left")
    #expect(driver.explorer.comparison?.selection == branch)
    try driver.press("Left")
    #expect(driver.explorer.comparison?.rows.count == rows)
    try driver.press("Left")
    #expect(driver.work == [.bell])
  }
}
