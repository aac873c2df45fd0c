import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// Four processes that look alike by their addresses, and differ in their tables:
///
/// | process | lower half | kernel's half |
/// |---|---|---|
/// | `one` | a PT: 5ff000 to 600fff writable and executable, 402000 read-only | ffffc000_00000000: frame 200000 |
/// | `two` | the same PDPT | the same PDPT |
/// | `three` | tables of its own: 5ff000 and 600000 not executable | tables of its own: frame 700000 |
/// | `four` | tables of its own above the PD of `one`, read-only at the PDPT | nothing |
///
/// `one` maps frame 200000 at 5ff000, so the kernel's page is a mirror; `four` maps it at 10_00000000, too.
private enum AlikeGuest {
  static let kernel: UInt64 = 0xffff_c000_0000_0000
  private static let noExecute: UInt64 = 1 << 63

  static let built: (memory: TableMemory, spaces: [FoundSpace]) = {
    let scheme = X86.paging4Level()
    var memory = TableMemory(firstTable: 0x10_0000)
    let spaces = ["one", "two", "three", "four"].map { memory.makeSpace($0, scheme: scheme) }
    let (one, two, three, four) = (spaces[0], spaces[1], spaces[2], spaces[3])
    memory.map(0x5f_f000, to: 0x20_0000, in: one)
    memory.map(0x60_0000, to: 0x20_1000, in: one)
    memory.map(0x40_2000, to: 0x30_0000, in: one, flags: noExecute | 5)
    memory.map(kernel, to: 0x20_0000, in: one, flags: noExecute | 0x163, tableFlags: 3)
    for slot in [0, 384] {
      memory.set(
        table: two.root.value, slot: slot, to: memory.entry(table: one.root.value, slot: slot) ?? 0)
    }
    memory.map(0x5f_f000, to: 0x50_0000, in: three, flags: noExecute | 7)
    memory.map(0x60_0000, to: 0x50_1000, in: three, flags: noExecute | 7)
    memory.map(kernel, to: 0x70_0000, in: three, flags: noExecute | 0x163, tableFlags: 3)
    memory.map(0x10_0000_0000, to: 0x20_0000, in: four, flags: noExecute | 7)
    let below = (memory.entry(table: one.root.value, slot: 0) ?? 0) & 0xF_FFFF_FFFF_F000
    let directory = (memory.entry(table: below, slot: 0) ?? 0) & 0xF_FFFF_FFFF_F000
    let ours = (memory.entry(table: four.root.value, slot: 0) ?? 0) & 0xF_FFFF_FFFF_F000
    memory.set(table: ours, slot: 0, to: directory | 5)
    memory.addDumped(0x20_0000, 0xC0_0000)
    memory.addPhysical(0x10_0000, 0x1000_0000)
    return (memory, spaces.map { FoundSpace(space: $0, origin: .scan) })
  }()
}

@Suite("Badges belong to the tables that a space reaches")
struct BadgePlaceTests {
  private var driver = ExplorerDriver(
    memory: AlikeGuest.built.memory, spaces: AlikeGuest.built.spaces, width: 120, height: 40)

  /// The badges of the row at an address of a process, so many tables above the page.
  private mutating func badges(_ process: Int, _ address: UInt64, above: Int = 0) throws -> [String] {
    driver.explorer.go(to: VirtualAddress(address), inSpace: process)
    for _ in 0..<above { try driver.press("u") }
    let row = try #require(driver.row)
    let space = driver.explorer.tree.spaces[Int(row.space)]
    return driver.explorer.badges(of: row, space, .ascii).map(\.text)
  }

  @Test("A finding that two spaces share is shown in both, at the page and at every table above it")
  mutating func shared() throws {
    for process in [0, 1] {
      for above in 0...3 {
        let found = try badges(process, 0x5f_f000, above: above)
        #expect(found.contains("!"), "process \(process), \(above) above: \(found)")
      }
    }
  }

  @Test("A finding that goes on in the next table is shown there, too")
  mutating func twoTables() throws {
    #expect(driver.explorer.index?.findings.map(\.length) == [0x2000])
    #expect(try badges(0, 0x60_0000).contains("!"))
    #expect(try badges(1, 0x60_0000, above: 1).contains("!"))
  }

  @Test("A row that leads to a mirror knows where in it that is, on either side")
  mutating func address() throws {
    driver.explorer.go(to: VirtualAddress(0x5f_f000), inSpace: 0)
    for _ in 0..<3 { try driver.press("u") }
    let user = try #require(driver.row)
    let all = VirtualAddress(user.virtual.value + (1 << 39) - 1)
    #expect(driver.explorer.firstParticularAddress(in: user, through: all)?.value == 0x5f_f000)
    driver.explorer.go(to: VirtualAddress(AlikeGuest.kernel), inSpace: 0)
    for _ in 0..<3 { try driver.press("u") }
    let row = try #require(driver.row)
    let last = VirtualAddress(row.virtual.value + (1 << 39) - 1)
    #expect(driver.explorer.firstParticularAddress(in: row, through: last)?.value == AlikeGuest.kernel)
  }

  @Test("A space that has tables of its own at the same address has none of it", arguments: 0...3)
  mutating func others(_ above: Int) throws {
    #expect(try !badges(2, 0x5f_f000, above: above).contains("!"))
    #expect(try !badges(2, 0x60_0000, above: above).contains("!"))
  }

  @Test("A page beside the one with the finding has none, and no mirror")
  mutating func beside() throws {
    #expect(try badges(0, 0x40_2000) == [])
  }

  @Test("A right that the row's own path takes away is no finding there", arguments: 0...2)
  mutating func rights(_ above: Int) throws {
    #expect(try !badges(3, 0x5f_f000, above: above).contains("!"))
  }

  @Test("A mirror is shown in the spaces that reach its entry, and in no other at the same address")
  mutating func mirrors() throws {
    for above in 0...3 {
      #expect(try badges(0, AlikeGuest.kernel, above: above).contains { $0.hasPrefix("<~") })
      #expect(try badges(1, AlikeGuest.kernel, above: above).contains { $0.hasPrefix("<~") })
      #expect(try !badges(2, AlikeGuest.kernel, above: above).contains { $0.hasPrefix("<~") })
    }
  }

  @Test("Every user page of a mirrored frame says so, whoever maps it, and no other does")
  mutating func mirrored() throws {
    for (process, address) in [(0, 0x5f_f000), (1, 0x5f_f000), (3, 0x5f_f000), (3, 0x10_0000_0000)] {
      #expect(try badges(process, UInt64(address)).contains { $0.hasPrefix("~>") })
    }
    #expect(try !badges(0, 0x60_0000).contains { $0.hasPrefix("~>") })
    #expect(try !badges(2, 0x5f_f000).contains { $0.hasPrefix("~>") })
  }

  @Test("The map of a space shows its own mirrors only")
  mutating func map() throws {
    func sign(_ process: Int) throws -> String? {
      driver.explorer.go(to: VirtualAddress(AlikeGuest.kernel), inSpace: process)
      try driver.press("V")
      let map = try #require(driver.explorer.map)
      let row = map.rows.row(at: map.cursor)
      var contents = driver.explorer.mapContents(map, spaceNumber: process)
      let cells = driver.explorer.mapCells(map, spaceNumber: process, row: row, &contents)
      let cell = cells[Int((map.cursor - row.lowerBound) >> UInt64(map.rows.shift))]
      try driver.press("V")
      return cell.sign
    }
    #expect(try sign(0) == "~")
    #expect(try sign(2) == "k")
  }
}
