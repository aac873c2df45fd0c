import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// A space whose windows have different numbers of levels: three for 39 bits, four for 48 (Arm ARM, D8.2.6).
@Suite("Windows of two sizes") struct WindowsOfTwoSizesTests {
  /// Each window maps a page, and the block of 2 MiB behind it, at the beginning of its last GiB.
  private static func driver(lower: Int, upper: Int) -> (driver: ExplorerDriver, windows: [AddressWindow]) {
    var memory = TableMemory(firstTable: 0x10_0000)
    var windows: [AddressWindow] = []
    for (bits, isUpper) in [(lower, false), (upper, true)] {
      let scheme = AArch64.paging(.kib4, virtualAddressBits: bits)
      let space = memory.makeSpace("window", scheme: scheme)
      let start = (UInt64(1) << UInt64(bits)) - 0x4000_0000
      memory.map(start, to: 0x4000_0000, in: space, flags: 0x743, tableFlags: 3)
      memory.map(
        start + 0x20_0000, to: 0x4020_0000, in: space, level: scheme.levels.count - 2, flags: 0x741,
        tableFlags: 3)
      windows.append(
        isUpper
          ? AddressWindow(upperRoot: space.root, scheme: scheme)
          : AddressWindow(root: space.root, scheme: scheme))
    }
    memory.addPhysical(0, 2 << 30)
    let space = AddressSpace(name: "both", windows: windows)
    let found = FoundSpace(space: space, role: .process, pid: 1, origin: .given)
    return (ExplorerDriver(memory: memory, spaces: [found], width: 120, height: 30), windows)
  }

  @Test(arguments: [(39, 48), (48, 39)])
  func anAddressIsGoneToInItsWindow(_ bits: (lower: Int, upper: Int)) throws {
    var (driver, windows) = Self.driver(lower: bits.lower, upper: bits.upper)
    for window in windows {
      let page = VirtualAddress(window.last.value - 0x3fff_ffff)
      driver.explorer.go(to: page, inSpace: 0)
      let row = try #require(driver.explorer.selectedRow)
      #expect(row.virtual == page && row.raw == 0x4000_0743)
      #expect(driver.screen.contains("L3[0]"))
      driver.explorer.go(to: page.advanced(by: 0x1000), inSpace: 0)
      #expect(driver.screen.contains("stops at L3[1]"))
    }
  }

  @Test(arguments: [(39, 48), (48, 39)])
  func hugePagesHaveTheSizesOfTheirWindow(_ bits: (lower: Int, upper: Int)) throws {
    var (driver, _) = Self.driver(lower: bits.lower, upper: bits.upper)
    try driver.press("H")
    let list = driver.explorer.list(.hugePages)
    let size = try #require(list.content.columns.first { $0.name == "size" })
    #expect(list.order.map { size.shown($0) } == ["2M", "2M"])
  }
}
