import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// A kernel with a window of its own, and two processes that have it beside theirs: on the screen, each address is in
/// its window.
@Suite("Spaces of two windows")
struct TwoWindowTests {
  private static let scheme = AArch64.paging(.kib4)
  /// A page descriptor for EL0, and a block of 2 MiB for EL1 alone; both with AF (Arm ARM, D8.3).
  private static let userPage: UInt64 = 0x743
  private static let kernelBlock: UInt64 = 0x701
  private static let userVA: UInt64 = 0x0000_1000_4000_3000
  private static let kernelVA: UInt64 = 0xffff_1000_4020_0000

  private static let guest: (memory: TableMemory, spaces: [FoundSpace]) = {
    var memory = TableMemory(firstTable: 0x10_0000)
    let kernel = memory.makeSpace("kernel", scheme: scheme)
    // By the translated bits: the same slot of the root as the processes' page, and another.
    memory.map(
      kernelVA & 0xffff_ffff_ffff, to: 0x4000_0000, in: kernel, level: 2, flags: kernelBlock, tableFlags: 3)
    memory.map(0x8000_0000_0000, to: 0x4020_0000, in: kernel, level: 2, flags: kernelBlock, tableFlags: 3)
    let upper = AddressWindow(upperRoot: kernel.root, scheme: scheme)
    var spaces = [
      FoundSpace(space: AddressSpace(name: "kernel", windows: [upper]), role: .kernel, origin: .given)
    ]
    for (number, name) in ["first", "second"].enumerated() {
      let own = memory.makeSpace(name, scheme: scheme)
      memory.map(userVA, to: 0x5000_0000 + UInt64(number) << 12, in: own, flags: userPage, tableFlags: 3)
      let lower = AddressWindow(root: own.root, scheme: scheme)
      spaces.append(
        FoundSpace(
          space: AddressSpace(name: name, windows: [lower, upper]), role: .process, pid: number + 1,
          origin: .given))
    }
    memory.addPhysical(0, 2 << 30)
    return (memory, spaces)
  }()

  private var driver = ExplorerDriver(
    memory: guest.memory, spaces: guest.spaces, width: 120, height: 30)

  private func go(_ text: String) -> Destination { driver.explorer.destination(of: text, in: 1) }

  @Test("The kernel's window is one row of a process, as everybody's")
  mutating func theKernelsWindowIsOneRow() throws {
    for key in ["j", "l"] { try driver.press(key) }
    let tree = driver.explorer.tree
    let below = tree.rows.filter { $0.space == 1 && $0.indent == 1 }
    #expect(below.map(\.kind) == [.entry, .everybodys])
    #expect(below.last?.virtual == VirtualAddress(0xffff_1000_0000_0000 & ~0x7f_ffff_ffff))
    #expect(below.last?.tables == 2)
  }

  @Test("Going to an address of the kernel's window leads into it, though the other has the same slot")
  mutating func goingLeadsIntoTheWindow() throws {
    driver.explorer.go(to: .entry(space: 1, VirtualAddress(Self.kernelVA), level: 2))
    let row = try #require(driver.explorer.selectedRow)
    #expect(row.virtual == VirtualAddress(Self.kernelVA))
    #expect(row.raw == 0x4000_0000 | Self.kernelBlock)
  }

  @Test("A tag is left out of what is typed, and said") func tagsAreLeftOut() {
    guard case .address(let place) = go("ab00100040003000") else { Issue.record("no address"); return }
    #expect(place.address == VirtualAddress(Self.userVA))
    #expect(place.remark == "its tag ab left out")
  }

  @Test("So is an authentication code, where something is mapped at what remains")
  func authenticationCodesAreLeftOut() {
    guard case .address(let place) = go("0052100040003123") else { Issue.record("no address"); return }
    #expect(place.address == VirtualAddress(Self.userVA + 0x123))
    #expect(place.remark == "its pointer authentication code left out")
  }

  @Test("An address in neither window is refused with the windows' names and bounds")
  func addressesInNeitherWindowAreRefused() {
    guard case .nowhere(let why, let nearest) = go("1000000000000") else {
      Issue.record("an address"); return
    }
    #expect(
      why == "in neither window: TTBR0_EL1 to 0000ffff_ffffffff, TTBR1_EL1 from ffff0000_00000000")
    #expect(nearest == "0000ffff_ffffffff")
  }

  @Test("An address of a window that the space does not have is not called non-canonical")
  func anotherWindowsAddressesAreRefused() {
    guard case .nowhere(let why, _) = driver.explorer.destination(of: "400000", in: 0) else {
      Issue.record("an address"); return
    }
    #expect(why == "an address of TTBR0_EL1's window; this space has only TTBR1_EL1's")
  }

  @Test("Huge pages of the kernel's window are there") mutating func hugePagesAreInTheirWindow() throws {
    try driver.press("H")
    let list = driver.explorer.list(.hugePages)
    let texts = list.order.map { list.content.columns[0].shown($0) }
    #expect(texts == ["ffff1000_40200000", "ffff8000_00000000"])
  }

  @Test("The map of a process has its own window, and the kernel's as everybody's")
  mutating func theMapHasBothWindows() throws {
    for key in ["j", "V"] { try driver.press(key) }
    let map = try #require(driver.explorer.map)
    for address in [0, Self.userVA, Self.kernelVA, 0xffff_0000_0000_0000, .max] as [UInt64] {
      #expect(map.address(map.position(of: VirtualAddress(address))) == VirtualAddress(address))
    }
    let lines = map.visibleRows(20, Self.guest.memory)
    #expect(lines.contains { if case .cut = $0.kind { true } else { false } })
    #expect(map.nextMapped(from: 0, Self.guest.memory) == Self.userVA)
  }

  @Test("Two processes are compared window by window") mutating func windowsAreCompared() throws {
    for key in ["j", "=", "j", "="] { try driver.press(key) }
    let rows = try #require(driver.explorer.comparison?.rows)
    #expect(rows.map(\.virtual.value) == [0x0000_1000_0000_0000, 0xffff_1000_0000_0000])
    #expect(rows.map(\.relation) == [.different, .sameTable])
    #expect(driver.explorer.comparison?.total.different == 4096)
  }

  @Test("A physical address is found in either window") func physicalAddressesAreFound() {
    let space = Self.guest.spaces[1].space
    for (frame, virtual) in [(0x5000_0010, Self.userVA + 0x10), (0x4020_1000, 0xffff_8000_0000_1000)]
      as [(UInt64, UInt64)]
    {
      #expect(
        PhysicalSearch.first(mapping: PhysicalAddress(frame), in: space, memory: Self.guest.memory)
          == VirtualAddress(virtual))
    }
  }
}
