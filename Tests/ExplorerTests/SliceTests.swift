import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Work in slices: no key waits for a whole tree")
struct SliceTests {
  /// A process with 160 page tables of 256 pages each, no two of which fold: more rows than one slice reads.
  private static let guest: (memory: TableMemory, space: AddressSpace) = {
    var memory = TableMemory(firstTable: 0x10_0000)
    let space = memory.makeSpace("big", scheme: SmallGuest.scheme)
    for table in 0..<UInt64(160) {
      for page in 0..<UInt64(256) {
        let flags: UInt64 = page % 2 == 0 ? 0x67 : 1 << 63 | 0x25
        memory.map(
          table << 21 | page << 13, to: 0x4000_0000 + (table << 20 | page << 13), in: space, flags: flags)
      }
    }
    return (memory, space)
  }()

  /// With everything open.
  private static func open() throws -> ExplorerDriver {
    var driver = ExplorerDriver(
      memory: guest.memory, spaces: [FoundSpace(space: guest.space, pid: 1, origin: .cpu(0))])
    for table in 0..<160 { driver.run("goto \(String(table << 21, radix: 16))") }
    return driver
  }

  private static let opened: ExplorerDriver? = try? open()

  private var driver: ExplorerDriver

  init() throws {
    driver = try #require(Self.opened)
    driver.proceedsAtOnce = false
  }

  private mutating func finish() {
    while driver.explorer.hasSlices { driver.send(.proceed) }
  }

  @Test("A filter over many rows shows the first screen at once and asks to go on")
  mutating func filter() throws {
    #expect(driver.explorer.rowCount > 40_000)
    driver.run("filter w")
    #expect(driver.work == [.proceed])
    #expect(driver.explorer.hasSlices)
    #expect(driver.explorer.isBusy)
    #expect(driver.lines.filter { $0.contains("rwxu") }.count >= 15)
    #expect(driver.lines.first?.contains("reading tables") == true)
    finish()
    #expect(!driver.explorer.hasSlices)
    // A row for the space, three tables above, 160 page tables, and every other page.
    #expect(driver.explorer.rowCount == 1 + 2 + 160 + 160 * 128)
  }

  @Test("What comes in slices is what comes at once")
  mutating func sameRows() throws {
    var other = driver
    other.proceedsAtOnce = true
    other.run("filter !w")
    driver.run("filter !w")
    finish()
    #expect(driver.explorer.tree.rows == other.explorer.tree.rows)
    #expect(driver.path == other.path)
  }

  @Test("The selection comes back to its row when that is read, unless the person moved on")
  mutating func selection() throws {
    driver.run("goto 13e00000")
    let path = driver.path
    driver.run("filter w")
    #expect(driver.path != path)
    finish()
    #expect(driver.path == path)
    try driver.press("f Ctrl-u Enter Down")
    let moved = driver.path
    finish()
    #expect(driver.path == moved)
  }

  @Test("Opening and closing while rows still come in leaves the tree whole")
  mutating func changes() throws {
    driver.run("filter w")
    try driver.press("Home j j j Left")
    finish()
    #expect(driver.explorer.rowCount == 1 + 2 + 160 + 159 * 128)
    try driver.press("f Ctrl-u Enter Home j j j Enter")
    finish()
    #expect(
      driver.explorer.tree.rows.filter { $0.entryKind == .leaf && $0.kind == .entry }.count == 160 * 256)
  }

  @Test("A jump while rows still come in is made when they are there")
  mutating func jump() throws {
    driver.run("filter w")
    driver.run("goto 13e04000")
    finish()
    #expect(driver.row?.virtual == VirtualAddress(0x13e0_4000))
  }

  @Test("A search goes on in slices, ends at the row, and Esc stops it")
  mutating func search() throws {
    try driver.press("Home")
    driver.run("search 13e04000")
    finish()
    #expect(driver.row?.virtual == VirtualAddress(0x13e0_4000))
    try driver.press("Home")
    driver.run("search 7777777")
    #expect(driver.explorer.hasSlices)
    try driver.press("Esc")
    #expect(driver.status.contains("stopped"))
    #expect(!driver.explorer.hasSlices)
    driver.run("search 7777777")
    finish()
    #expect(driver.status.contains("no open row"))
  }

  @Test("A space that is closed and opened again comes in slices, and what follows it stays")
  mutating func reopening() throws {
    let memory = Self.guest.memory
    let spaces = ["one", "two"].map {
      FoundSpace(
        space: AddressSpace(name: $0, root: Self.guest.space.root, scheme: SmallGuest.scheme), origin: .scan)
    }
    var driver = ExplorerDriver(memory: memory, spaces: spaces)
    for table in 0..<160 { driver.run("goto \(String(table << 21, radix: 16))") }
    try driver.press("Home Left")
    #expect(driver.rows == ["space one", "space two"])
    driver.proceedsAtOnce = false
    try driver.press("Enter")
    #expect(driver.explorer.hasSlices)
    while driver.explorer.hasSlices { driver.send(.proceed) }
    #expect(driver.explorer.rowCount == 2 + 2 + 160 + 160 * 256)
    #expect(driver.rows.last == "space two")
  }
}
