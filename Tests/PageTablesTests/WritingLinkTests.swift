import PageTables
import TestSupport
import Testing

/// Linking a space to tables that another one owns.
@Suite struct WritingLinkTests {
  private func reference(
    depth: Int, owner: Int = 0, ours: UInt64, theirs: UInt64
  ) -> SpaceReferenceMapping {
    SpaceReferenceMapping(
      depth: depth, owner: owner, space: PhysicalAddress(0), ourVA: VirtualAddress(ours),
      theirVA: VirtualAddress(theirs), length: 0x1000,
      table: TableReference(address: PhysicalAddress(0), level: depth))
  }

  /// An owner with one page at 0xffff888000201000, and an empty space.
  private func pair() throws -> (owner: AddressSpace, other: AddressSpace, memory: OverlayMemory) {
    let (owner, memory) = try emptySpace(X86.paging4Level())
    try owner.map(VirtualAddress(0xffff_8880_0020_1000), to: [Frame(5)], access: .all, in: memory)
    let root = try memory.allocateFrames(1, below: PhysicalAddress(1 << 32))[0]
    return (owner, AddressSpace(name: "other", root: root.start, scheme: owner.scheme), memory)
  }

  @Test(arguments: [1, 2, 3]) func theTableIsTheOwnersAtEveryDepth(depth: Int) throws {
    var (owner, other, memory) = try pair()
    let ours: UInt64 = 0xffff_c900_0020_1000
    try other.link(
      reference(depth: depth, ours: ours, theirs: 0xffff_8880_0020_1000), roots: [owner.root], in: memory)
    let theirs = owner.translate(VirtualAddress(0xffff_8880_0020_1000), in: memory)
    let found = other.translate(VirtualAddress(ours), in: memory)
    #expect(found.page?.physical.value == 0x5000)
    for level in 1..<4 {
      #expect((found.steps[level].table == theirs.steps[level].table) == (level >= depth))
    }
  }

  @Test func atDepthZeroTheRootIsTheOwners() throws {
    var (owner, other, memory) = try pair()
    try other.link(reference(depth: 0, ours: 0, theirs: 0), roots: [owner.root], in: memory)
    #expect(other.root == owner.root)
  }

  @Test func theBitsOfTheOriginalEntryAreKept() throws {
    var (owner, other, memory) = try pair()
    try other.link(
      reference(depth: 1, ours: 0x1000, theirs: 0xffff_8880_0020_1000), roots: [owner.root],
      entry: 0x8000_0000_dead_0e61, in: memory)
    let raw = other.translate(VirtualAddress(0x1000), in: memory).steps[0].raw
    #expect(raw & 0xfff0_0000_0000_0fff == 0x8000_0000_0000_0e61)
  }

  @Test func aSpaceCanReferToItself() throws {
    var (owner, _, memory) = try pair()
    try owner.link(
      reference(depth: 3, ours: 0xffff_8880_0040_1000, theirs: 0xffff_8880_0020_1000), roots: [owner.root],
      in: memory)
    #expect(owner.translate(VirtualAddress(0xffff_8880_0040_1abc), in: memory).page?.physical.value == 0x5abc)
  }

  @Test func aLinkedTableOutlivesThePagesOfItsOwner() throws {
    var (owner, other, memory) = try pair()
    let address = VirtualAddress(0xffff_8880_0020_1000)
    try other.link(
      reference(depth: 3, ours: address.value, theirs: address.value), roots: [owner.root], in: memory)
    try owner.unmap(address, length: 0x1000, in: memory)
    // What is mapped in the table now, both see.
    try other.map(address, to: [Frame(9)], access: .all, in: memory)
    #expect(owner.translate(address, in: memory).page?.physical.value == 0x9000)
  }

  @Test func tablesAreMadeWithTheBitsOfAnEntry() throws {
    let (_, other, memory) = try pair()
    try other.makeTable(at: VirtualAddress(0x1000), level: 2, entry: 0x8000_0000_0000_0021, in: memory)
    try other.map(VirtualAddress(0x1000), entries: [0x5007], in: memory)
    let translation = other.translate(VirtualAddress(0x1000), in: memory)
    #expect(translation.steps[1].raw & 0xfff0_0000_0000_0fff == 0x8000_0000_0000_0021)
    #expect(translation.page?.access == [])
  }

  @Test func whatCannotBeLinkedChangesNothing() throws {
    let (owner, start, memory) = try pair()
    var other = start
    let there: UInt64 = 0xffff_8880_0020_1000
    let before = MemoryPicture(memory)
    func expect(_ error: WritingError, _ reference: SpaceReferenceMapping, entry: UInt64? = nil) {
      #expect(throws: error) {
        try other.link(reference, roots: [owner.root], entry: entry, in: memory)
      }
      #expect(MemoryPicture(memory) == before)
      #expect(other == start)
    }
    expect(.unknownOwner(1), reference(depth: 1, owner: 1, ours: 0, theirs: there))
    expect(.unknownOwner(-1), reference(depth: 1, owner: -1, ours: 0, theirs: there))
    expect(.noSuchLevel(4), reference(depth: 4, ours: 0, theirs: there))
    expect(.ownerHasNoTable(VirtualAddress(0), depth: 1), reference(depth: 1, ours: 0, theirs: 0))
    expect(
      .ownerHasNoTable(VirtualAddress(0xffff_8880_0040_0000), depth: 3),
      reference(depth: 3, ours: 0, theirs: 0xffff_8880_0040_0000))
    expect(
      .outsideAddressSpace(VirtualAddress(1 << 60)), reference(depth: 1, ours: 1 << 60, theirs: there))
    expect(.encoding(.noSuchKind(.marked)), reference(depth: 1, ours: 0, theirs: there), entry: 0x100)
    expect(.encoding(.noSuchKind(.leaf)), reference(depth: 2, ours: 0, theirs: there), entry: 0x87)
  }

  @Test func anEntryThatIsTakenIsNotLinkedOver() throws {
    var (owner, other, memory) = try pair()
    let address: UInt64 = 0xffff_8880_0020_1000
    try other.map(VirtualAddress(address), to: [Frame(1)], access: .all, in: memory)
    let before = MemoryPicture(memory)
    #expect(throws: WritingError.occupied(VirtualAddress(address), .table)) {
      try other.link(reference(depth: 3, ours: address, theirs: address), roots: [owner.root], in: memory)
    }
    #expect(MemoryPicture(memory) == before)
  }
}
