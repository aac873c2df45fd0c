import PageTables
import TestSupport
import Testing

/// The overlay: the memory below never changes, frames are counted.
@Suite struct WritingMemoryTests {
  private let limit = PhysicalAddress(1 << 40)

  private func base() -> TableMemory {
    var memory = TableMemory()
    memory.set(table: 0x1000, slot: 0, to: 0x1111)
    memory.set(table: 0x2000, slot: 511, to: 0x2222)
    memory.addPhysical(0x8000, 0x9800)
    return memory
  }

  @Test func writesShowAndTheMemoryBelowStaysAsItWas() throws {
    let base = base()
    let overlay = OverlayMemory(over: base)
    try overlay.write([EntryWrite(0xabcd_ef01_2345_6789, size: 8, at: PhysicalAddress(0x1008))])
    #expect(try overlay.read(at: PhysicalAddress(0x1008), size: 8) == 0xabcd_ef01_2345_6789)
    #expect(try overlay.read(at: PhysicalAddress(0x1000), size: 8) == 0x1111)
    #expect(base.entry(table: 0x1000, slot: 1) == 0)
    #expect(overlay.changedPages == 1)
    #expect(overlay.isChanged(Frame(1)) && !overlay.isChanged(Frame(2)))
  }

  @Test func fourByteEntriesLeaveTheirNeighbourAlone() throws {
    let overlay = OverlayMemory(over: base())
    try overlay.write([EntryWrite(0xffff_ffff_0123_4567, size: 4, at: PhysicalAddress(0x1004))])
    #expect(try overlay.read(at: PhysicalAddress(0x1000), size: 8) == 0x0123_4567_0000_1111)
    try overlay.write([EntryWrite(0x89ab_cdef, size: 4, at: PhysicalAddress(0x1000))])
    #expect(try overlay.read(at: PhysicalAddress(0x1000), size: 8) == 0x0123_4567_89ab_cdef)
  }

  @Test func aPageWrittenBackIsUnchangedAgain() throws {
    let overlay = OverlayMemory(over: base())
    try overlay.write([EntryWrite(7, size: 8, at: PhysicalAddress(0x1000))])
    #expect(overlay.isChanged)
    try overlay.write([EntryWrite(0x1111, size: 8, at: PhysicalAddress(0x1000))])
    #expect(!overlay.isChanged)
  }

  @Test func unchangedPagesAreReadBelowWithoutBeingCopied() throws {
    let base = base()
    let overlay = OverlayMemory(over: base)
    try overlay.write([EntryWrite(7, size: 8, at: PhysicalAddress(0x1000))])
    let before = base.pageReads
    _ = try overlay.read(at: PhysicalAddress(0x2ff8), size: 8)
    #expect(base.pageReads == before + 1)
    #expect(overlay.changedPages == 1)
    _ = try overlay.read(at: PhysicalAddress(0x1000), size: 8)
    #expect(base.pageReads == before + 1)
  }

  @Test func aBatchWithOneMissingPageWritesNothing() {
    let overlay = OverlayMemory(over: base())
    let before = MemoryPicture(overlay)
    #expect(throws: MissingPage.notInDump) {
      try overlay.write([
        EntryWrite(7, size: 8, at: PhysicalAddress(0x1000)),
        EntryWrite(7, size: 8, at: PhysicalAddress(0x8000)),
      ])
    }
    #expect(MemoryPicture(overlay) == before)
  }

  @Test func newFramesLieAboveAllPhysicalMemoryAndAreEmpty() throws {
    let overlay = OverlayMemory(over: base())
    let new = try overlay.allocateFrames(2, below: limit)
    // Physical memory ends at 0x9800.
    #expect(new == [Frame(0xa), Frame(0xb)])
    #expect(try overlay.read(at: PhysicalAddress(0xaff8), size: 8) == 0)
    #expect(overlay.extent.readable.contains(PhysicalRange(PhysicalAddress(0xa000), PhysicalAddress(0xc000))))
    #expect(overlay.extent.dumped.contains(PhysicalAddress(0xbfff)))
    #expect(overlay.changedPages == 2)
  }

  @Test func framesAreFreeAgainWhenNobodyHoldsThem() throws {
    let overlay = OverlayMemory(over: base())
    let before = MemoryPicture(overlay)
    let new = try overlay.allocateFrames(3, below: limit)
    overlay.hold([new[1]])
    overlay.release(new)
    #expect(overlay.holders(of: new[1]) == 1 && overlay.isAllocated(new[1]))
    #expect(!overlay.isAllocated(new[0]) && !overlay.isAllocated(new[2]))
    #expect(throws: MissingPage.outsidePhysicalMemory) { try overlay.read(at: new[0].start, size: 8) }
    // The lowest free one comes next.
    #expect(try overlay.allocateFrames(1, below: limit) == [new[0]])
    overlay.release([new[0], new[1]])
    #expect(MemoryPicture(overlay) == before)
    #expect(!overlay.isChanged)
  }

  @Test func framesOfTheDumpAreCountedAndNeverFreed() throws {
    let overlay = OverlayMemory(over: base())
    var hold: FrameHold? = FrameHold(holding: [Frame(1), Frame(1)], in: overlay)
    #expect(hold?.frames.count == 2)
    #expect(overlay.holders(of: Frame(1)) == 2)
    hold = nil
    #expect(overlay.holders(of: Frame(1)) == 0)
    #expect(try overlay.read(at: PhysicalAddress(0x1000), size: 8) == 0x1111)
  }

  @Test func framesBeyondTheLimitAreRefusedAllTogether() throws {
    let overlay = OverlayMemory(over: base())
    let before = MemoryPicture(overlay)
    #expect(throws: OutOfFrames(count: 3, limit: PhysicalAddress(0xc000))) {
      try overlay.allocateFrames(3, below: PhysicalAddress(0xc000))
    }
    #expect(MemoryPicture(overlay) == before)
    #expect(try overlay.allocateFrames(2, below: PhysicalAddress(0xc000)).count == 2)
  }

  // As tables that are larger than a page must: they lie at multiples of their size.
  @Test func runsAreContiguousAtMultiplesOfTheirLengthEvenAmongFreedFrames() throws {
    let overlay = OverlayMemory(over: base())
    let new = try overlay.allocateFrames(3, below: limit)
    overlay.release([new[1]])
    #expect(try overlay.allocate(runs: [2, 1], below: limit) == [Frame(0xe), new[1]])
  }

  @Test func overlaysStack() throws {
    let lower = OverlayMemory(over: base())
    let upper = OverlayMemory(over: lower)
    try upper.write([EntryWrite(7, size: 8, at: PhysicalAddress(0x1000))])
    #expect(try lower.read(at: PhysicalAddress(0x1000), size: 8) == 0x1111)
    #expect(try upper.read(at: PhysicalAddress(0x1000), size: 8) == 7)
  }

  @Test func aReaderSeesAllOfABatchOrNoneOfIt() async {
    let overlay = OverlayMemory(over: base())
    await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        for value in 0..<2000 as Range<UInt64> {
          let entries = [0x1010, 0x1ff8].map { EntryWrite(value, size: 8, at: PhysicalAddress($0)) }
          guard (try? overlay.write(entries)) != nil else { return false }
        }
        return true
      }
      group.addTask {
        for _ in 0..<2000 {
          let isWhole = try? overlay.withPage(at: PhysicalAddress(0x1000)) { page in
            page.entry(at: 0x10, size: 8) == page.entry(at: 0xff8, size: 8)
          }
          guard isWhole == true else { return false }
        }
        return true
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test func aMomentKeepsWhatWasThere() throws {
    var below = TableMemory()
    below.set(table: 0x1000, slot: 0, to: 0x11)
    let overlay = OverlayMemory(over: below)
    let first = overlay.moment()
    try overlay.write([EntryWrite(0x22, size: 8, at: PhysicalAddress(0x1000))])
    let second = overlay.moment()
    try overlay.write([EntryWrite(0x33, size: 8, at: PhysicalAddress(0x1000))])
    let added = try overlay.allocate(runs: [1], below: PhysicalAddress(1 << 40))
    #expect(try first.read(at: PhysicalAddress(0x1000), size: 8) == 0x11)
    #expect(try second.read(at: PhysicalAddress(0x1000), size: 8) == 0x22)
    #expect(try overlay.read(at: PhysicalAddress(0x1000), size: 8) == 0x33)
    #expect(!second.extent.readable.contains(added[0].start))
    #expect(overlay.moment().extent.readable.contains(added[0].start))
  }
}
