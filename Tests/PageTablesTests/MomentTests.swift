import PageTables
import Synchronization
import TestSupport
import Testing

/// What is copied is copied from one moment, with one look at what there is.
@Suite struct MomentTests {
  /// A memory that cannot be read; its moment can.
  private final class Source: PhysicalMemory {
    let contents: TableMemory
    let moments = Atomic<Int>(0)
    let extents = Atomic<Int>(0)

    init(_ contents: TableMemory) { self.contents = contents }

    var extent: MemoryExtent { MemoryExtent(readable: PhysicalRanges([])) }

    func withPage<Result>(
      at address: PhysicalAddress, _ body: (RawSpan) -> Result
    ) throws(MissingPage) -> Result {
      throw .notInDump
    }

    func moment() -> any PhysicalMemory {
      moments.add(1, ordering: .relaxed)
      return Moment(source: self)
    }
  }

  private struct Moment: PhysicalMemory {
    let source: Source

    var extent: MemoryExtent {
      source.extents.add(1, ordering: .relaxed)
      return source.contents.extent
    }

    func withPage<Result>(
      at address: PhysicalAddress, _ body: (RawSpan) -> Result
    ) throws(MissingPage) -> Result {
      try source.contents.withPage(at: address, body)
    }
  }

  private func counts(_ source: Source) -> [Int] {
    [source.moments.load(ordering: .relaxed), source.extents.load(ordering: .relaxed)]
  }

  @Test func rebuildingReadsOneMoment() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: X86.paging4Level())
    memory.map(0x1000, to: 0x5000, in: space)
    memory.addPage(0x5000)
    let source = Source(memory)
    var options = RebuildOptions()
    options.movesPages = true
    let copy = try rebuild([space.root], scheme: space.scheme, in: source, options: options)
    #expect(copy.tables == 4 && copy.frames == 1 && copy.missingTables == 0)
    #expect(counts(source) == [1, 1])
  }

  // 0x1800 to 0x3800 touches three pages, 0x1000 to 0x4000.
  @Test func aCopiedRangeHasAllPagesThatItTouches() throws {
    var memory = TableMemory()
    for page in 1...4 as ClosedRange<UInt64> { memory.set(table: page << 12, slot: 511, to: page) }
    let source = Source(memory)
    let block = MemoryBlock(
      copying: source, PhysicalRange(PhysicalAddress(0x1800), PhysicalAddress(0x3800)))
    #expect(counts(source) == [1, 1])
    #expect(block.start.value == 0x1000 && block.length == 0x3000)
    #expect(
      block.extent.readable.ranges == [PhysicalRange(PhysicalAddress(0x1000), PhysicalAddress(0x4000))])
    #expect(try block.read(at: PhysicalAddress(0x3ff8), size: 8) == 3)
    let whole = MemoryBlock(copying: memory, PhysicalRange(PhysicalAddress(0x1000), PhysicalAddress(0x3000)))
    #expect(whole.length == 0x2000)
    let nothing = MemoryBlock(
      copying: memory, PhysicalRange(PhysicalAddress(0x1800), PhysicalAddress(0x1800)))
    #expect(nothing.length == 0)
    // The last page of all ends beyond all addresses.
    let last = MemoryBlock(
      copying: memory, PhysicalRange(PhysicalAddress(.max - 0x1fff), PhysicalAddress(.max)))
    #expect(last.length == 0x1000)
  }
}
