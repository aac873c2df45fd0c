import PageTables
import TestSupport
import Testing

/// KASAN's shadow in small: tables that many neighbouring entries point at. Nothing may be dropped, and nothing
/// listed page by page that nobody could read.
@Suite struct RepeatedTableTests {
  private let scheme = X86.paging4Level()

  /// PD[4 ..< 12] all point at one table whose 512 entries map one frame; before and after stand plain tables.
  private func shadow(flags: UInt64 = 0x8000_0000_0000_0061) -> (AddressSpace, TableMemory) {
    var memory = TableMemory()
    let space = memory.makeSpace("kasan", scheme: scheme)
    let directory: UInt64 = 0x50_0000
    let table: UInt64 = 0x51_0000
    for page in [directory - 0x1000, directory, table, table + 0x1000, table + 0x2000] {
      memory.addPage(page)
    }
    memory.set(table: space.root.value, slot: 0, to: (directory - 0x1000) | 0x67)
    memory.set(table: directory - 0x1000, slot: 0, to: directory | 0x67)
    for slot in 0..<512 { memory.set(table: table, slot: slot, to: 0x1234_5000 | flags) }
    for slot in 4..<12 { memory.set(table: directory, slot: slot, to: table | 0x67) }
    memory.set(table: directory, slot: 3, to: (table + 0x1000) | 0x67)
    memory.set(table: table + 0x1000, slot: 511, to: 0x4000_0000 | flags)
    memory.set(table: directory, slot: 12, to: (table + 0x2000) | 0x67)
    memory.set(table: table + 0x2000, slot: 0, to: 0x1234_6000 | flags)
    return (space, memory)
  }

  private func ranges(
    _ space: AddressSpace, _ memory: TableMemory, _ rule: MergeRule = .virtualAndPhysical,
    from first: UInt64? = nil, through last: UInt64? = nil
  ) -> [MappedRange] {
    var ranges: [MappedRange] = []
    _ = space.forEachRange(
      in: memory, from: first.map { VirtualAddress($0) }, through: last.map { VirtualAddress($0) },
      merging: rule
    ) {
      ranges.append($0)
      return true
    }
    return ranges
  }

  /// Every page of some ranges, and its frame.
  private func pages(_ ranges: [MappedRange]) -> [UInt64: UInt64] {
    var pages: [UInt64: UInt64] = [:]
    for range in ranges {
      for offset in stride(from: 0, to: range.length, by: 4096) {
        pages[range.virtual.value + offset] = range.physical.value + (range.isOneFrame ? 0 : offset)
      }
    }
    return pages
  }

  @Test func rangesHoldEveryPageOfTheLeaves() {
    let (space, memory) = shadow()
    var expected: [UInt64: UInt64] = [:]
    let summary = space.forEachLeaf(in: memory) { leaf in
      expected[leaf.virtual.value] = leaf.physical.value
      return true
    }
    #expect(expected.count == 8 * 512 + 2 && summary.leaves == UInt64(expected.count))
    #expect(pages(ranges(space, memory)) == expected)
  }

  @Test func onlyTheFirstTableIsListedPageByPage() {
    let (space, memory) = shadow()
    let found = ranges(space, memory)
    #expect(found.count == 1 + 512 + 1 + 1)
    #expect(found.filter(\.isOneFrame).map(\.length) == [7 * 512 * 4096])
  }

  @Test func mergedByVirtualAddressAllIsOneRange() {
    let (space, memory) = shadow()
    let found = ranges(space, memory, .virtualOnly)
    #expect(found.map(\.length) == [(8 * 512 + 2) * 4096])
    #expect(found.first?.isOneFrame == false)
  }

  @Test func boundsCutARepeatedTable() {
    let (space, memory) = shadow()
    let first: UInt64 = 5 << 21 | 0x3000
    let last: UInt64 = 9 << 21 | 0x4fff
    let found = pages(ranges(space, memory, from: first, through: last))
    #expect(found.count == Int((last + 1 - first) / 4096))
    #expect(Set(found.values) == [0x1234_5000])
  }

  @Test func theWalkCountsWhatItDidNotWalkAgain() {
    let (space, memory) = shadow()
    let leaves = space.forEachLeaf(in: memory) { _ in true }
    let reads = memory.pageReads
    let ranges = space.forEachRange(in: memory) { _ in true }
    #expect(ranges == leaves)
    #expect(memory.pageReads - reads == 1 + 1 + 1 + 3)
  }

  @Test func anEmptyTableIsWalkedOnce() {
    var memory = TableMemory()
    let space = memory.makeSpace("empty", scheme: scheme)
    for page in [0x60_0000, 0x60_1000, 0x60_2000] as [UInt64] { memory.addPage(page) }
    for slot in 0..<512 {
      memory.set(table: space.root.value, slot: slot, to: 0x60_0067)
      memory.set(table: 0x60_0000, slot: slot, to: 0x60_1067)
      memory.set(table: 0x60_1000, slot: slot, to: 0x60_2067)
    }
    let summary = space.forEachLeaf(in: memory) { _ in true }
    #expect(summary.leaves == 0)
    #expect(summary.tables == 1 + 512 + 512 * 512 + 512 * 512 * 512)
    #expect(memory.pageReads == 4)
  }

  // A process whose shared pages are all swapped out: two entries of its directory point at the one table.
  @Test func marksInATableThatMapsNothingAreToldAtEachAddress() {
    var memory = TableMemory()
    let space = memory.makeSpace("swapped", scheme: scheme)
    let (table, slot) = memory.map(0x40_0000, to: 0x7000, in: space, flags: 0x100)
    for virtual in [0x60_0000, 0x8000_0000] as [UInt64] {
      let (other, first) = memory.map(virtual, to: 0x1000, in: space)
      memory.set(table: other, slot: first, to: 0)
      let directory = space.translate(VirtualAddress(virtual), in: memory).steps[2]
      memory.set(table: directory.table.value, slot: directory.slot, to: table | 0x67)
    }
    #expect(slot == 0)
    var marks: [UInt64] = []
    _ = space.forEachLeafAndMark(in: memory, leaf: { _ in true }) { mark in
      marks.append(mark.virtual.value)
      return true
    }
    #expect(marks == [0x40_0000, 0x60_0000, 0x8000_0000])
  }
}
