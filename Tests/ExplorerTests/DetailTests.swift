import Canvas
import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("The detail of what is selected")
struct DetailTests {
  private var driver = ExplorerDriver(width: 160)

  private mutating func show(_ address: String) throws {
    try driver.press("g \"\(address)\" Enter")
  }

  private func line(_ start: String) throws -> String {
    try #require(driver.detail.first { $0.hasPrefix(start) }, "\(driver.detail)")
  }

  /// A line of a bit: its number, its name, its value, what that means.
  private func bit(_ number: Int, _ name: String) throws -> String {
    let found = driver.detail.first { line in
      let words = line.split(separator: " ")
      return words.count > 1 && words[0] == "\(number)" && words[1].hasPrefix(name)
    }
    return try #require(found, "\(driver.detail)")
  }

  @Test("The raw value, the range and the place of an entry")
  mutating func facts() throws {
    try show("409000")
    #expect(try line("raw").hasSuffix("0x8000000000300025"))
    #expect(try line("va").hasSuffix("00000000_00409000"))
    #expect(try line("to").hasSuffix("00000000_00409fff"))
    let table = try #require(driver.row?.table.value)
    #expect(try line("entry at").hasSuffix("0x" + String(table + 9 * 8, radix: 16)))
  }

  // Intel SDM Vol. 3A, Table 4-20: P 0, R/W 1, U/S 2, PWT 3, PCD 4, A 5, D 6, PAT 7, G 8, XD 63.
  @Test(
    "Each bit of a PTE with its name, its value and what that means",
    arguments: [
      (0, "P", "1  present"), (1, "R/W", "0  read only"), (2, "U/S", "1  user"), (3, "PWT", "0"),
      (4, "PCD", "0"),
      (5, "A", "1  accessed"), (6, "D", "0"), (7, "PAT", "0"), (8, "G", "0"), (12, "address", "0x300000"),
      (63, "XD", "1  no execute"),
    ])
  mutating func bits(_ number: Int, _ name: String, _ text: String) throws {
    try show("409000")
    let line = try bit(number, name)
    #expect(line.contains(text))
  }

  // SDM Vol. 3A, Table 4-18: in a 2-MByte page the PAT bit is bit 12, bit 7 is the page size.
  @Test("A huge page has its own bits")
  mutating func hugeBits() throws {
    try show("c00000")
    #expect(try bit(7, "PS").contains("1  maps a page"))
    #expect(try bit(12, "PAT").contains("0"))
    #expect(try bit(21, "address").contains("0x600000"))
    #expect(try bit(6, "D").contains("1"))
  }

  @Test("What the path allows, and the level that takes the rest away")
  mutating func path() throws {
    try show("409000")
    #expect(driver.detail.contains { $0.contains("not writable: stopped at PT[9]") })
    #expect(driver.detail.contains { $0.contains("user at every level") })
    #expect(driver.detail.contains { $0.contains("not executable: stopped at PT[9]") })
    try show("ffff800000000000")
    let notUser = try #require(driver.detail.first { $0.contains("not user") })
    #expect(notUser.contains("PML4[256], PDPT[0], PD[0]"))
    #expect(driver.detail.contains { $0.contains("not writable: stopped at PD[0]") })
    try show("400000")
    #expect(driver.detail.contains { $0.contains("writable at every level") })
  }

  /// A 32-bit space in which every table is open to users, as small kernels make them; `leaves` are the rest.
  private func openTables(_ leaves: [UInt64]) -> ExplorerDriver {
    var memory = TableMemory()
    let space = memory.makeSpace("small", scheme: X86.paging32())
    for (page, flags) in leaves.enumerated() {
      memory.map(0xc000_0000 + UInt64(page) << 12, to: 0x50_0000, in: space, flags: flags, tableFlags: 7)
    }
    var driver = ExplorerDriver(
      memory: memory, spaces: [FoundSpace(space: space, origin: .given)], width: 160)
    driver.run("goto c0000000")
    return driver
  }

  // SDM Vol. 3A, 4.6.1: a user-mode address is one whose U/S flag is 1 in every entry that controls its translation.
  @Test(
    "A table that is open to users says whether the entries below leave them in",
    arguments: [
      ([3, 3, 3], "user so far, but no entry below"), ([7, 3, 3], "user so far, and 1 of 3 entries below"),
      ([7, 7], "user so far, and every entry below"),
    ] as [([UInt64], String)])
  func userBelow(_ leaves: [UInt64], _ text: String) throws {
    var driver = openTables(leaves)
    let isUser = leaves[0] == 7
    #expect(
      driver.detail.contains { $0.hasSuffix(isUser ? "user at every level" : "not user: stopped at PT[0]") })
    try driver.press("u")
    #expect(driver.row?.entryKind == .table)
    #expect(driver.detail.contains { $0.hasSuffix(text) }, "\(driver.detail)")
  }

  @Test("A PROT_NONE entry shows the frame that Linux keeps in it")
  mutating func protNone() throws {
    try show("40a000")
    #expect(driver.row?.entryKind == .marked)
    #expect(driver.detail.contains { $0.contains("PROT_NONE") && $0.contains("0x345000") })
    #expect(driver.detail.contains { $0.contains("Not present") })
    #expect(driver.lines.contains { $0.contains("(PROT_NONE)") && $0.contains("0x345") })
  }

  @Test("A malformed entry names the reserved bits that are set")
  mutating func malformed() throws {
    try show("800000")
    #expect(driver.detail.contains { $0.contains("reserved bits 0x2000 are set") })
    #expect(driver.lines.contains { $0.contains("malformed") })
  }

  @Test("A frame that the dump does not hold is remarked")
  mutating func notInDump() throws {
    try show("40b000")
    #expect(driver.detail.contains { $0.contains("The frame is not in the dump") })
    try show("400000")
    #expect(!driver.detail.contains { $0.contains("not in the dump") })
  }

  @Test("A recursive entry names the table that it points back at")
  mutating func recursive() throws {
    try driver.press("Enter / \"recursive\" Enter")
    #expect(driver.path == "init 1 > PML4[511]")
    #expect(driver.detail.contains { $0.contains("Recursive") && $0.contains("PML4") })
    #expect(driver.lines.contains { $0.contains("@PML4") })
  }

  @Test("A fold says how many entries it stands for")
  mutating func fold() throws {
    try show("400000")
    try driver.press("j")
    #expect(try line("fold").contains("8 entries"))
    #expect(try line("fold").contains("4K apart"))
    #expect(try line("to").hasSuffix("00000000_00408fff"))
    try driver.press("a j")
    try driver.press("G k a G")
  }

  @Test("Absent entries say so")
  mutating func absent() throws {
    try driver.press("G Enter a j j")
    #expect(driver.row?.entryKind == .absent)
    #expect(driver.detail.contains { $0.contains("255 absent entries") })
    #expect(driver.detail.contains { $0.hasPrefix("Absent") })
  }

  @Test("A space shows its root, its scheme and how it was found")
  mutating func space() throws {
    #expect(try line("root").contains("CR3"))
    #expect(try line("root").contains("0x100000"))
    #expect(try line("scheme").contains("x86-64 4-level"))
    #expect(try line("levels").contains("PML4 PDPT PD PT"))
    #expect(try line("found").contains("cpu 0"))
    #expect(try line("pid").hasSuffix("1"))
  }

  @Test("Copies under page-table isolation and stale roots say what they are")
  func oddSpaces() {
    var spaces = SmallGuest.spaces
    spaces[0].isolation = .kernelCopy(userRoot: PhysicalAddress(0x10_1000))
    spaces[1].isPossiblyStale = true
    var driver = ExplorerDriver(memory: SmallGuest.memory, spaces: spaces)
    #expect(driver.detail.contains { $0.contains("0x101000") })
    driver.press(.down)
    #expect(driver.detail.contains { $0.contains("stale") })
  }

  @Test("A space that no process uses says so, and only that")
  func unowned() {
    var spaces = SmallGuest.spaces
    spaces[1].role = .unowned
    var driver = ExplorerDriver(memory: SmallGuest.memory, spaces: spaces)
    #expect(!driver.detail.contains { $0.contains("no process uses it") })
    driver.press(.down)
    #expect(driver.detail.contains { $0.contains("no process uses it") })
  }

  @Test("Every line fits, whatever the width", arguments: [1, 5, 20, 28, 56])
  mutating func widths(_ width: Int) throws {
    for address in ["409000", "40a000", "800000", "8000000000"] {
      try show(address)
      for line in driver.explorer.detailLines(width: width) where width >= 20 {
        #expect(line.width <= width, "'\(line.text)'")
      }
    }
    #expect(driver.explorer.detailLines(width: 0).isEmpty)
  }

  @Test("Tab goes to the detail and back; there keys scroll it, and a new selection starts at its top")
  mutating func scrolling() throws {
    try show("409000")
    try driver.press("size 80x12\nTab")
    #expect(driver.screenID == .detail)
    let path = driver.path
    try driver.press("j j")
    #expect(driver.explorer.detailTop == 2)
    #expect(driver.path == path)
    try driver.press("G")
    #expect(driver.explorer.detailTop < driver.explorer.detailLines(width: 40).count)
    try driver.press("Tab k")
    #expect(driver.screenID == .tree)
    #expect(driver.explorer.detailTop == 0)
    try driver.press("Tab j Tab u")
    #expect(driver.explorer.detailTop == 0)
  }
}
