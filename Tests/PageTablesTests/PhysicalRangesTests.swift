import PageTables
import TestSupport
import Testing

/// Addresses, ranges and the bytes behind them.
@Suite struct PhysicalRangesTests {
  private func range(_ start: UInt64, _ end: UInt64) -> PhysicalRange {
    PhysicalRange(PhysicalAddress(start), PhysicalAddress(end))
  }

  @Test func rangesAreSortedAndJoined() {
    let ranges = PhysicalRanges([
      range(8, 9), range(5, 5), range(0, 2), range(2, 4), range(3, 6), range(9, 1),
    ])
    #expect(ranges.ranges == [range(0, 6), range(8, 9)])
  }

  @Test func containsKnowsTheEdges() {
    let ranges = PhysicalRanges([range(2, 4), range(8, 9), range(20, .max)])
    let inside = [0, 1, 2, 3, 4, 7, 8, 9, 19, 20, .max - 1, .max].filter {
      ranges.contains(PhysicalAddress($0))
    }
    #expect(inside == [2, 3, 8, 20, .max - 1])
  }

  @Test func oneRangeHoldsAnotherToItsEdges() {
    let ranges = PhysicalRanges([range(2, 4), range(8, 12)])
    let held = [range(2, 4), range(3, 4), range(9, 9), range(8, 12)]
    #expect(held.allSatisfy { ranges.contains($0) })
    let cut = [range(1, 3), range(3, 5), range(2, 12), range(4, 4), range(12, 13), range(5, 6)]
    #expect(!cut.contains { ranges.contains($0) })
    #expect(ranges.range(containing: PhysicalAddress(11)) == range(8, 12))
    #expect([1, 4, 7, 12].allSatisfy { ranges.range(containing: PhysicalAddress($0)) == nil })
  }

  @Test func lengthAndEndOfAllRanges() {
    #expect(PhysicalRanges([range(2, 4), range(8, .max)]).length == UInt64.max - 8 + 2)
    #expect(PhysicalRanges([range(2, 4), range(8, 10)]).end.value == 10)
    #expect(PhysicalRanges([]).end.value == 0)
  }

  @Test func missingPagesAreToldApart() {
    let extent = MemoryExtent(
      readable: PhysicalRanges([range(0, 0x1000)]), physical: PhysicalRanges([range(0, 0x2000)]),
      dumped: PhysicalRanges([range(0, 0x1000), range(0x8000, 0x9000)]))
    #expect(extent.reasonMissing(PhysicalAddress(0x1000)) == .notInDump)
    #expect(extent.reasonMissing(PhysicalAddress(0x8000)) == .notInDump)
    #expect(extent.reasonMissing(PhysicalAddress(0x2000)) == .outsidePhysicalMemory)
  }

  @Test func readIsLittleEndian() throws {
    var memory = TableMemory()
    memory.set(table: 0x1000, slot: 1, to: 0x1122_3344_5566_7788)
    #expect(try memory.read(at: PhysicalAddress(0x1008), size: 8) == 0x1122_3344_5566_7788)
    #expect(try memory.read(at: PhysicalAddress(0x1008), size: 4) == 0x5566_7788)
    #expect(try memory.read(at: PhysicalAddress(0x1009), size: 1) == 0x77)
  }

  @Test func framesAndAddressesConvert() {
    let address = PhysicalAddress(0x1234_5678)
    #expect(address.frame.number == 0x1_2345)
    #expect(address.frameStart == address.frame.start)
    #expect(address.offsetInFrame == 0x678)
    #expect(PhysicalAddress(.max).advanced(by: 1).value == 0)
  }

  @Test func canonicalFormCopiesTheTopBit() {
    #expect(X86.paging4Level().canonical(0x8000_0000_0000).value == 0xffff_8000_0000_0000)
    #expect(X86.paging5Level().canonical(0x8000_0000_0000).value == 0x8000_0000_0000)
    #expect(X86.paging5Level().upperHalf.value == 0xff00_0000_0000_0000)
    #expect(X86.pae().canonical(0x1_8000_0000).value == 0x8000_0000)
  }
}
