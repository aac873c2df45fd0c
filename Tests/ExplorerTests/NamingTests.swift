import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Names that come after the spaces")
struct NamingTests {
  private var driver: ExplorerDriver

  init() {
    driver = SharingGuest.driverBeforeSpaces()
    driver.explorer.scanStarted()
    driver.find(unnamed)
  }

  private var unnamed: [FoundSpace] {
    SmallGuest.spaces.map { space in
      var space = space
      space.space.name = AddressText.hex(space.space.root.value)
      space.pid = nil
      return space
    }
  }

  private var index: ExplorerIndex {
    get throws {
      try #require(ExplorerIndex(unnamed.map(\.space), memory: SharingGuest.memory))
    }
  }

  @Test("The selection and what is open stay, and rows have the names")
  mutating func selection() throws {
    try driver.press("Enter j")
    #expect(driver.path == "0x100000 > PML4[0]")
    let rows = driver.rows.count
    driver.find(SmallGuest.spaces)
    #expect(driver.path == "init 1 > PML4[0]")
    #expect(driver.rows.count == rows)
    #expect(driver.rows.first == "space init 1")
  }

  @Test("The index that is being made goes on")
  mutating func indexing() throws {
    driver.find(SmallGuest.spaces)
    #expect(driver.work.isEmpty)
    driver.send(.indexed(request: 1, try index))
    #expect(driver.explorer.index != nil)
  }

  @Test("The index that is made stays, and its lists have the names")
  mutating func lists() throws {
    driver.send(.indexed(request: 1, try index))
    try driver.press("S Enter")
    #expect(!driver.screen.contains("init 1"))
    driver.find(SmallGuest.spaces)
    #expect(driver.work.isEmpty && driver.explorer.index != nil)
    #expect(driver.screen.contains("init 1"))
  }

  @Test("A space that only its name led to is indexed with the others")
  mutating func added() throws {
    driver.find([unnamed[0]])
    driver.send(
      .indexed(request: 2, try #require(ExplorerIndex([unnamed[0].space], memory: SharingGuest.memory))))
    driver.find(SmallGuest.spaces)
    #expect(
      driver.work == [.index(request: 3, SmallGuest.spaces.map(\.space), SpaceCensus(SmallGuest.spaces))])
  }

  @Test("A root that is stale no more is indexed again")
  mutating func stale() throws {
    var spaces = unnamed
    spaces[1].isPossiblyStale = true
    driver.find(spaces)
    driver.find(SmallGuest.spaces)
    #expect(
      driver.work == [.index(request: 3, SmallGuest.spaces.map(\.space), SpaceCensus(SmallGuest.spaces))])
  }

  @Test("Names say nothing in the status line")
  mutating func status() throws {
    try driver.press("Enter")
    driver.send(.notice(""))
    driver.find(SmallGuest.spaces)
    #expect(driver.status.isEmpty)
  }

  @Test("The groups of aliases that are open stay open, and the selection on its row")
  mutating func aliases() throws {
    driver.send(.indexed(request: 1, try index))
    try openGroup()
    try driver.press("j")
    let (shown, selected) = (driver.explorer.list?.shown.count, driver.explorer.list?.selectedRow)
    #expect(driver.explorer.aliasPane?.rows.contains { $0.isMember } == true)
    driver.find(SmallGuest.spaces)
    #expect(driver.explorer.list?.shown.count == shown)
    #expect(driver.explorer.list?.selectedRow == selected)
    #expect(driver.screen.contains("shell 2"))
  }

  /// Opens the first group that has something in it.
  private mutating func openGroup() throws {
    try driver.press("Enter g \"ffffc00000000000\" Enter x")
    let pane = try #require(driver.explorer.aliasPane)
    let group = try #require(pane.rows.indices.first { pane.isOpenable($0) })
    try driver.press(String(repeating: "j ", count: group) + "Space")
  }

  @Test("So they do when the spaces come in another order, and are indexed again")
  mutating func aliasesOfOtherPlaces() throws {
    driver.send(.indexed(request: 1, try index))
    try openGroup()
    let shown = driver.explorer.list?.shown.count
    driver.indexesAtOnce = true
    driver.find(SmallGuest.spaces.reversed())
    #expect(driver.explorer.list?.shown.count == shown)
  }

  @Test("Names that come after the search was given up are indexed, too")
  mutating func afterCancelling() throws {
    driver.explorer.scanStarted()
    driver.send(.scanCancelled)
    driver.find(SmallGuest.spaces + [SmallGuest.spaces[0]], isComplete: false)
    #expect(driver.work.count == 1)
    guard case .index? = driver.work.first else {
      Issue.record("\(driver.work)")
      return
    }
  }
}
