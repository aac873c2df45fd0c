import PageTables
import TestSupport
import Testing

/// What is taken for a kernel's linear map.
@Suite struct DirectMapTests {
  // 512 huge pages of the first two megabytes of memory, each at another distance; every look-up goes through what is
  // kept.
  @Test func aDistanceALeafIsNoDirectMapALeaf() throws {
    let scheme = X86.paging4Level()
    let memory = ComputedMemory(pages: 512, entrySize: 8) { page, slot in
      switch page >> 12 {
      case 0: return slot == 256 ? 0x1003 : 0
      case 1: return slot == 0 ? 0x2003 : 0
      case 2: return 0x83
      default: return 0
      }
    }
    let graph = try #require(TableGraph(roots: [PhysicalAddress(0)], scheme: scheme, memory: memory))
    let maps = DirectMaps(graph, TableCounts(graph), memory: memory)
    #expect(!maps.offsets.isEmpty)
    #expect(maps.offsets.count < 64)
    #expect(maps.contains(scheme.upperHalf, PhysicalAddress(0)))
  }
}
