import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The list of huge pages")
struct HugePagesTests {
  private static let scheme = SmallGuest.scheme
  private static let kernel: UInt64 = 0xffff_8880_0000_0000

  /// Two processes over one kernel half: a direct map of `gigabytes` in 2 MiB pages, which goes on from table to
  /// table, one of its pages read-only, and a page of 1 GiB; each has two huge pages of its own.
  private static func guest(gigabytes: UInt64 = 3) -> (memory: TableMemory, spaces: [FoundSpace]) {
    var memory = TableMemory(firstTable: 0x10_0000)
    let first = memory.makeSpace("first", scheme: scheme)
    let second = memory.makeSpace("second", scheme: scheme)
    for page in 0..<gigabytes * 512 {
      memory.map(
        kernel + page << 21, to: page << 21, in: first, level: 2,
        flags: page == 1000 ? 1 << 63 | 0x1e1 : 1 << 63 | 0x1e3, tableFlags: 3)
    }
    memory.map(kernel + 64 << 30, to: 64 << 30, in: first, level: 1, flags: 1 << 63 | 0x1e3, tableFlags: 3)
    let half = Int(kernel >> 39) & 511
    let entry = memory.entry(table: first.root.value, slot: half) ?? 0
    memory.set(table: second.root.value, slot: half, to: entry)
    for (number, space) in [first, second].enumerated() {
      let frame = 0x8000_0000 + UInt64(number) << 24
      memory.map(0x4000_0000, to: frame, in: space, level: 2, flags: 0xe7)
      // Follows in virtual addresses alone.
      memory.map(0x4020_0000, to: frame + 0x80_0000, in: space, level: 2, flags: 0xe7)
      memory.map(0x5000_0000, to: 0x1000, in: space)
    }
    memory.addPhysical(0, 128 << 30)
    return (
      memory,
      [
        FoundSpace(space: first, pid: 1, origin: .cpu(0)), FoundSpace(space: second, pid: 2, origin: .cpu(1)),
      ]
    )
  }

  private static func driver() -> ExplorerDriver {
    let guest = guest()
    return ExplorerDriver(memory: guest.memory, spaces: guest.spaces, width: 120, height: 40)
  }

  private var driver = HugePagesTests.driver()

  /// The cells of the rows on the screen.
  private var rows: [[String]] {
    let list = driver.explorer.list(.hugePages)
    return list.order.map { row in list.content.columns.map { $0.shown(row) } }
  }

  /// The same, a text a row.
  private var texts: [String] { rows.map { $0.filter { !$0.isEmpty }.joined(separator: " ") } }

  @Test("What follows in both addresses is one row, from table to table; what all spaces share is told once")
  mutating func runs() throws {
    try driver.press("H")
    #expect(driver.screenID == .hugePages)
    let expected = [
      "00000000_40000000 first 1 2M 1 rwxu 0x80000000",
      "00000000_40200000 first 1 2M 1 rwxu 0x80800000",
      "ffff8880_00000000 first 1 2M 1000 rw-- 0x0 direct map",
      "ffff8880_7d000000 first 1 2M 1 r--- 0x7d000000 direct map",
      "ffff8880_7d200000 first 1 2M 535 rw-- 0x7d200000 direct map",
      "ffff8890_00000000 first 1 1G 1 rw-- 0x1000000000 direct map",
      "00000000_40000000 second 2 2M 1 rwxu 0x81000000",
      "00000000_40200000 second 2 2M 1 rwxu 0x81800000",
    ]
    #expect(texts == expected)
    #expect(driver.lines[1].contains("huge pages   8"))
  }

  @Test("Enter goes to the row of the tree, x says who else maps it, d shows the frame, Esc comes back")
  mutating func keys() throws {
    try driver.press("H G k k Enter")
    #expect(driver.screenID == .tree)
    #expect(driver.path == "first 1 > PML4[273] > PDPT[64]")
    try driver.press("H x")
    #expect(driver.lines[1].contains("who maps 0x1000000000:"))
    try driver.press("Esc d")
    #expect(driver.explorer.frame?.address == PhysicalAddress(0x10_0000_0000))
    try driver.press("Esc")
    #expect(driver.screenID == .hugePages)
    try driver.press("H")
    #expect(driver.screenID == .tree)
  }

  @Test("It is sorted and filtered as all lists are")
  mutating func sorting() throws {
    try driver.press("H")
    driver.run("sort pages")
    driver.run("sort pages")
    #expect(rows.first?[3] == "1000")
    driver.run("filter holds:direct size:2m rights:w")
    #expect(rows.map { $0[3] } == ["1000", "535"])
    driver.run("filter nothing")
    #expect(driver.lines.contains { $0.contains("no row passes the filter") })
  }

  @Test("Where there is none it says so")
  func none() throws {
    var memory = TableMemory(firstTable: 0x10_0000)
    let space = memory.makeSpace("small", scheme: Self.scheme)
    memory.map(0x40_0000, to: 0x20_0000, in: space)
    var driver = ExplorerDriver(memory: memory, spaces: [FoundSpace(space: space, origin: .scan)])
    try driver.press("H")
    #expect(driver.lines.contains { $0.contains("no space maps a huge page") })
    driver.find([])
    try driver.press("Esc H")
    #expect(driver.work == [.bell])
    #expect(driver.status == "there is no space")
  }

  @Test("It needs no index; which pages are the direct map is said when that is there")
  func beforeIndex() throws {
    let guest = Self.guest()
    var driver = ExplorerDriver(memory: guest.memory, spaces: [], width: 120, height: 40)
    driver.indexesAtOnce = false
    driver.find(guest.spaces)
    try driver.press("H")
    #expect(driver.explorer.list(.hugePages).shown.count == 8)
    #expect(!driver.screen.contains("direct map"))
    let spaces = guest.spaces.map(\.space)
    let index = try #require(ExplorerIndex(spaces, memory: driver.explorer.memory))
    try driver.press("j j")
    driver.send(.indexed(request: driver.explorer.indexing.number, index))
    #expect(driver.screen.contains("direct map"))
    #expect(driver.explorer.list(.hugePages).selectedRow == 2)
  }

  @Test("Other spaces make it anew, and so does what is written here")
  mutating func changes() throws {
    try driver.press("H")
    let guest = Self.guest()
    driver.find([guest.spaces[1]])
    #expect(Set(rows.map { $0[1] }) == ["second 2"])
    #expect(rows.count == 6)
    var small = SharingGuest.driver()
    try small.press("H Esc g \"400000\" Enter")
    let before = small.explorer.hugePages?.rows
    small.run("mirror")
    #expect(small.explorer.hugePages?.rows == before)
    #expect(small.explorer.hugePages?.isDone == true)
  }

  @Test("What the guest calls the pages is asked for the spaces on the screen, and said when it is known")
  func names() throws {
    var driver = ExplorerDriver(
      memory: NamedGuest.image.memory, spaces: [], width: 120, height: 40)
    driver.indexesAtOnce = false
    driver.find(NamedGuest.spaces.spaces)
    try driver.press("H j")
    #expect(driver.explorer.list(.hugePages).shown.count == 2)
    #expect(!driver.screen.contains("direct map"))
    driver.tell()
    // All that this guest knows of its kernel's memory.
    #expect(driver.lines.filter { $0.hasSuffix("direct map") }.count == 1)
    #expect(driver.explorer.list(.hugePages).selectedRow == 1)
    driver.run("filter holds:direct")
    #expect(driver.explorer.list(.hugePages).order == [1])
  }

  @Test("Tables that point back at themselves and at each other end it, and rows have a limit")
  func hostile() throws {
    var memory = TableMemory(firstTable: 0x10_0000)
    let space = memory.makeSpace("hostile", scheme: Self.scheme)
    let tables = (0..<8).map { _ in memory.makeTable() }
    for slot in 0..<512 {
      memory.set(table: space.root.value, slot: slot, to: tables[slot % 8] | 7)
      for (number, table) in tables.enumerated() {
        // A leaf where a leaf may stand, else a table: no two of them follow each other.
        let leaf = UInt64(slot * 8 + number) << 31 | 0xe7
        memory.set(table: table, slot: slot, to: slot % 3 == 0 ? leaf : tables[(slot + number) % 8] | 7)
      }
    }
    memory.addPhysical(0, 1 << 46)
    let spaces = TreeSpace.all([FoundSpace(space: space, origin: .scan)])
    var search = HugePageSearch(spaces, memory)
    var slices = 0
    while !search.isDone, slices < 1000 {
      search.proceed(entries: 1000)
      slices += 1
    }
    #expect(search.isDone)
    #expect(!search.isCut)
    #expect(slices > 3)
    var cut = HugePageSearch(spaces, memory, limit: 10)
    while !cut.isDone { cut.proceed() }
    #expect(cut.isCut)
    #expect(cut.rows.count == 10)
    #expect(cut.rows == Array(search.rows.prefix(10)))
  }

  @Test("A search in slices finds what one in one piece does, and no key waits for it")
  mutating func slices() throws {
    let guest = Self.guest(gigabytes: 8)
    let spaces = TreeSpace.all(guest.spaces)
    var whole = HugePageSearch(spaces, guest.memory)
    whole.proceed(entries: .max)
    #expect(whole.isDone)
    let pages = whole.rows.reduce(0) { $0 + $1.pages }
    #expect(pages == 8 * 512 + 1 + 4)
    for entries in [1, 77, 5000] {
      var sliced = HugePageSearch(spaces, guest.memory)
      while !sliced.isDone { sliced.proceed(entries: entries) }
      #expect(sliced.rows == whole.rows)
    }
    // Tables whose entries do not fold fill several slices.
    var memory = guest.memory
    let space = guest.spaces[0].space
    for page in 0..<UInt64(64 * 512) {
      memory.map(page << 22, to: page << 21, in: space, level: 2, flags: 0xe7)
    }
    driver = ExplorerDriver(memory: memory, spaces: guest.spaces)
    driver.proceedsAtOnce = false
    try driver.press("H")
    #expect(driver.work == [.proceed])
    #expect(driver.explorer.hasSlices)
    #expect(driver.lines.contains { $0.contains("the list fills in automatically") })
    try driver.press("Esc j")
    #expect(driver.path == "second 2")
    while driver.explorer.hasSlices { driver.send(.proceed) }
    try driver.press("H")
    #expect(driver.explorer.list(.hugePages).shown.count > 32 * 512)
  }
}
