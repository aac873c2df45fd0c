import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Names that come after the spaces")
struct NamingTests {
  private var driver: ExplorerDriver

  init() {
    driver = SharingGuest.driver(width: 120)
    driver.indexesAtOnce = false
    driver.explorer = Explorer(
      memory: SharingGuest.memory, sourceName: "guest.elf", formatName: "ELF core", warnings: [])
    driver.send(.input(.resize(width: 120, height: 24)))
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
    try driver.press("S")
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
    #expect(driver.work == [.index(request: 3, SmallGuest.spaces.map(\.space), stale: [])])
  }

  @Test("A root that is stale no more is indexed again")
  mutating func stale() throws {
    var spaces = unnamed
    spaces[1].isPossiblyStale = true
    driver.find(spaces)
    driver.find(SmallGuest.spaces)
    #expect(driver.work == [.index(request: 3, SmallGuest.spaces.map(\.space), stale: [])])
  }

  @Test("Names say nothing in the status line")
  mutating func status() throws {
    try driver.press("Enter")
    driver.send(.notice(""))
    driver.find(SmallGuest.spaces)
    #expect(driver.status.isEmpty)
  }
}
