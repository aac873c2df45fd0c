import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

@Suite("Rights that are not one for both privileges")
struct RightsTests {
  /// A space of the invented scheme: bit 0 read, 1 write, 2 the supervisor executes, 3 user, 4 the user executes.
  /// 0x1000 supervisor rwx, user rw-; 0x2000 both rw-; 0x3000 supervisor rw-, user rwx; 0x4000 the supervisor's alone;
  /// 0x5000 both rwx; 0x1_1000 the same as 0x5000, below a table that takes the user's execution.
  private static func driver(_ scheme: PagingScheme, width: Int = 120) -> ExplorerDriver {
    var memory = TableMemory()
    let space = memory.makeSpace("split", scheme: scheme)
    for (page, flags) in [0xf, 0xb, 0x1b, 0x7, 0x1f].enumerated() as EnumeratedSequence<[UInt64]> {
      let address = UInt64(page + 1) << 12
      memory.map(address, to: 0x5_0000 + address, in: space, flags: flags, tableFlags: 0x1f)
    }
    memory.map(0x1_1000, to: 0x5_0000, in: space, flags: 0x1f, tableFlags: 0xf)
    var driver = ExplorerDriver(
      memory: memory, spaces: [FoundSpace(space: space, origin: .given)], width: width)
    driver.show("1000")
    return driver
  }

  private static func split(width: Int = 120) -> ExplorerDriver {
    driver(InventedScheme.splitRights.scheme(levels: 2), width: width)
  }

  private func line(_ driver: ExplorerDriver, _ frame: String) throws -> String {
    String(try #require(driver.lines.dropFirst(2).first { $0.contains(frame) }, "\(driver.screen)"))
  }

  @Test("The tree shows what each may, in a wider column")
  func tree() throws {
    let driver = Self.split()
    #expect(try line(driver, "0x51000 ").contains(" rwx/rw- "))
    #expect(try line(driver, "0x52000 ").contains(" rw-u "))
    #expect(try line(driver, "0x53000 ").contains(" rw-/rwx "))
    #expect(try line(driver, "0x54000 ").contains(" rwx- "))
    // The columns behind it stand where their titles do.
    let title = try line(driver, "maps to")
    let narrow = try line(Self.driver(InventedScheme.contiguousLeaves.scheme(levels: 2)), "maps to")
    #expect(title.contains("access    a d g") && narrow.contains("access a d g"))
  }

  @Test("Whatever is writable and executable for one of them has the badge of a finding")
  func badges() throws {
    let driver = Self.split()
    let index = try #require(driver.explorer.index)
    let space = driver.explorer.tree.spaces[0]
    let found = driver.explorer.tree.rows.filter { $0.isEntry && index.hasFinding($0, in: space.scheme) }
    #expect(found.map(\.virtual.value) == [0, 0x1000, 0x3000, 0x4000, 0x5000, 0x1_0000])
    #expect(driver.explorer.tree.rows.filter(\.isEntry).count == 7)
  }

  @Test("The list of findings shows the rights that made them")
  func findings() throws {
    var driver = Self.split(width: 160)
    driver.run("findings")
    driver.press(.enter)
    let rows = driver.lines.filter { $0.contains("writable-executable") }
    for letters in [["rwx/rw-"], ["rw-/rwx", "rwx-", "rwxu"]] {
      #expect(rows.contains { $0.contains(letters.joined(separator: ", ")) }, "\(driver.screen)")
    }
  }

  @Test(
    "The detail says by whom, where they differ",
    arguments: [
      (
        "1000",
        [
          "path  writable at every level", "path  user at every level",
          "path  supervisor: executable at every level", "path  user: not executable: stopped at T0[1]",
        ]
      ),
      (
        "2000",
        [
          "path  writable at every level", "path  user at every level",
          "path  not executable: stopped at T0[2]",
        ]
      ),
      (
        "3000",
        [
          "path  writable at every level", "path  user at every level",
          "path  supervisor: not executable: stopped at T0[3]", "path  user: executable at every level",
        ]
      ),
      (
        "4000",
        [
          "path  writable at every level", "path  not user: stopped at T0[4]",
          "path  executable at every level",
        ]
      ),
      (
        "11000",
        [
          "path  writable at every level", "path  user at every level",
          "path  supervisor: executable at every level", "path  user: not executable: stopped at T1[1]",
        ]
      ),
    ])
  func detail(_ address: String, _ lines: [String]) throws {
    var driver = Self.split()
    driver.show(address)
    #expect(driver.detail.filter { $0.hasPrefix("path") } == lines)
  }

  @Test(
    "A filter lets pass what either may",
    arguments: [
      ("x", [0x1000, 0x3000, 0x4000, 0x5000]), ("!x", [0x2000]),
      ("w", [0x1000, 0x2000, 0x3000, 0x4000, 0x5000]),
      ("!w", []), ("wx", [0x1000, 0x3000, 0x4000, 0x5000]), ("s", [0x4000]),
    ] as [(String, [UInt64])])
  func filter(_ words: String, _ pages: [UInt64]) {
    var driver = Self.split()
    driver.explorer.tree.setFilter(TreeFilter(words))
    let leaves = driver.explorer.tree.rows.filter { $0.isEntry && $0.entryKind == .leaf }
    #expect(leaves.map(\.virtual.value) == pages)
  }
}

extension ExplorerDriver {
  fileprivate mutating func show(_ address: String) { run("go \(address)") }
}
