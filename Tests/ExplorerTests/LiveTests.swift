import PageTables
import Testing

@testable import Explorer

/// The explorer of a machine that runs: refreshing, what changed, moments that are kept.
@Suite struct LiveTests {
  /// The signs at the left edge, by the row's path.
  private func signs(_ driver: ExplorerDriver) -> [String] {
    driver.explorer.tree.rows.compactMap { row in
      driver.explorer.changeSign(of: row).map { $0.text + driver.explorer.tree.describe(row) }
    }
  }

  @Test func aRefreshMarksWhatChangedUpToTheSpace() throws {
    var driver = LiveGuest.driver()
    try driver.press("g \"402000\" Enter r")
    let signs = signs(driver)
    #expect(signs.contains("*space init 1"))
    #expect(signs.contains("*PML4[0]"))
    #expect(signs.contains("+PD[3]"))
    #expect(signs.contains("+space child 3"))
    #expect(signs.contains { $0.hasPrefix("*PT[2]") })
  }

  @Test func theSelectionStaysWhereItWas() throws {
    var driver = LiveGuest.driver()
    try driver.press("g \"402000\" Enter")
    let path = driver.path
    try driver.press("r")
    #expect(driver.path == path)
    #expect(driver.status.hasPrefix("moment 2: "))
  }

  @Test func theListOfChangesLeadsThere() throws {
    var driver = LiveGuest.changed()
    try driver.press("D")
    let text = driver.screen
    for line in ["+ new", "child 3", "- gone", "shell 2", "- removed", "* access", "+ added"] {
      #expect(text.contains(line), "\(line)")
    }
    try driver.press("/ \"600000\" Enter Enter")
    #expect(driver.screenID == .tree)
    #expect(driver.row?.virtual == VirtualAddress(0x60_0000))
  }

  @Test func withoutAChangeNothingIsMarked() throws {
    var driver = LiveGuest.changed()
    try driver.press("r")
    #expect(signs(driver).isEmpty)
    #expect(driver.status == "moment 3: nothing changed since moment 2")
  }

  @Test func aKeptMomentIsComparedWithUntilItIsGivenUp() throws {
    var driver = LiveGuest.driver()
    try driver.press(":keep before\nr r")
    #expect(signs(driver).isEmpty)
    try driver.press(":diff before\n")
    #expect(signs(driver).contains("*space init 1"))
    #expect(driver.status.hasSuffix("since before"))
    try driver.press("r")
    #expect(signs(driver).contains("*space init 1"))
    try driver.press(":diff\nr")
    #expect(signs(driver).isEmpty)
    try driver.press(":diff nowhere\n")
    #expect(driver.explorer.problem?.contains("there are: before") == true)
  }

  @Test(arguments: ["r / \"init\" Enter = =", "/ \"init\" Enter = r ="])
  func aSpaceIsComparedWithItselfAtAnEarlierMoment(keys: String) throws {
    var driver = LiveGuest.driver(width: 120)
    try driver.press(keys)
    #expect(driver.screenID == .compare)
    #expect(driver.lines[1].hasPrefix(" init 1 at moment 1 and now   "))
    #expect(driver.lines[1].contains("4K different, 4K only in moment 1, 8K only in this moment"))
    // 402000 has the same frame, and lost a right: that is the difference. The new table of 600000 is a page of the
    // recursive mapping, too.
  }

  @Test func aSpaceIsComparedWithAKeptMomentByItsName() throws {
    var driver = LiveGuest.driver(width: 120)
    try driver.press(":keep start\nr r / \"init\" Enter")
    driver.run("compare start")
    #expect(driver.lines[1].hasPrefix(" init 1 at start and now   "))
    try driver.press("Escape")
    try driver.press("/ \"child\" Enter")
    driver.run("compare start")
    #expect(driver.explorer.problem == "child 3 was not there at start")
  }

  @Test func whatChangedStaysInSightWhileNothingElseDoes() throws {
    var driver = LiveGuest.driver()
    driver.run("watch 1")
    driver.send(.momentDue)
    let (signs, status) = (signs(driver), driver.status)
    #expect(signs.contains("*space init 1"))
    driver.send(.momentDue)
    #expect(self.signs(driver) == signs)
    #expect(driver.status == status)
    // That it was looked at is seen all the same.
    #expect(driver.lines[0].contains("moment 2   watching, unchanged x1 "))
    // Who asks is answered.
    try driver.press("r")
    #expect(driver.lines[0].contains("moment 3   watching "))
    #expect(self.signs(driver).isEmpty)
    #expect(driver.status == "moment 3: nothing changed since moment 2")
  }

  // gdb's `finish` from a breakpoint stops the machine twice, and the first moment may be read at the second stop.
  @Test func aStopAtWhichNothingChangedKeepsTheSigns() throws {
    var driver = LiveGuest.driver()
    driver.run("follow")
    driver.send(.momentDue)
    let signs = signs(driver)
    #expect(signs.contains("*space init 1"))
    driver.send(.momentDue)
    #expect(self.signs(driver) == signs)
    #expect(driver.status == "nothing changed; the signs are those of moment 2")
  }

  @Test func anAddressThatWasGoneToIsShownAsSoonAsItIsMapped() throws {
    var driver = LiveGuest.driver()
    try driver.press("g \"600000\" Enter")
    #expect(driver.row?.entryKind == .absent)
    try driver.press("r")
    #expect(driver.row?.entryKind == .leaf)
    #expect(driver.row?.virtual == VirtualAddress(0x60_0000))
    #expect(driver.path == "init 1 > PML4[0] > PDPT[0] > PD[3] > PT[0]")
    try driver.press("j r")
    #expect(driver.row?.virtual != VirtualAddress(0x60_0000))
  }

  @Test func aMachineThatWentAwayLeavesTheLastMoment() throws {
    var driver = LiveGuest.changed()
    driver.nextMoment = nil
    let rows = driver.rows
    try driver.press("r")
    #expect(driver.rows == rows)
    #expect(driver.explorer.problem?.contains("the last moment stays") == true)
    #expect(!driver.explorer.isBusy)
  }

  @Test func aDumpSaysThatNothingChangesInIt() throws {
    var driver = ExplorerDriver()
    for keys in ["r", "D", ":watch\n", ":follow\n", ":stop\n", ":continue\n"] {
      try driver.press(keys)
      #expect(driver.work.filter { $0 != .bell }.isEmpty)
      #expect(driver.status.contains("no running machine"), "\(keys)")
    }
  }

  @Test func whatCannotBeStoppedSaysThatAMomentMayBeTorn() throws {
    let driver = LiveGuest.driver(width: 120, canStop: false)
    #expect(driver.lines[0].contains("may be torn"))
    var other = driver
    try other.press(":stop\n")
    #expect(other.status.contains("cannot stop"))
  }
}
