import PageTables
import Testing

@testable import Guests

@Suite struct CapturedRegionsTests {
  private static let lines = [
    "*\t0xffff888000000000\t0xffff88801fffffff\t-\t-\tdirect map\t",
    "*\t0xffffc90000000000\t0xffffc90000003fff\t-\t-\tvmalloc\tbpf_map_area_alloc+0x2a",
    "0x1000\t0x400000\t0x400fff\tr-xp\t0x2000\tuser\t/bin/a name",
    "0x1000\t0x401000\t0x401fff\trw-p\t-\tuser\t",
  ]

  private func found(_ root: UInt64) -> FoundSpace {
    FoundSpace(
      space: AddressSpace(name: "a", root: PhysicalAddress(root), scheme: X86.all(X86.Features())[3]),
      origin: .scan)
  }

  @Test func aProcessHasItsRegionsAndTheKernels() throws {
    let names = try #require(CapturedRegions(lines: Self.lines).names(of: found(0x1000)))
    let text = try #require(names.region(at: VirtualAddress(0x40_0123)))
    #expect(text.title == "/bin/a name")
    #expect(text.permissions == "r-xp")
    #expect(text.fileOffset == 0x2000)
    #expect(names.region(at: VirtualAddress(0x40_1fff))?.title == "anonymous")
    #expect(names.region(at: VirtualAddress(0x40_2000)) == nil)
    #expect(
      names.region(at: VirtualAddress(0xffff_c900_0000_1000))?.title == "vmalloc bpf_map_area_alloc+0x2a")
  }

  @Test func anotherSpaceHasOnlyTheKernels() throws {
    let names = try #require(CapturedRegions(lines: Self.lines).names(of: found(0x2000)))
    #expect(names.region(at: VirtualAddress(0x40_0123)) == nil)
    #expect(names.region(at: VirtualAddress(0xffff_8880_0000_0000))?.title == "direct map")
  }

  @Test func aUserCopyHasThoseOfItsOtherCopy() throws {
    var copy = found(0x2000)
    copy.isolation = .userCopy(kernelRoot: PhysicalAddress(0x1000))
    let names = try #require(CapturedRegions(lines: Self.lines).names(of: copy))
    #expect(names.region(at: VirtualAddress(0x40_0000))?.title == "/bin/a name")
  }

  @Test(arguments: [
    "", "0x1000", "0x1000\t5\t0x6000\t-\t-\tuser\tno prefix", "0x1000\t0x6000\t0x5000\t-\t-\tuser\tbackwards",
    "0x1000\t0x5000\t0x6000\t-\t-\tking\tno such kind", "*\t0x5000\t0x6000\t-\t-\tuser\tnot the kernel's",
    "root\t0x5000\t0x6000\t-\t-\tuser\tno root",
  ])
  func lyingLinesArePassedOver(_ line: String) {
    #expect(CapturedRegions(lines: [line]).names(of: found(0x1000)) == nil)
  }
}
