import PageTables
import TestSupport
import Testing

/// Mapping and unmapping: what is there afterwards, and every error, after which nothing has changed.
@Suite struct WritingMapTests {
  private let scheme = X86.paging4Level()

  private func expectUnchanged(
    _ memory: any WritableMemory, _ error: WritingError, _ work: () throws -> Void,
    location: SourceLocation = #_sourceLocation
  ) {
    let before = MemoryPicture(memory)
    #expect(throws: error, sourceLocation: location) { try work() }
    #expect(MemoryPicture(memory) == before, sourceLocation: location)
  }

  @Test(arguments: X86.all()) func pagesAreMappedWithTheirFramesAndAccess(scheme: PagingScheme) throws {
    let (space, memory) = try emptySpace(scheme)
    let access = scheme.levels[scheme.levels.count - 1].format.leastAccess(allowing: [.user])
    // Over the end of a table.
    let start = VirtualAddress(0x3f_e000)
    try space.map(start, to: [Frame(7), Frame(3), Frame(9), Frame(1)], access: access, in: memory)
    let leaves = space.leaves(in: memory)
    #expect(leaves.map(\.virtual.value) == [0x3f_e000, 0x3f_f000, 0x40_0000, 0x40_1000])
    #expect(leaves.map(\.physical.value) == [0x7000, 0x3000, 0x9000, 0x1000])
    #expect(leaves.allSatisfy { $0.access == access })
  }

  @Test func hugePagesAreMapped() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(
      VirtualAddress(0x4000_0000), to: [PhysicalAddress(0x60_0000).frame], access: .all, level: 2, in: memory)
    #expect(space.translate(VirtualAddress(0x4012_3456), in: memory).page?.physical.value == 0x72_3456)
    #expect(space.translate(VirtualAddress(0x4012_3456), in: memory).page?.pageSize == 2 << 20)
  }

  @Test func unmappingFreesTheTablesThatMappingMade() throws {
    let (space, memory) = try emptySpace(scheme)
    let before = MemoryPicture(memory)
    try space.map(VirtualAddress(0x7f_f000), to: frames(from: 0x5000, 3), access: .all, in: memory)
    try space.unmap(VirtualAddress(0x7f_f000), length: 0x3000, in: memory)
    #expect(MemoryPicture(memory) == before)
  }

  @Test func unmappingAPartKeepsTheRest() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(VirtualAddress(0x7f_f000), to: frames(from: 0x5000, 3), access: .all, in: memory)
    try space.unmap(VirtualAddress(0x80_0000), length: 0x1000, in: memory)
    #expect(space.leaves(in: memory).map(\.virtual.value) == [0x7f_f000, 0x80_1000])
  }

  @Test func tablesOfTheDumpStayWhenTheyBecomeEmpty() throws {
    var base = TableMemory()
    let space = base.makeSpace("dump", scheme: scheme)
    let (table, slot) = base.map(0x1000, to: 0x5000, in: space)
    let memory = OverlayMemory(over: base)
    try space.unmap(VirtualAddress(0x1000), length: 0x1000, in: memory)
    #expect(try memory.read(at: PhysicalAddress(table + UInt64(slot) * 8), size: 8) == 0)
    #expect(space.translate(VirtualAddress(0x1000), in: memory).steps.count == 4)
    #expect(memory.changedPages == 1)
  }

  @Test func marksAreStoredAndTakenAway() throws {
    let (space, memory) = try emptySpace(scheme.ofLinux)
    let before = MemoryPicture(memory)
    try space.map(VirtualAddress(0x1000), entries: [0x100, 0x2007], in: memory)
    guard case .fault(.marked(let mark)) = space.translate(VirtualAddress(0x1000), in: memory).outcome else {
      Issue.record("no mark")
      return
    }
    #expect(mark?.name == "PROT_NONE")
    try space.unmap(VirtualAddress(0x1000), length: 0x2000, in: memory)
    #expect(MemoryPicture(memory) == before)
  }

  @Test func aRangeOfAWalkIsMappedWithItsBits() throws {
    let (space, memory) = try emptySpace(scheme)
    let range = MappedRange(
      virtual: VirtualAddress(0x20_0000), physical: PhysicalAddress(0x40_0000), length: 0x40_0000, level: 2,
      raw: 0x8000_0000_0040_1be3, access: [.write])
    try space.map(range, in: memory)
    #expect(
      space.leaves(in: memory).map(\.raw) == [0x8000_0000_0040_1be3, 0x8000_0000_0060_1be3])
  }

  @Test func badArgumentsChangeNothing() throws {
    let (space, memory) = try emptySpace(scheme)
    let address = VirtualAddress(0x1000)
    expectUnchanged(memory, .empty) { try space.map(address, to: [], access: .all, in: memory) }
    expectUnchanged(memory, .misaligned(VirtualAddress(0x1234), pageSize: 4096)) {
      try space.map(VirtualAddress(0x1234), to: [Frame(1)], access: .all, in: memory)
    }
    expectUnchanged(memory, .noSuchLevel(4)) {
      try space.map(address, to: [Frame(1)], access: .all, level: 4, in: memory)
    }
    expectUnchanged(memory, .encoding(.noSuchKind(.leaf))) {
      try space.map(VirtualAddress(0), to: [Frame(1)], access: .all, level: 0, in: memory)
    }
    expectUnchanged(memory, .encoding(.address(PhysicalAddress(1 << 52)))) {
      try space.map(address, to: [Frame(1), PhysicalAddress(1 << 52).frame], access: .all, in: memory)
    }
    expectUnchanged(memory, .noPage(raw: 0)) { try space.map(address, entries: [0x2007, 0], in: memory) }
    expectUnchanged(memory, .noPage(raw: 0x7)) {
      try space.map(VirtualAddress(0), entries: [0x7], level: 2, in: memory)
    }
    let halfPage = MappedRange(
      virtual: VirtualAddress(0x20_0000), physical: PhysicalAddress(0x40_0000), length: 0x1000, level: 2,
      raw: 0x40_0087, access: .all)
    expectUnchanged(memory, .cutsPage(VirtualAddress(0x20_0000), pageSize: 2 << 20)) {
      try space.map(halfPage, in: memory)
    }
  }

  @Test func rangesThatLeaveTheAddressSpaceChangeNothing() throws {
    let (space, memory) = try emptySpace(scheme)
    for start in [0x7fff_ffff_f000, 0xffff_ffff_ffff_f000, 0x8000_0000_0000, 0xffff_7fff_ffff_f000]
      as [UInt64]
    {
      expectUnchanged(memory, .outsideAddressSpace(VirtualAddress(start))) {
        try space.map(VirtualAddress(start), to: frames(from: 0x5000, 2), access: .all, in: memory)
      }
      expectUnchanged(memory, .outsideAddressSpace(VirtualAddress(start))) {
        try space.unmap(VirtualAddress(start), length: 0x2000, in: memory)
      }
    }
    let (narrow, other) = try emptySpace(X86.paging32())
    expectUnchanged(other, .outsideAddressSpace(VirtualAddress(0xffff_f000))) {
      try narrow.map(VirtualAddress(0xffff_f000), to: frames(from: 0x5000, 2), access: .all, in: other)
    }
    try narrow.map(VirtualAddress(0xffff_f000), to: [Frame(5)], access: .all, in: other)
    #expect(narrow.translate(VirtualAddress(0xffff_ffff), in: other).page?.physical.value == 0x5fff)
  }

  @Test func whatIsThereAlreadyIsNotOverwritten() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(VirtualAddress(0x2000), to: [Frame(5)], access: .all, in: memory)
    try space.map(VirtualAddress(0x4000), entries: [0x100], in: memory)
    try space.map(VirtualAddress(0x20_0000), to: [Frame(0x200)], access: .all, level: 2, in: memory)
    expectUnchanged(memory, .occupied(VirtualAddress(0x2000), .leaf)) {
      try space.map(VirtualAddress(0x1000), to: frames(from: 0x5000, 2), access: .all, in: memory)
    }
    expectUnchanged(memory, .occupied(VirtualAddress(0x4000), .marked)) {
      try space.map(VirtualAddress(0x3000), to: frames(from: 0x5000, 2), access: .all, in: memory)
    }
    expectUnchanged(memory, .occupied(VirtualAddress(0x20_3000), .leaf)) {
      try space.map(VirtualAddress(0x20_3000), to: [Frame(5)], access: .all, in: memory)
    }
    expectUnchanged(memory, .occupied(VirtualAddress(0), .table)) {
      try space.map(VirtualAddress(0), to: [Frame(0)], access: .all, level: 2, in: memory)
    }
  }

  @Test func aMalformedEntryIsInTheWay() throws {
    let (space, memory) = try emptySpace(scheme)
    // Bit 7 of a PML4 entry is reserved.
    try memory.write([EntryWrite(0x5087, size: 8, at: space.root)])
    expectUnchanged(memory, .occupied(VirtualAddress(0x1000), .malformed)) {
      try space.map(VirtualAddress(0x1000), to: [Frame(5)], access: .all, in: memory)
    }
    expectUnchanged(memory, .occupied(VirtualAddress(0x1000), .malformed)) {
      try space.unmap(VirtualAddress(0x1000), length: 0x1000, in: memory)
    }
  }

  @Test func missingTablesAreNotWritten() throws {
    let (space, memory) = try emptySpace(scheme)
    try memory.write([EntryWrite(0x5007, size: 8, at: space.root)])
    let error = WritingError.missingTable(PhysicalAddress(0x5000), .outsidePhysicalMemory)
    expectUnchanged(memory, error) {
      try space.map(VirtualAddress(0x1000), to: [Frame(5)], access: .all, in: memory)
    }
    expectUnchanged(memory, error) { try space.unmap(VirtualAddress(0x1000), length: 0x1000, in: memory) }
  }

  @Test func thePathHasToAllowWhatThePageIsToAllow() throws {
    var base = TableMemory()
    let space = base.makeSpace("dump", scheme: scheme)
    base.map(0x1000, to: 0x5000, in: space, tableFlags: 5)
    let memory = OverlayMemory(over: base)
    expectUnchanged(memory, .pathForbids(VirtualAddress(0x2000), .write)) {
      try space.map(VirtualAddress(0x2000), to: [Frame(5)], access: .all, in: memory)
    }
    try space.map(VirtualAddress(0x2000), to: [Frame(5)], access: [.user, .execute], in: memory)
  }

  @Test func holesAndHalvesOfPagesCannotBeUnmapped() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(VirtualAddress(0x1000), to: [Frame(5)], access: .all, in: memory)
    expectUnchanged(memory, .empty) { try space.unmap(VirtualAddress(0x1000), length: 0, in: memory) }
    expectUnchanged(memory, .notMapped(VirtualAddress(0x2000))) {
      try space.unmap(VirtualAddress(0x1000), length: 0x2000, in: memory)
    }
    expectUnchanged(memory, .cutsPage(VirtualAddress(0x1800), pageSize: 0x1000)) {
      try space.unmap(VirtualAddress(0x1800), length: 0x1000, in: memory)
    }
    expectUnchanged(memory, .cutsPage(VirtualAddress(0x1000), pageSize: 0x1000)) {
      try space.unmap(VirtualAddress(0x1000), length: 0x800, in: memory)
    }
  }

  @Test func withoutFramesForTablesNothingIsMapped() throws {
    let memory = OverlayMemory(
      over: MemoryBlock(emptyMachineWith: PhysicalRanges([])), allocatingFrom: PhysicalAddress(0xffff_e000))
    let root = try memory.allocateFrames(1, below: PhysicalAddress(1 << 32))[0]
    let space = AddressSpace(name: "", root: root.start, scheme: X86.paging32())
    // Two tables are needed, and one fits below 4 GiB.
    expectUnchanged(memory, .outOfFrames(OutOfFrames(count: 2, limit: PhysicalAddress(1 << 32)))) {
      try space.map(VirtualAddress(0x3f_f000), to: frames(from: 0x5000, 2), access: .all, in: memory)
    }
    try space.map(VirtualAddress(0x3f_f000), to: [Frame(5)], access: .all, in: memory)
  }

  @Test func oneEntryReachedTwiceIsNotWrittenTwice() throws {
    var base = TableMemory()
    let space = base.makeSpace("twice", scheme: X86.paging32())
    let table = base.makeTable()
    for slot in [0, 1] { base.set(table: space.root.value, slot: slot, to: table | 7, size: 4) }
    let memory = OverlayMemory(over: base)
    expectUnchanged(memory, .occupied(VirtualAddress(0x40_0000), .leaf)) {
      try space.map(VirtualAddress(0), to: frames(from: 0x5000, 1025), access: .all, in: memory)
    }
    try space.map(VirtualAddress(0), to: frames(from: 0x5000, 1024), access: .all, in: memory)
    #expect(space.translate(VirtualAddress(0x7f_f000), in: memory).page?.physical.value == 0x40_4000)
  }

  @Test func everyErrorIsOneLine() {
    let errors: [WritingError] = [
      .empty, .misaligned(VirtualAddress(1), pageSize: 4096), .outsideAddressSpace(VirtualAddress(1)),
      .noSuchLevel(9), .occupied(VirtualAddress(1), .leaf), .notMapped(VirtualAddress(1)),
      .cutsPage(VirtualAddress(1), pageSize: 4096), .pathForbids(VirtualAddress(1), .all), .noPage(raw: 1),
      .missingTable(PhysicalAddress(1), .notInDump), .encoding(.access(.write)),
      .outOfFrames(OutOfFrames(count: 1, limit: PhysicalAddress(1))), .unknownOwner(1),
      .ownerHasNoTable(VirtualAddress(1), depth: 1),
    ]
    #expect(errors.allSatisfy { !$0.description.contains("\n") && !$0.description.contains("(rawValue") })
    #expect(Set(errors.map(\.description)).count == errors.count)
  }
}
