import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// Runs of entries with Arm's Contiguous bit (Arm ARM, D8.7): 16 pages of 4 KiB.
@Suite("Contiguous runs in the tree and the detail")
struct ContiguousRunTests {
  private static let scheme = AArch64.paging(.kib4)
  /// A page descriptor for EL1 with AF, never executed at EL0, and the Contiguous bit (D8.3.2).
  private static let page: UInt64 = 1 << 54 | 0x703
  private static let hint: UInt64 = 1 << 52

  /// 48 pages from 210000 on, of which the first 48 make three runs; then a run that lacks an entry.
  private static func driver(width: Int = 160) throws -> ExplorerDriver {
    var memory = TableMemory()
    let space = memory.makeSpace("kernel", scheme: scheme)
    for number in 0..<UInt64(48) {
      memory.map(
        0x21_0000 + number << 12, to: 0x4021_0000 + number << 12, in: space, flags: page | hint, tableFlags: 3
      )
    }
    for number in 0..<UInt64(16) {
      memory.map(
        0x28_0000 + number << 12, to: 0x4028_0000 + number << 12, in: space,
        flags: number == 3 ? page : page | hint, tableFlags: 3)
    }
    memory.addPhysical(0, 2 << 30)
    var driver = ExplorerDriver(
      memory: memory, spaces: [FoundSpace(space: space, origin: .given)], width: width, height: 40)
    driver.run("goto 280004")
    return driver
  }

  private func line(_ driver: ExplorerDriver, _ text: String) throws -> String {
    String(try #require(driver.lines.first { $0.contains(text) }, "\(driver.screen)"))
  }

  @Test("A whole run is one row, and those that follow it are a fold of runs")
  func rows() throws {
    let driver = try Self.driver()
    #expect(driver.rows.filter { $0.hasPrefix("L3") }.prefix(2) == ["L3[16] run x16", "L3[32] x32"])
    #expect(try line(driver, "0x40210000 ").contains("# contiguous 64K"))
    #expect(try line(driver, "0x40220000 ").contains("# contiguous 2 x 64K"))
  }

  @Test("The fold opens to runs, and a run to its entries")
  func opening() throws {
    var driver = try Self.driver()
    driver.run("goto 235000")
    #expect(driver.path.hasSuffix("L3[53]"))
    let rows = driver.rows.filter { $0.hasPrefix("L3") }
    #expect(rows[1...4] == ["L3[32] x32", "L3[32] run x16", "L3[48] run x16", "L3[48]"])
  }

  @Test("An entry of a run tells its start and length")
  func detail() throws {
    var driver = try Self.driver()
    driver.run("goto 235000")
    #expect(driver.detail.contains("run      contiguous, 16 x 4K = 64K"))
    #expect(driver.detail.contains("run from 00000000_00230000"))
  }

  @Test("A run that lacks an entry folds as other entries do, and the detail says so")
  func incompleteRun() throws {
    let driver = try Self.driver()
    #expect(driver.rows.contains("L3[132] x12") == false)
    #expect(driver.path.hasSuffix("L3[128]"))
    #expect(driver.detail.contains("run      of 16 entries, but not whole: 15 of 16 say so"))
  }

  @Test("What the leaf alone keeps from EL0 is said with the name of its bit")
  func bitOfTheLeaf() throws {
    let driver = try Self.driver()
    #expect(driver.detail.contains("path  user: not executable: stopped by UXN of L3[128]"))
    #expect(driver.detail.contains("path  supervisor: executable at every level"))
  }

  /// DBM (bit 51) set, and AP[2] (bit 7) clear: written to since (D8.5.2).
  @Test("A combination of bits is listed where it has a meaning, at the bit that is set in it")
  func combinations() throws {
    #expect(try !Self.driver().detail.contains { $0.contains("dirty") })
    var memory = TableMemory()
    let space = memory.makeSpace("kernel", scheme: Self.scheme)
    memory.map(0x1000, to: 0x4000_0000, in: space, flags: Self.page | 1 << 51, tableFlags: 3)
    memory.addPhysical(0, 2 << 30)
    var driver = ExplorerDriver(
      memory: memory, spaces: [FoundSpace(space: space, origin: .given)], width: 160, height: 40)
    driver.run("goto 1000")
    let names = driver.detail.compactMap { $0.split(separator: " ").dropFirst().first }
    let place = try #require(names.firstIndex(of: "dirty"))
    #expect(names[place - 1] == "DBM")
    #expect(driver.detail.contains { $0.hasPrefix("51 dirty ") })
  }
}
