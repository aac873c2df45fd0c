import PageTables
import Testing

@testable import Guests

/// A capture's list of spaces keeps every window: root, scheme, address bits and where it begins.
@Suite struct CapturedWindowTests {
  private func spaces(_ lines: [String]) -> (spaces: [FoundSpace], unreadable: Int) {
    var list = CaptureList(lines: lines)
    return (list.spaces(features: ProcessorFeatures()), list.unreadableLines)
  }

  private static let lower = AddressWindow(
    root: PhysicalAddress(0x4200_7000), scheme: AArch64.paging(.kib4, virtualAddressBits: 39))
  private static let upper = AddressWindow(
    upperRoot: PhysicalAddress(0x4158_0000), scheme: AArch64.paging(.kib64, virtualAddressBits: 42))

  @Test(arguments: [[lower, upper], [lower], [upper]])
  func everyWindowIsKept(_ windows: [AddressWindow]) throws {
    let found = FoundSpace(space: AddressSpace(name: "init", windows: windows), pid: 1, origin: .tasks)
    let read = try #require(spaces(CaptureList([found]).lines).spaces.first)
    #expect(read.space == found.space)
    #expect(read.pid == 1)
  }

  @Test func theKernelsOwnSpaceHasItsWindowAlone() throws {
    let line = "kernel\t-\t0x4158f000\taarch64-4k-39\tkernel symbol\t-\tfirst=0xffffff8000000000"
    let found = try #require(spaces([line]).spaces.first)
    #expect(found.space.windows.map(\.rootRegister) == ["TTBR1_EL1"])
    #expect(found.space.windows[0].first == VirtualAddress(0xffff_ff80_0000_0000))
  }

  /// Windows that overlap, begin where no window does, are out of order or name no scheme.
  @Test(arguments: [
    "first=0x1000", "first=0xffffff8000000000,window=0x1000:aarch64-4k:0x0",
    "window=0x1000:aarch64-4k-39:0x0", "window=0x1000:aarch64-4k:0xffffff8000000000",
    "window=0x1001:aarch64-4k:0xffff000000000000", "window=0x1000:aarch64-5k:0xffff000000000000",
    "window=0x1000", "window=::", "window=0x1000:aarch64-4k:0xffff000000000000:",
    "window=0x1000:x86-64:0xffff000000000000",
  ])
  func windowsThatNoSpaceHasAreLeftOut(_ flags: String) {
    let read = spaces(["a\t-\t0x1000\taarch64-4k-39\tscan\t-\t\(flags)"])
    #expect(read.spaces.isEmpty)
    #expect(read.unreadable == 1)
  }
}
