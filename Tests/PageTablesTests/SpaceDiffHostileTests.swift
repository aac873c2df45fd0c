import PageTables
import TestSupport
import Testing

/// Memories made to hang a comparison, or to make it keep more than there is memory.
@Suite struct SpaceDiffHostileTests {
  private static let schemes = X86.all()

  /// A page whose entries all point at itself, but for one.
  private func selfPointing(_ scheme: PagingScheme, one: UInt64) -> ComputedMemory {
    let flags: UInt64 = scheme.name == "x86-pae" ? 1 : 7
    return ComputedMemory(pages: 2, entrySize: scheme.levels[0].format.entrySize) { _, slot in
      slot == 1 ? one : 0x1000 | flags
    }
  }

  private func pair(_ scheme: PagingScheme, root: UInt64 = 0x1000) -> SpacePair {
    let space = AddressSpace(name: "", root: PhysicalAddress(root), scheme: scheme)
    return SpacePair(old: space, new: space)
  }

  @Test(arguments: schemes) func aSelfPointingPageIsComparedOnceALevel(scheme: PagingScheme) throws {
    let (old, new) = (selfPointing(scheme, one: 0x1001), selfPointing(scheme, one: 0))
    let diff = try #require(SpaceDiff(old: old, new: new, spaces: [pair(scheme)]))
    #expect(diff.isComplete)
    // At each level the page with itself; and, but for the root's, without what is gone.
    #expect(diff.comparedPairs == 2 * scheme.levels.count - 1)
    // Changes without end are listed as long as somebody wants them.
    var changes = 0
    let isWhole = diff.forEachChange(ofSpace: 0) { _ in
      changes += 1
      return changes < 2000
    }
    #expect(changes == 2000)
    #expect(!isWhole)
    #expect(diff.kinds(ofSpace: 0) == .removed)
  }

  // Rights that the path forbids anyway: nothing comes of paths without end.
  @Test func pathsThatLeadToNoChangeEnd() throws {
    let scheme = X86.paging5Level()
    func memory(_ flags: UInt64) -> ComputedMemory {
      // The root's entries forbid writing; those of the page below, which points at itself, differ in it.
      ComputedMemory(pages: 3, entrySize: 8) { page, slot in
        page == 0x1000 ? 0x2005 : slot == 7 ? 0x2000 | flags : 0x2007
      }
    }
    let diff = try #require(SpaceDiff(old: memory(7), new: memory(5), spaces: [pair(scheme)]))
    var changes = 0
    let isWhole = diff.forEachChange(ofSpace: 0) { _ in
      changes += 1
      return true
    }
    #expect(changes == 0)
    #expect(!isWhole)
  }

  // Tables that pair each page of the one memory with each of the other.
  @Test func pairsAreBounded() throws {
    let pages: UInt64 = 256
    func memory(_ step: UInt64) -> ComputedMemory {
      ComputedMemory(pages: pages, entrySize: 8) { page, slot in
        let target = (page >> 12 &* step &+ UInt64(slot) &* (step &+ 2)) % (pages - 1) + 1
        return target << 12 | 7
      }
    }
    let (old, new) = (memory(3), memory(7))
    let diff = try #require(SpaceDiff(old: old, new: new, spaces: [pair(X86.paging4Level())]))
    #expect(!diff.isComplete)
    #expect(diff.comparedPairs <= Int(2 * pages) + 4096 + 8)
    #expect(diff.changes(ofSpace: 0, limit: 100).count == 100)
  }

  @Test(arguments: schemes) func nothingIsSaidOfTablesThatCannotBeRead(scheme: PagingScheme) throws {
    var memory = TableMemory()
    let space = memory.makeSpace("space", scheme: scheme)
    let flags: UInt64 = scheme.name == "x86-pae" ? 1 : 7
    let place = memory.map(0x40_0000, to: 0x80_0000, in: space, tableFlags: flags)
    var other = memory
    other.removePage(place.table)
    let pair = SpacePair(old: space, new: space)
    for (old, new) in [(memory, other), (other, memory)] {
      let diff = try #require(SpaceDiff(old: old, new: new, spaces: [pair]))
      #expect(diff.missingTables == 1)
      #expect(diff.changes(ofSpace: 0) == [])
    }
    let diff = try #require(SpaceDiff(old: memory, new: TableMemory(), spaces: [pair]))
    #expect(diff.missingTables == 1)
    #expect(diff.changes(ofSpace: 0) == [])
  }

  // What was compared may be something else when the changes are asked for.
  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func memoryMayChangeMeanwhile(seed: UInt64) throws {
    let tables = RandomTables(scheme: "x86-64", seed: seed)
    let overlay = OverlayMemory(over: tables.memory)
    let pairs = tables.spaces.map { SpacePair(old: $0, new: $0) }
    var random = SeededRandom(seed: seed)
    let unsteady = Unsteady(overlay)
    let diff = try #require(SpaceDiff(old: tables.memory, new: unsteady, spaces: pairs))
    for table in tables.tables {
      let writes = (0..<512).map { slot in
        EntryWrite(random.next(), size: 8, at: PhysicalAddress(table + UInt64(slot) * 8))
      }
      try overlay.write(writes)
    }
    for number in pairs.indices {
      _ = diff.changes(ofSpace: number, limit: 10_000)
      _ = diff.kinds(ofSpace: number)
    }
  }
}

/// A memory that is no moment: what is written below shows at once.
private struct Unsteady: PhysicalMemory {
  private let memory: OverlayMemory

  init(_ memory: OverlayMemory) { self.memory = memory }

  var extent: MemoryExtent { memory.extent }

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    try memory.withPage(at: address, body)
  }
}
