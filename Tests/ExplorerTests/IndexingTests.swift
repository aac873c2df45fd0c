import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Indexing behind what the person does")
struct IndexingTests {
  private var driver: ExplorerDriver

  init() {
    driver = SharingGuest.driverBeforeSpaces()
    driver.find(SmallGuest.spaces)
  }

  private func makeIndex() throws -> ExplorerIndex {
    try #require(ExplorerIndex(SmallGuest.spaces.map(\.space), memory: SharingGuest.memory))
  }

  @Test("Marks that become known with the guest are shown, and the index stays")
  mutating func marksComeLater() throws {
    var plain = FoundSpaces()
    plain.spaces = SmallGuest.spaces.map { found in
      var found = found
      found.space.scheme = X86.paging4Level()
      return found
    }
    var marked = FoundSpaces()
    marked.spaces = SmallGuest.spaces
    var driver = ExplorerDriver(memory: SmallGuest.memory, spaces: plain.spaces)
    try driver.press(":goto 40a000")
    #expect(driver.screen.contains("marked 0x"))
    driver.indexesAtOnce = false
    driver.send(.spacesFound(marked, isComplete: true))
    #expect(driver.screen.contains("(PROT_NONE)"))
    #expect(driver.work.isEmpty)
    #expect(driver.explorer.index != nil)
  }

  @Test("The title shows how far it is, keys work meanwhile, and views say that they wait")
  mutating func waiting() throws {
    #expect(
      driver.work == [.index(request: 1, SmallGuest.spaces.map(\.space), SpaceCensus(SmallGuest.spaces))])
    driver.send(.indexProgress(request: 1, 0.62))
    #expect(driver.lines.first?.contains("indexing 62 %") == true)
    try driver.press("Enter j")
    #expect(driver.path == "init 1 > PML4[0]")
    try driver.press("S")
    #expect(driver.screen.contains("being indexed"))
    driver.send(.indexed(request: 1, try makeIndex()))
    #expect(!driver.screen.contains("being indexed"))
    #expect(driver.explorer.list(.shared).shown.count > 0)
    #expect(driver.lines.first?.contains("shared") == true)
  }

  @Test("Aliases have to wait, and say so")
  mutating func aliases() throws {
    try driver.press("x")
    #expect(driver.work == [.bell])
    #expect(driver.status.contains("being indexed"))
  }

  @Test("Esc stops it, and :index starts it again under another number")
  mutating func cancelling() throws {
    try driver.press("Esc")
    #expect(driver.work == [.cancelIndex])
    #expect(!driver.explorer.isBusy)
    #expect(driver.lines.first?.contains("not indexed") == true)
    driver.send(.indexed(request: 1, try makeIndex()))
    #expect(driver.explorer.index == nil, "an answer that nobody waits for is passed over")
    driver.run("index")
    #expect(
      driver.work == [.index(request: 2, SmallGuest.spaces.map(\.space), SpaceCensus(SmallGuest.spaces))])
    driver.send(.indexed(request: 2, try makeIndex()))
    #expect(driver.explorer.index != nil)
  }

  @Test("Ctrl-C leaves although spaces are being indexed: nobody asked for that")
  mutating func interrupt() {
    driver.send(.input(.interrupt))
    #expect(driver.work == [.quit(status: 0)])
  }

  @Test("An open list of aliases that lost its index fills in again with the next")
  mutating func aliasesAgain() throws {
    driver.send(.indexed(request: 1, try makeIndex()))
    try driver.press("g \"400000\" Enter x")
    let title = driver.lines[1]
    #expect(title.contains("who maps 0x200000"))
    driver.find([SmallGuest.spaces[1], SmallGuest.spaces[0]])
    #expect(driver.screen.contains("being indexed"))
    let index = try #require(
      ExplorerIndex(SmallGuest.spaces.reversed().map(\.space), memory: SharingGuest.memory))
    driver.send(.indexed(request: 2, index))
    #expect(driver.lines[1] == title)
    #expect(driver.explorer.list(.aliases).shown.count == 3)
  }

  @Test("References that are too many to keep are cut, and the list says so")
  mutating func manyReferences() throws {
    let spaces = SmallGuest.spaces.map(\.space)
    let all = try #require(ExplorerIndex(spaces, memory: SharingGuest.memory))
    #expect(all.hasAllReferences)
    let exact = try #require(
      ExplorerIndex(spaces, memory: SharingGuest.memory, referenceLimit: all.references.count))
    #expect(exact.hasAllReferences)
    let cut = try #require(
      ExplorerIndex(spaces, memory: SharingGuest.memory, referenceLimit: all.references.count - 1))
    #expect(!cut.hasAllReferences)
    #expect(cut.references.count == all.references.count - 1)
    driver.send(.indexed(request: 1, cut))
    try driver.press("S")
    #expect(driver.lines[1].hasSuffix("(too many; only the first are listed)"))
  }

  @Test("New spaces make the index void")
  mutating func newSpaces() throws {
    driver.send(.indexed(request: 1, try makeIndex()))
    driver.find([SmallGuest.spaces[1]])
    #expect(driver.explorer.index == nil)
    #expect(
      driver.work == [.index(request: 2, [SmallGuest.spaces[1].space], SpaceCensus([SmallGuest.spaces[1]]))])
  }
}
