import PageTables
import Testing

@testable import Targets

/// Flat views that QEMU 7.2 printed, and the segments of the dump that it made in the same stop.
@Suite struct RamMapTests {
  @Test func ramBelowAndAboveTheHoleIsOneRegion() throws {
    let map = try #require(RamMap(flatViews: FlatViews.hole))
    #expect(
      map.ranges
        == ranges(
          (0, 0xc0000), (0xc0000, 0x20000), (0xe0000, 0x20000), (0x10_0000, 0xbff0_0000),
          (0xfffc_0000, 0x40000), (0x1_0000_0000, 0x4000_0000)))
    #expect(
      map.blocks.last
        == RamMap.Block(
          range: PhysicalRange(PhysicalAddress(0x1_0000_0000), PhysicalAddress(0x1_4000_0000)),
          region: "pc.ram",
          offset: 0xc000_0000))
  }

  @Test func backendsOfNodesFollowEachOther() throws {
    let map = try #require(RamMap(flatViews: FlatViews.nodes))
    #expect(
      map.ranges
        == ranges(
          (0, 0xc0000), (0xc0000, 0x20000), (0xe0000, 0x20000), (0x10_0000, 0x3ff0_0000),
          (0x4000_0000, 0x4000_0000), (0xfffc_0000, 0x40000), (0x1_0000_0000, 0x4000_0000)))
    #expect(map.blocks.map(\.region) == ["near", "near", "near", "near", "near", "far", "pc.bios", "far"])
  }

  @Test func aModuleThatKeepsItsContentsIsDumped() throws {
    let map = try #require(RamMap(flatViews: FlatViews.module))
    #expect(
      map.ranges
        == ranges(
          (0, 0xc0000), (0xc0000, 0x20000), (0xe0000, 0x20000), (0x10_0000, 0x7f0_0000),
          (0xfffc_0000, 0x40000), (0x1_0000_0000, 0x800_0000)))
  }

  @Test func devicesAndOtherAddressSpacesAreNoRam() throws {
    let map = try #require(RamMap(flatViews: FlatViews.running))
    #expect(map.ranges == ranges((0, 0x1000_0000), (0xfffc_0000, 0x40000)))
    #expect(map.blocks.count == 6)
  }

  @Test func passedThroughAndProgrammableMemoryIsLeftOut() throws {
    let text = """
      FlatView #0
       AS "memory", root: system
       Root memory region: system
        0000000000000000-0000000000000fff (prio 0, ram): ram KVM
        0000000000001000-0000000000001fff (prio 0, ramd): vfio
        0000000000002000-0000000000002fff (prio 0, romd): flash
        0000000000003000-00000000000033ff (prio 0, ram): less than a page
      """
    #expect(RamMap(flatViews: text)?.ranges == ranges((0, 0x1000)))
  }

  @Test(arguments: [
    "", "unknown command: 'info mtree -f'\n",
    "FlatView #0\n AS \"I/O\", root: io\n Root memory region: io\n  0000000000000000-0000000000000fff (prio 0, ram): x\n",
  ])
  func otherTextHasNoMap(_ text: String) {
    #expect(RamMap(flatViews: text) == nil)
  }

  @Test func hostileLinesDoNoHarm() throws {
    let text = """
       AS "memory", root: system
        ffffffffffffffff-0000000000000000 (prio 0, ram): x
        0000000000000000-ffffffffffffffff (prio 0, ram): x
        0000000000000000-00000000000fffff (prio 0, ram): x @ffffffffffffffff
        0000000000001000-0000000000001fff (prio 0, ram): overlaps
        zzzz (prio 0, ram): x
        ): (
      """
    let map = try #require(RamMap(flatViews: text))
    #expect(map.ranges == ranges((0, 0x10_0000)))
  }
}

func ranges(_ pairs: (start: UInt64, length: UInt64)...) -> PhysicalRanges {
  PhysicalRanges(
    pairs.map { PhysicalRange(PhysicalAddress($0.start), PhysicalAddress($0.start + $0.length)) })
}
