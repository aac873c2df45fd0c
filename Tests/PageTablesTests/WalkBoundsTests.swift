import PageTables
import TestSupport
import Testing

/// Walks between two addresses: what is cut, what is left out, what lies in no half.
@Suite struct WalkBoundsTests {
  private func ranges(
    _ space: AddressSpace, _ memory: TableMemory, _ first: UInt64, _ last: UInt64,
    _ rule: MergeRule = .virtualAndPhysical
  ) -> [[UInt64]] {
    var found: [[UInt64]] = []
    _ = space.forEachRange(
      in: memory, from: VirtualAddress(first), through: VirtualAddress(last), merging: rule
    ) {
      found.append([$0.virtual.value, $0.physical.value, $0.length])
      return true
    }
    return found
  }

  @Test func boundsCutAHugePageToTheByte() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.map(0x20_0000, to: 0x80_0000, in: space, level: 2, flags: 0x87)
    #expect(ranges(space, memory, 0x20_1234, 0x20_1234) == [[0x20_1234, 0x80_1234, 1]])
    #expect(ranges(space, memory, 0, 0x20_0fff) == [[0x20_0000, 0x80_0000, 0x1000]])
    #expect(ranges(space, memory, 0x3f_f000, .max) == [[0x3f_f000, 0x9f_f000, 0x1000]])
    #expect(ranges(space, memory, 0x40_0000, .max) == [])
    #expect(ranges(space, memory, 0, 0x1f_ffff) == [])
  }

  // Once an address above 32 bits was taken for the last one below.
  @Test(arguments: [X86.paging32(), X86.pae()])
  func nothingLiesAboveThirtyTwoBits(scheme: PagingScheme) {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0xffff_f000, to: 0x5000, in: space, tableFlags: scheme.name == "x86-pae" ? 1 : 7)
    #expect(ranges(space, memory, 0x1_0000_0000, .max) == [])
    #expect(ranges(space, memory, 0x8000_0000, .max).map { $0[2] } == [0x1000])
    #expect(space.forEachLeaf(in: memory, from: VirtualAddress(.max)) { _ in true }.leaves == 0)
  }

  @Test func boundsInTheGapMeanTheNearestHalf() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.map(0x7fff_ffff_f000, to: 0x5000, in: space)
    memory.map(0xffff_8000_0000_0000, to: 0x6000, in: space)
    let gap: UInt64 = 0x1234_0000_0000_0000
    #expect(ranges(space, memory, 0, gap).map { $0[1] } == [0x5000])
    #expect(ranges(space, memory, gap, .max).map { $0[1] } == [0x6000])
    #expect(ranges(space, memory, gap, gap + 0x1000) == [])
  }

  @Test func firstAfterLastIsEmpty() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.map(0x1000, to: 0x5000, in: space)
    #expect(ranges(space, memory, 0x1fff, 0x1000) == [])
  }

  @Test func leavesAreGivenWholeWhereTheBoundsTouchThem() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    for page in 1...3 as ClosedRange<UInt64> { memory.map(page << 12, to: page << 16, in: space) }
    var found: [UInt64] = []
    _ = space.forEachLeaf(in: memory, from: VirtualAddress(0x1fff), through: VirtualAddress(0x2000)) {
      found.append($0.virtual.value)
      return true
    }
    #expect(found == [0x1000, 0x2000])
  }

  @Test func mergeRulesDifferInThePhysicalAddressOnly() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    for (page, frame) in [(1, 0x5000), (2, 0x6000), (3, 0x9000), (5, 0xa000)] as [(UInt64, UInt64)] {
      memory.map(page << 12, to: frame, in: space)
    }
    #expect(ranges(space, memory, 0, .max).map { $0[2] } == [0x2000, 0x1000, 0x1000])
    #expect(ranges(space, memory, 0, .max, .virtualOnly).map { $0[2] } == [0x3000, 0x1000])
  }

  @Test func pagesOfDifferentSizeAreNeverJoined() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.map(0x1f_f000, to: 0x7f_f000, in: space)
    memory.map(0x20_0000, to: 0x80_0000, in: space, level: 2, flags: 0x87)
    #expect(ranges(space, memory, 0, .max, .virtualOnly).count == 2)
  }

  @Test func aWalkThatIsToldToStopSaysSo() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    for page in 0..<4 as Range<UInt64> { memory.map(page << 13, to: 0x5000, in: space) }
    var calls = 0
    let summary = space.forEachRange(in: memory) { _ in
      calls += 1
      return calls < 2
    }
    #expect(calls == 2)
    #expect(!summary.isComplete)
  }
}
