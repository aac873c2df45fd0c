import PageTables
import TestSupport
import Testing

/// Arguments that make no sense: each is an error with its type, and nothing has changed after it.
@Suite struct WritingArgumentTests {
  private let scheme = X86.paging4Level().keeping([
    SoftwareMark(name: "guard", test: BitTest(mask: 1 << 9 | 1, value: 1 << 9)), .software,
  ])
  private let address = VirtualAddress(0x1000)

  private func expectUnchanged(
    _ memory: any WritableMemory, _ error: WritingError, _ work: () throws -> Void,
    location: SourceLocation = #_sourceLocation
  ) {
    let before = MemoryPicture(memory)
    #expect(throws: error, sourceLocation: location) { try work() }
    #expect(MemoryPicture(memory) == before, sourceLocation: location)
  }

  @Test func framesWithoutAnAddressAreRefused() throws {
    let (space, memory) = try emptySpace(scheme)
    for number in [1 << 52, 1 << 52 + 5, .max] as [UInt64] {
      expectUnchanged(memory, .encoding(.address(PhysicalAddress(.max)))) {
        try space.map(address, to: [Frame(1), Frame(number)], access: .all, in: memory)
      }
    }
  }

  @Test func rootsOutsideMemoryAreErrors() throws {
    let (_, memory) = try emptySpace(scheme)
    for root in [0x9999_9000, 0x9999_9abc, .max] as [UInt64] {
      let space = AddressSpace(name: "", root: PhysicalAddress(root), scheme: scheme)
      let error = WritingError.missingTable(PhysicalAddress(root & ~0xfff), .outsidePhysicalMemory)
      expectUnchanged(memory, error) { try space.map(address, to: [Frame(1)], access: .all, in: memory) }
      expectUnchanged(memory, error) { try space.map(address, entries: [0x1007], in: memory) }
      expectUnchanged(memory, error) { try space.unmap(address, length: 0x1000, in: memory) }
      expectUnchanged(memory, error) { try space.makeTable(at: address, level: 1, in: memory) }
      expectUnchanged(memory, error) {
        try space.guardPages(address, length: 0x1000, mark: "guard", in: memory)
      }
      expectUnchanged(memory, error) {
        try space.map(address, to: PhysicalAddress(0), length: 0x1000, as: .unmapped, in: memory)
      }
      #expect(KernelLand(upperHalfOf: space).freeStretch(pages: 1, in: memory) == nil)
    }
  }

  @Test func lengthsThatOverflowAreErrors() throws {
    let (space, memory) = try emptySpace(scheme)
    try space.map(address, to: [Frame(5)], access: .all, in: memory)
    for length in [.max, .max & ~0xfff, 1 << 63, 1 << 47] as [UInt64] {
      expectUnchanged(memory, .outsideAddressSpace(address)) {
        try space.unmap(address, length: length, in: memory)
      }
    }
    for length in [.max & ~0xfff, 1 << 63, 1 << 47] as [UInt64] {
      expectUnchanged(memory, .outsideAddressSpace(address)) {
        try space.guardPages(address, length: length, mark: "guard", in: memory)
      }
      expectUnchanged(memory, .outsideAddressSpace(address)) {
        try space.map(address, to: PhysicalAddress(0), length: length, as: .basic(.all), in: memory)
      }
      let range = MappedRange(
        virtual: address, physical: PhysicalAddress(0), length: length, level: 3, raw: 7, access: .all)
      expectUnchanged(memory, .outsideAddressSpace(address)) { try space.map(range, in: memory) }
    }
  }

  @Test func nothingIsAnError() throws {
    let (space, memory) = try emptySpace(scheme)
    expectUnchanged(memory, .empty) { try space.map(address, to: [], as: .unmapped, in: memory) }
    expectUnchanged(memory, .empty) { try space.map(address, entries: [], in: memory) }
    expectUnchanged(memory, .empty) {
      try space.map(address, to: PhysicalAddress(0), length: 0, as: .basic(.all), in: memory)
    }
    let range = MappedRange(
      virtual: address, physical: PhysicalAddress(0), length: 0, level: 3, raw: 7, access: .all)
    expectUnchanged(memory, .empty) { try space.map(range, in: memory) }
  }

  @Test func addressesThatAreNotAlignedAreErrors() throws {
    let (space, memory) = try emptySpace(scheme)
    let crooked = VirtualAddress(0x1234)
    expectUnchanged(memory, .misaligned(crooked, pageSize: 0x1000)) {
      try space.map(crooked, to: [Frame(1)], as: .unmapped, in: memory)
    }
    expectUnchanged(memory, .misaligned(VirtualAddress(0x1000), pageSize: 0x20_0000)) {
      try space.map(address, to: [Frame(1)], access: .all, level: 2, in: memory)
    }
    expectUnchanged(memory, .misaligned(crooked, pageSize: 0x1000)) {
      try space.map(crooked, entries: [0x1007], in: memory)
    }
  }

  @Test(arguments: [-1, 4, .max, .min]) func levelsThatThereAreNotAreErrors(level: Int) throws {
    let (start, memory) = try emptySpace(scheme)
    var space = start
    expectUnchanged(memory, .noSuchLevel(level)) {
      try space.map(address, to: [Frame(1)], as: .unmapped, level: level, in: memory)
    }
    expectUnchanged(memory, .noSuchLevel(level)) {
      try space.map(address, entries: [7], level: level, in: memory)
    }
    expectUnchanged(memory, .noSuchLevel(level)) {
      try space.makeTable(at: address, level: level, in: memory)
    }
    let range = MappedRange(
      virtual: address, physical: PhysicalAddress(0), length: 0x1000, level: level, raw: 7, access: .all)
    expectUnchanged(memory, .noSuchLevel(level)) { try space.map(range, in: memory) }
    expectUnchanged(memory, .noSuchLevel(level)) {
      try space.link(at: address, to: space.root, theirs: address, depth: level, in: memory)
    }
    #expect(space == start)
  }

  @Test func ownersThatThereAreNotAreErrors() throws {
    let (start, memory) = try emptySpace(scheme)
    var space = start
    let nowhere = PhysicalAddress(0x9999_9000)
    expectUnchanged(memory, .missingTable(nowhere, .outsidePhysicalMemory)) {
      try space.link(at: address, to: nowhere, theirs: address, depth: 0, in: memory)
    }
    expectUnchanged(memory, .ownerHasNoTable(address, depth: 1)) {
      try space.link(at: address, to: nowhere, theirs: address, depth: 1, in: memory)
    }
    expectUnchanged(memory, .outsideAddressSpace(VirtualAddress(1 << 60))) {
      try space.link(at: address, to: space.root, theirs: VirtualAddress(1 << 60), depth: 1, in: memory)
    }
    #expect(space == start)
  }

  @Test func runsWithoutFramesCannotBeHad() throws {
    let (_, memory) = try emptySpace(scheme)
    let before = MemoryPicture(memory)
    for runs in [[0], [1, -1], [.max], [.max, .max], [.min]] as [[Int]] {
      #expect(throws: OutOfFrames.self) { try memory.allocate(runs: runs, below: PhysicalAddress(.max)) }
    }
    #expect(MemoryPicture(memory) == before)
  }

  @Test func aHalfThatIsNoneOfTheRootsEntriesIsRefused() throws {
    let (space, memory) = try emptySpace(X86.paging32())
    for (first, last) in [
      (0xc000_0000, 0xbfff_ffff), (0xc000_1000, 0xffbf_ffff), (0xc000_0000, 0xffbf_f000), (0, .max),
      (0xc000_0000, 0x1_0000_0000),
    ] as [(UInt64, UInt64)] {
      #expect(KernelHalf(of: space, from: VirtualAddress(first), through: VirtualAddress(last)) == nil)
    }
    let half = try #require(
      KernelHalf(of: space, from: VirtualAddress(0xc000_0000), through: VirtualAddress(0xffff_ffff)))
    expectUnchanged(memory, .missingTable(PhysicalAddress(0x5000), .outsidePhysicalMemory)) {
      try half.join(PhysicalAddress(0x5000), in: memory)
    }
    #expect(half.roots == [space.root])
    try half.join(space.root, in: memory)
    #expect(half.roots == [space.root])
  }
}
