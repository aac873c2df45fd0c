import PageTables
import TestSupport
import Testing

/// Huge pages and huge guards of which a part is taken away (`unmap` and `guard` of SunriseOS's `TableHierarchy`).
@Suite struct WritingSplitTests {
  private static let guarded = X86.all().map { scheme in
    scheme.keeping([
      SoftwareMark(name: "guard", test: BitTest(mask: 1 << 9 | 1, value: 1 << 9)), .software,
    ])
  }

  private func isGuard(_ address: UInt64, _ space: AddressSpace, _ memory: any PhysicalMemory) -> Bool {
    guard case .fault(.marked(let mark)) = space.translate(VirtualAddress(address), in: memory).outcome else {
      return false
    }
    return mark?.name == "guard"
  }

  // MARK: Pages

  @Test func aHugePageUnmappedInPartKeepsTheRestAsItWas() throws {
    let (space, memory) = try emptySpace(X86.paging4Level())
    // 2 MiB, writable, accessed, not dirty, global, PAT (bit 12), AVL 10, protection key 5, no execute.
    let raw: UInt64 = 0xa800_0000_0060_0000 | 0x15a3 | 1 << 10
    try space.map(VirtualAddress(0x20_0000), entries: [raw], level: 2, in: memory)
    try space.unmap(VirtualAddress(0x20_3000), length: 0x2000, in: memory)
    let leaves = space.leaves(in: memory)
    #expect(leaves.count == 510)
    for leaf in leaves {
      #expect(leaf.level == 3)
      #expect(leaf.physical.value == leaf.virtual.value + 0x40_0000)
      // The same bits, PAT in bit 7 now.
      #expect(leaf.raw & 0xfff0_0000_0000_0fff == 0xa800_0000_0000_05a3)
    }
    #expect(!leaves.contains { (0x20_3000..<0x20_5000 as Range<UInt64>).contains($0.virtual.value) })
  }

  @Test func aHugeGigabyteFallsApartAsFarAsItTakes() throws {
    let (space, memory) = try emptySpace(X86.paging4Level())
    try space.map(VirtualAddress(0x4000_0000), to: [Frame(0x8_0000)], access: .all, level: 1, in: memory)
    try space.unmap(VirtualAddress(0x4020_0000), length: 0x20_1000, in: memory)
    let leaves = space.leaves(in: memory)
    #expect(leaves.filter { $0.level == 2 }.count == 510)
    #expect(leaves.filter { $0.level == 3 }.count == 511)
    #expect(leaves.allSatisfy { $0.physical.value == $0.virtual.value + 0x4000_0000 && $0.access == .all })
    try space.unmap(VirtualAddress(0x4000_0000), length: 0x20_0000, in: memory)
    try space.unmap(VirtualAddress(0x4040_1000), length: 0x3fbf_f000, in: memory)
    #expect(space.leaves(in: memory).isEmpty)
  }

  @Test func theTableThatTakesAHugePagesPlaceAllowsWhatThePageDid() throws {
    let (space, memory) = try emptySpace(X86.paging4Level())
    let kernel = VirtualAddress(0xffff_c900_0020_0000)
    for (address, access) in [(kernel, Access.write), (VirtualAddress(0x20_0000), Access.user)] {
      try space.map(address, to: [Frame(0x200)], access: access, level: 2, in: memory)
      var options = MapOptions()
      options.tableAccess = [.write, .execute]
      try space.unmap(address, length: 0x1000, options: options, in: memory)
      let next = space.translate(address.advanced(by: 0x1000), in: memory)
      // P, R/W, A, and U/S where the page was the user's.
      #expect(next.steps[2].raw & 0xfff == (access == .user ? 0x27 : 0x23))
      #expect(next.page?.access == access)
    }
  }

  @Test func aFrameThatSmallPagesCannotHaveKeepsThePageWhole() throws {
    let (space, memory) = try emptySpace(X86.paging32())
    try space.map(
      VirtualAddress(0x40_0000), to: [PhysicalAddress(0x1_4040_0000).frame], access: .all, level: 0,
      in: memory)
    let before = MemoryPicture(memory)
    #expect(throws: WritingError.encoding(.address(PhysicalAddress(0x1_4040_0000)))) {
      try space.unmap(VirtualAddress(0x40_0000), length: 0x1000, in: memory)
    }
    #expect(MemoryPicture(memory) == before)
  }

  @Test func marksThatNobodyKnowsOrThatKeepAFrameAreNotSplit() throws {
    let (space, memory) = try emptySpace(X86.paging4Level().ofLinux)
    // A huge PROT_NONE page, and something without a name.
    try space.map(VirtualAddress(0x20_0000), entries: [0x100, 0x8], level: 2, in: memory)
    let before = MemoryPicture(memory)
    for address in [0x20_0000, 0x40_0000] as [UInt64] {
      #expect(throws: WritingError.cutsPage(VirtualAddress(address), pageSize: 2 << 20)) {
        try space.unmap(VirtualAddress(address + 0x1000), length: 0x1000, in: memory)
      }
    }
    #expect(MemoryPicture(memory) == before)
  }

  // MARK: Guards

  @Test(arguments: guarded) func aHugeGuardIsOneEntryAndSplitsWhenUnmappedInPart(scheme: PagingScheme) throws
  {
    let (space, memory) = try emptySpace(scheme)
    let empty = MemoryPicture(memory)
    let level = scheme.levels.count - 2
    let span = scheme.levels[level].span
    let start = 4 * span
    try space.guardPages(VirtualAddress(start), length: span, mark: "guard", in: memory)
    let steps = space.translate(VirtualAddress(start + 0x5000), in: memory).steps
    #expect(steps.count == level + 1 && steps[level].raw == 0x200)
    try space.unmap(VirtualAddress(start + 0x1000), length: 0x2000, in: memory)
    let pages = stride(from: start, to: start + span, by: 0x1000)
    #expect(pages.filter { !isGuard($0, space, memory) } == [start + 0x1000, start + 0x2000])
    try space.map(VirtualAddress(start + 0x1000), to: [Frame(5)], access: .all, in: memory)
    try space.unmap(VirtualAddress(start + 0x3000), length: span - 0x3000, in: memory)
    try space.unmap(VirtualAddress(start), length: 0x2000, in: memory)
    #expect(MemoryPicture(memory) == empty)
  }

  @Test func guardsAreAsLargeAsTheRangeAllows() throws {
    let (space, memory) = try emptySpace(Self.guarded[3])
    // A page before 4 MiB, two whole entries, and a page behind.
    try space.guardPages(VirtualAddress(0x3f_f000), length: 0x80_2000, mark: "guard", in: memory)
    let levels = [0x3f_f000, 0x40_0000, 0x80_0000, 0xc0_0000].map {
      space.translate(VirtualAddress($0), in: memory).steps.count
    }
    #expect(levels == [2, 1, 1, 2])
    #expect(!isGuard(0x3f_e000, space, memory) && !isGuard(0xc0_1000, space, memory))
    // A whole entry that has a table already: the pages of the table are marked.
    try space.map(VirtualAddress(0x1000_0000), to: [Frame(5)], access: .all, in: memory)
    let before = MemoryPicture(memory)
    #expect(throws: WritingError.occupied(VirtualAddress(0x1000_0000), .leaf)) {
      try space.guardPages(VirtualAddress(0x1000_0000), length: 0x40_0000, mark: "guard", in: memory)
    }
    #expect(MemoryPicture(memory) == before)
    try space.guardPages(VirtualAddress(0x1000_1000), length: 0x3f_f000, mark: "guard", in: memory)
    #expect(space.translate(VirtualAddress(0x1020_0000), in: memory).steps.count == 2)
  }

  @Test func guardsWithWrongArgumentsChangeNothing() throws {
    let (space, memory) = try emptySpace(Self.guarded[3])
    let before = MemoryPicture(memory)
    func expect(_ error: WritingError, _ address: UInt64, _ length: UInt64, _ mark: String = "guard") {
      #expect(throws: error) {
        try space.guardPages(VirtualAddress(address), length: length, mark: mark, in: memory)
      }
      #expect(MemoryPicture(memory) == before)
    }
    expect(.empty, 0x1000, 0)
    expect(.misaligned(VirtualAddress(0x1001), pageSize: 0x1000), 0x1001, 0x1000)
    expect(.cutsPage(VirtualAddress(0x1000), pageSize: 0x1000), 0x1000, 0x1800)
    expect(.outsideAddressSpace(VirtualAddress(0xffff_f000)), 0xffff_f000, 0x2000)
    expect(.outsideAddressSpace(VirtualAddress(0x1000)), 0x1000, .max & ~0xfff)
    expect(.encoding(.noSuchMark("fence")), 0x1000, 0x1000, "fence")
  }
}
