import PageTables
import TestSupport
import Testing

/// Kinds of pages, replacing, and the bits of what is written, held against hyperlight's `map_page` and
/// `pte_for_table` and SunriseOS's `create_child_table`.
@Suite struct WritingKindTests {
  private let scheme = X86.paging4Level()
  private let address = VirtualAddress(0x1000)

  private var replacing: MapOptions {
    var options = MapOptions()
    options.existing = .replaced
    return options
  }

  private func raw(_ address: VirtualAddress, _ space: AddressSpace, _ memory: any PhysicalMemory) -> [UInt64]
  {
    space.translate(address, in: memory).steps.map(\.raw)
  }

  // MARK: Accessed and dirty

  @Test func leavesAreAccessedAndDirtyAndTablesAccessedAsHyperlightWritesThem() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(address, to: [Frame(5)], access: [.write, .execute], in: memory)
    let steps = raw(address, space, memory)
    // P, R/W, A, D of the leaf; P, R/W, U/S, A of the tables, whose bit 6 is software's.
    #expect(steps[3] == 0x5063)
    #expect(steps[..<3].allSatisfy { $0 & 0xfff == 0x27 })
    try space.map(VirtualAddress(0x2000), to: [Frame(6)], access: [], in: memory)
    #expect(raw(VirtualAddress(0x2000), space, memory)[3] == 0x8000_0000_0000_6061)
  }

  @Test func aPAERootHasNoAccessedBit() throws {
    let (space, memory) = try emptySpace(X86.pae())
    try space.map(address, to: [Frame(5)], access: .all, in: memory)
    // Bit 5 of a PDPTE is reserved (SDM Vol. 3A, 4.4.1).
    #expect(raw(address, space, memory).map { $0 & 0xfff } == [0x001, 0x027, 0x067])
  }

  @Test func bitsCanBeLeftToTheProcessor() throws {
    let (space, memory) = try emptySpace(scheme)
    var options = MapOptions()
    options.setsAccessed = false
    try space.map(address, to: [Frame(5)], as: .basic(.all), options: options, in: memory)
    #expect(raw(address, space, memory).map { $0 & 0xfff } == [7, 7, 7, 7])
  }

  @Test func tablesAllowWhatTheyAreAskedTo() throws {
    let (space, memory) = try emptySpace(scheme)
    var options = MapOptions()
    options.tableAccess = [.write, .execute]
    try space.map(address, to: [Frame(5)], as: .basic([.write]), options: options, in: memory)
    // As hyperlight's tables: P, R/W, A.
    #expect(raw(address, space, memory)[..<3].allSatisfy { $0 & 0xfff == 0x23 })
    let before = MemoryPicture(memory)
    #expect(throws: WritingError.pathForbids(VirtualAddress(0x2000), .user)) {
      try space.map(VirtualAddress(0x2000), to: [Frame(5)], access: .all, in: memory)
    }
    #expect(throws: WritingError.pathForbids(VirtualAddress(0x8000_0000), .user)) {
      try space.map(
        VirtualAddress(0x8000_0000), to: [Frame(5)], as: .basic(.all), options: options, in: memory)
    }
    #expect(MemoryPicture(memory) == before)
  }

  // MARK: Kinds

  @Test func copyOnWriteIsReadOnlyAndMarked() throws {
    let (space, memory) = try emptySpace(scheme)
    let kind = PageKind.copyOnWrite([.write, .execute], .hyperlightCopyOnWrite)
    try space.map(address, to: [Frame(7)], as: kind, in: memory)
    #expect(raw(address, space, memory)[3] == 0x7261)
    try space.map(
      VirtualAddress(0x2000), to: [Frame(8)], as: .copyOnWrite([.write], .hyperlightCopyOnWrite), in: memory)
    #expect(raw(VirtualAddress(0x2000), space, memory)[3] == 0x8000_0000_0000_8261)
    var options = WalkSpacesOptions()
    options.copyOnWrite = .hyperlightCopyOnWrite
    let items = walkSpaces([space.root].spaces(scheme), in: memory, options: options).items[0]
    #expect(items.count == 2)
    for case .mapping(_, let kind) in items { #expect(kind == .copyOnWrite) }
  }

  @Test func aMarkThatTheEntryHasNoRoomForIsRefused() throws {
    let (space, memory) = try emptySpace(scheme)
    let before = MemoryPicture(memory)
    for mark in [BitTest(mask: 1, value: 0), BitTest(mask: 1 << 12, value: 1 << 12), BitTest.never] {
      #expect(throws: WritingError.encoding(.noSuchMark("copy-on-write"))) {
        try space.map(address, to: [Frame(6)], as: .copyOnWrite([], mark), in: memory)
      }
    }
    #expect(MemoryPicture(memory) == before)
  }

  @Test func aRunOfPhysicalMemoryIsMappedAsHyperlightSaysIt() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(
      VirtualAddress(0x1f_f000), to: PhysicalAddress(0x1_0000), length: 0x3000, as: .basic([.write]),
      in: memory)
    #expect(space.leaves(in: memory).map(\.physical.value) == [0x1_0000, 0x1_1000, 0x1_2000])
    let before = MemoryPicture(memory)
    #expect(throws: WritingError.cutsPage(address, pageSize: 0x1000)) {
      try space.map(address, to: PhysicalAddress(0), length: 0x800, as: .basic([]), in: memory)
    }
    #expect(throws: WritingError.encoding(.address(PhysicalAddress(0x1800)))) {
      try space.map(address, to: PhysicalAddress(0x1800), length: 0x1000, as: .basic([]), in: memory)
    }
    #expect(throws: WritingError.encoding(.address(PhysicalAddress(0xffff_ffff_ffff_f000)))) {
      try space.map(
        address, to: PhysicalAddress(0xffff_ffff_ffff_f000), length: 0x2000, as: .basic([]), in: memory)
    }
    #expect(MemoryPicture(memory) == before)
  }

  @Test func theUnmappedKindTakesAwayWhatIsThereAndNeedsNothing() throws {
    let (space, memory) = try emptySpace(scheme)
    let empty = MemoryPicture(memory)
    try space.map(address, to: PhysicalAddress(0), length: 0x10_0000, as: .unmapped, in: memory)
    #expect(MemoryPicture(memory) == empty)
    try space.map(VirtualAddress(0x3000), to: [Frame(5)], access: .all, in: memory)
    let before = MemoryPicture(memory)
    #expect(throws: WritingError.occupied(VirtualAddress(0x3000), .leaf)) {
      try space.map(address, to: PhysicalAddress(0), length: 0x10_0000, as: .unmapped, in: memory)
    }
    #expect(MemoryPicture(memory) == before)
    try space.map(
      address, to: PhysicalAddress(0), length: 0x10_0000, as: .unmapped, options: replacing, in: memory)
    #expect(MemoryPicture(memory) == empty)
  }

  // MARK: Replacing

  @Test func pagesAndMarksAreReplacedWhenAsked() throws {
    let (space, memory) = try emptySpace(scheme.ofLinux)
    try space.map(address, to: [Frame(5)], access: .all, in: memory)
    try space.map(VirtualAddress(0x2000), entries: [0x100], in: memory)
    let before = MemoryPicture(memory)
    #expect(throws: WritingError.occupied(address, .leaf)) {
      try space.map(address, to: frames(from: 0x8000, 3), as: .basic([]), in: memory)
    }
    #expect(MemoryPicture(memory) == before)
    try space.map(address, to: frames(from: 0x8000, 3), as: .basic([]), options: replacing, in: memory)
    #expect(space.leaves(in: memory).map(\.physical.value) == [0x8000, 0x9000, 0xa000])
    #expect(space.leaves(in: memory).allSatisfy { $0.access == [] })
  }

  @Test func replacingAPartOfAHugePageKeepsTheRest() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(VirtualAddress(0x20_0000), to: [Frame(0x400)], access: [.user], level: 2, in: memory)
    try space.map(
      VirtualAddress(0x20_1000), to: [Frame(5)], as: .basic([.user]), options: replacing, in: memory)
    let leaves = space.leaves(in: memory)
    #expect(leaves.count == 512)
    #expect(leaves[..<3].map(\.physical.value) == [0x40_0000, 0x5000, 0x40_2000])
    #expect(leaves.allSatisfy { $0.access == [.user] })
  }

  @Test func aHugePageReplacesATableAndFreesIt() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(VirtualAddress(0x4000_0000), to: frames(from: 0x5000, 3), access: .all, in: memory)
    let table = space.translate(VirtualAddress(0x4000_0000), in: memory).steps[3].table
    try space.map(
      VirtualAddress(0x4000_0000), to: [Frame(0x200)], as: .basic(.all), level: 2, options: replacing,
      in: memory)
    #expect(!memory.isAllocated(table.frame))
    #expect(space.leaves(in: memory).map(\.physical.value) == [0x20_0000])
    // With everything below: the tables of both levels.
    let middle = space.translate(VirtualAddress(0x4000_0000), in: memory).steps[2].table
    try space.map(
      VirtualAddress(0x4000_0000), to: [Frame(0)], as: .basic(.all), level: 1, options: replacing, in: memory)
    #expect(!memory.isAllocated(middle.frame))
    #expect(space.leaves(in: memory).map(\.level) == [1])
  }

  @Test func aTableThatAnotherSpaceHasIsNotFreedWhenItIsReplaced() throws {
    var (space, memory) = try emptySpace(scheme)
    let there = VirtualAddress(0x4000_0000)
    try space.map(there, to: [Frame(5)], access: .all, in: memory)
    try space.link(at: VirtualAddress(0x8000_0000), to: space.root, theirs: there, depth: 3, in: memory)
    try space.map(there, to: [Frame(0x200)], as: .basic(.all), level: 2, options: replacing, in: memory)
    #expect(space.translate(VirtualAddress(0x8000_0000), in: memory).page?.physical.value == 0x5000)
    let table = space.translate(VirtualAddress(0x8000_0000), in: memory).steps[3].table
    #expect(memory.holders(of: table.frame) == 1)
  }

  @Test func aTableThatIsReachedTwiceIsFreedWhenBothEntriesAreReplaced() throws {
    var (space, memory) = try emptySpace(scheme)
    let empty = MemoryPicture(memory)
    // One table of the last level, at two addresses of one gigabyte, which a huge page then takes.
    try space.map(VirtualAddress(0x4000_0000), to: [Frame(5)], access: .all, in: memory)
    try space.link(
      at: VirtualAddress(0x4020_0000), to: space.root, theirs: VirtualAddress(0x4000_0000), depth: 3,
      in: memory)
    let table = space.translate(VirtualAddress(0x4020_0000), in: memory).steps[3].table
    #expect(memory.holders(of: table.frame) == 2)
    try space.map(
      VirtualAddress(0x4000_0000), to: [Frame(0)], as: .basic(.all), level: 1, options: replacing, in: memory)
    #expect(!memory.isAllocated(table.frame))
    try space.unmap(VirtualAddress(0x4000_0000), length: 0x4000_0000, in: memory)
    #expect(MemoryPicture(memory) == empty)
  }

  @Test func whatIsMalformedIsNeverReplaced() throws {
    let (space, memory) = try emptySpace(scheme)
    try memory.write([EntryWrite(0x5087, size: 8, at: space.root)])
    #expect(throws: WritingError.occupied(address, .malformed)) {
      try space.map(address, to: [Frame(5)], as: .basic(.all), options: replacing, in: memory)
    }
  }
}
