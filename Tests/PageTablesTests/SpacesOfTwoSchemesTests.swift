import PageTables
import TestSupport
import Testing

/// Spaces whose two windows are read by schemes of their own: whoever reaches a page through both counts once.
@Suite struct SpacesOfTwoSchemesTests {
  /// A space that maps frames 0x50 and 0x51 below and 0x50 above, and one that maps 0x50 and 0x51 below.
  private func spaces() -> (spaces: [AddressSpace], memory: TableMemory) {
    var memory = TableMemory()
    let lower = InventedScheme.splitRights.scheme(levels: 3)
    let upper = InventedScheme.splitRights.scheme(levels: 2)
    let both = memory.makeSpace("both", scheme: lower)
    let above = memory.makeSpace("both", scheme: upper)
    let below = memory.makeSpace("below", scheme: lower)
    // All that there is, for both privileges; the user reads the pages.
    for (page, frame, space) in [
      (1, 0x50, both), (2, 0x51, both), (7, 0x50, above), (3, 0x50, below), (4, 0x51, below),
    ] as [(UInt64, UInt64, AddressSpace)] {
      memory.map(page << 12, to: frame << 12, in: space, flags: 9, tableFlags: 0x1f)
    }
    let windows = [
      both.windows[0],
      AddressWindow(root: above.root, scheme: upper, first: VirtualAddress(0xffff_ffff_fff0_0000)),
    ]
    return ([AddressSpace(name: "both", windows: windows), below], memory)
  }

  @Test func whoReachesAPageThroughBothIsOneSpace() throws {
    let (spaces, memory) = spaces()
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let aliases = index.aliases(of: PhysicalAddress(0x5_0123), in: memory)
    #expect(
      aliases.groups.map(\.first.virtual.value) == [0x1123, 0xffff_ffff_fff0_7123, 0x3123])
    #expect(aliases.count == 3)
    #expect(index.spaceCount(of: aliases) == 2)
  }

  @Test func aPageMappedThroughBothIsSharedOnce() throws {
    let (spaces, memory) = spaces()
    let index = try #require(SpaceIndex(spaces, memory: memory))
    for (one, other) in [(0, 1), (1, 0)] {
      let sharers = index.sharers(of: one, in: memory)
      #expect(sharers.map(\.spaceNumber) == [other])
      #expect(sharers.map(\.pages) == [2] && sharers.map(\.bytes) == [0x2000])
      #expect(sharers.allSatisfy { !$0.isAtLeast })
    }
  }
}
