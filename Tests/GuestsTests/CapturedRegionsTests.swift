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
      space: AddressSpace(name: "a", root: PhysicalAddress(root), scheme: X86.all(ProcessorFeatures())[3]),
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

  @Test func framesThatTheImageStillHasAreKept() throws {
    let lines = ["*\t0x1000\t0x2fff\t-\t-\tin use\t", "*\t0x8000\t0x8fff\t-\t-\tin use\t"]
    let isInUse = try #require(CapturedRegions(lines: Self.lines + lines).isInUse)
    #expect(
      [0xfff, 0x1000, 0x2fff, 0x3000, 0x8000].map { isInUse(PhysicalAddress($0)) } == [
        false, true, true, false, true,
      ])
    #expect(CapturedRegions(lines: Self.lines).isInUse == nil)
  }

  @Test(arguments: [
    "", "0x1000", "0x1000\t5\t0x6000\t-\t-\tuser\tno prefix", "0x1000\t0x6000\t0x5000\t-\t-\tuser\tbackwards",
    "0x1000\t0x5000\t0x6000\t-\t-\tking\tno such kind", "*\t0x5000\t0x6000\t-\t-\tuser\tnot the kernel's",
    "root\t0x5000\t0x6000\t-\t-\tuser\tno root", "0x1000\t0x5000\t0x6000\t\u{1b}[3m\t-\tuser\tan escape",
    "0x1000\t0x5000\t0x6000\twr-p\t-\tuser\tno order",
  ])
  func lyingLinesArePassedOver(_ line: String) {
    #expect(CapturedRegions(lines: [line]).names(of: found(0x1000)) == nil)
  }

  /// `PATH_MAX` of the kernel's `include/uapi/linux/limits.h`, and ` (deleted)` behind it.
  @Test(arguments: ["a", "\u{301}"]) func aNameLongerThanAnyPathIsCut(_ letter: String) throws {
    let line = "0x1000\t0x5000\t0x5fff\trw-p\t-\tuser\t" + String(repeating: letter, count: 1 << 20)
    let names = try #require(CapturedRegions(lines: [line]).names(of: found(0x1000)))
    let name = try #require(names.region(at: VirtualAddress(0x5000))).name
    #expect((4096...4112).contains(name.utf8.count))
  }

  /// A kernel may have 300,000 parts, and a guest thousands of spaces.
  @Test func theKernelsPartsAreKeptOnceForAllSpaces() throws {
    let captured = CapturedRegions(lines: Self.lines)
    let parts = try [0x1000, 0x2000, 0x3000].map { root in
      try #require(captured.names(of: found(root))).kernelRegions
    }
    let places = Set(parts.map { $0.withUnsafeBufferPointer { $0.baseAddress } })
    #expect(parts.allSatisfy { $0.count == 2 } && places.count == 1)
  }

  @Test func regionsThatStartInARangeAreCountedAndTheFirstOfThemGiven() throws {
    let names = try #require(CapturedRegions(lines: Self.lines).names(of: found(0x1000)))
    let all = (VirtualAddress(0x40_0000), VirtualAddress(0xffff_ffff_ffff_ffff))
    #expect(names.countOfRegions(startingBehind: all.0, through: all.1) == 3)
    let two = names.regions(startingBehind: all.0, through: all.1, limit: 2)
    #expect(two.map(\.first.value) == [0x40_1000, 0xffff_8880_0000_0000])
  }

  @Test func aRangeTouchesTheRegionsThatStartBeforeItAndInIt() throws {
    let lines = [
      "0x1000\t0x0\t0xffffff\t-\t-\tuser\tall", "0x1000\t0x1000\t0x1fff\t-\t-\tuser\tbefore",
      "0x1000\t0x2000\t0x3fff\t-\t-\tuser\tinto", "0x1000\t0x4000\t0x4fff\t-\t-\tuser\tinside",
      "0x1000\t0x5000\t0x8fff\t-\t-\tuser\tout of", "0x1000\t0x6000\t0x6fff\t-\t-\tuser\tbehind",
    ]
    let names = try #require(CapturedRegions(lines: lines).names(of: found(0x1000)))
    let touched = names.regions(from: VirtualAddress(0x3000), through: VirtualAddress(0x5fff))
    #expect(touched.map(\.name) == ["all", "into", "inside", "out of"])
  }

  /// A capture may have a region around a million others: each question would look at all of them.
  @Test func onlySoManyRegionsBeforeARangeAreLookedAt() throws {
    let small = (1...5000).map { index in
      let page = UInt64(index) << 12
      let bounds = [page, page | 0xfff].map { AddressText.hex($0) }.joined(separator: "\t")
      return "0x1000\t\(bounds)\t-\t-\tuser\t\(index)"
    }
    let lines = ["0x1000\t0x0\t0xfffffff\t-\t-\tuser\tall"] + small
    let names = try #require(CapturedRegions(lines: lines).names(of: found(0x1000)))
    let near = names.regions(from: VirtualAddress(0x10_0000), through: VirtualAddress(0x10_0fff))
    #expect(near.map(\.name) == ["all", "256"])
    let far = names.regions(from: VirtualAddress(5000 << 12), through: VirtualAddress(5000 << 12 | 0xfff))
    #expect(far.map(\.name) == ["5000"])
    // Those inside are all told, however many.
    let all = names.regions(from: VirtualAddress(0x1000), through: VirtualAddress(0xfff_ffff))
    #expect(all.count == 5001)
  }
}
