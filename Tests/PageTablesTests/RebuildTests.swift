import PageTables
import TestSupport
import Testing

/// Rebuilding spaces into a compact image: the copy walks as the original does.
@Suite struct RebuildTests {
  private static let cases = RandomTables.schemes.flatMap { scheme in
    (0..<40 as Range<UInt64>).map { (scheme, $0) }
  }

  @Test(arguments: cases) func theCopyOfRandomTablesWalksAsTheOriginalDoes(scheme: String, seed: UInt64)
    throws
  {
    let tables = RandomTables(scheme: scheme, seed: seed)
    let original = RebuiltCheck(tables.spaces, in: tables.memory)
    let copy = try rebuild(tables.spaces.map(\.root), scheme: tables.spaces[0].scheme, in: tables.memory)
    #expect(original.differences(from: copy) == [])
  }

  /// The other way: mappings, tables and references put in one by one, in the order of the walk.
  @Test(arguments: cases) func spacesAreRebuiltFromTheirWalk(name: String, seed: UInt64) throws {
    let tables = RandomTables(scheme: name, seed: seed)
    let scheme = tables.spaces[0].scheme
    let roots = tables.spaces.map(\.root)
    var options = WalkSpacesOptions()
    options.listsTables = true
    let walk = walkSpaces(roots.spaces(scheme), in: tables.memory, options: options)
    let memory = OverlayMemory(
      over: MemoryBlock(emptyMachineWith: PhysicalRanges([])), allocatingFrom: PhysicalAddress(0x10_0000))
    var built: [PhysicalAddress] = []
    for items in walk.items {
      let root = try memory.allocateFrames(1, below: PhysicalAddress(1 << 32))[0]
      var space = AddressSpace(name: "", root: root.start, scheme: scheme)
      for item in items {
        switch item {
        case .table(let table) where table.table.level == 0: break
        case .table(let table):
          try space.makeTable(
            at: table.virtual, level: table.table.level, entry: table.entry, in: memory)
        case .mapping(let range, _): try space.map(range, in: memory)
        case .reference(let reference, let entry, _):
          try space.link(
            reference, roots: built + [space.root], entry: entry == 0 ? nil : entry, in: memory)
        }
      }
      built.append(space.root)
    }
    let again = walkSpaces(built.spaces(scheme), in: memory, options: options)
    for (spaceNumber, items) in walk.items.enumerated() {
      #expect(
        again.items[spaceNumber].map(RebuiltCheck.withoutAddresses)
          == items.map(RebuiltCheck.withoutAddresses))
    }
  }

  /// One page that points at itself in every entry; each scheme has a flag pattern that every level takes.
  @Test(arguments: X86.all()) func aPageThatPointsAtItselfBecomesATableALevel(scheme: PagingScheme) throws {
    let flags: UInt64 = scheme.name == "x86-pae" ? 1 : 7
    let memory = ComputedMemory(pages: 2, entrySize: scheme.levels[0].format.entrySize) { _, _ in
      0x1000 | flags
    }
    let copy = try rebuild([PhysicalAddress(0x1000)], scheme: scheme, in: memory)
    #expect(copy.tables == scheme.levels.count)
    #expect(copy.memory.length == UInt64(scheme.levels.count) * 4096)
    let space = AddressSpace(name: "", root: copy.roots[0], scheme: scheme)
    #expect(space.translate(VirtualAddress(0x1234_5678), in: copy.memory).page?.physical.value == 0x1678)
  }

  @Test func tangledTablesAreReadOnce() throws {
    let memory = ComputedMemory(pages: 512, entrySize: 8) { _, slot in UInt64(slot) << 12 | 7 }
    let copy = try rebuild([PhysicalAddress(0)], scheme: X86.paging4Level(), in: memory)
    #expect(copy.tables == 1 + 512 * 3)
    // Once to see whether it is there, for every pointer not seen before, and once for its entries.
    #expect(memory.pageReads == 2 * copy.tables)
  }

  @Test func equalRootsStayEqualAndSharedTablesShared() throws {
    var memory = TableMemory()
    let scheme = X86.paging4Level()
    let one = memory.makeSpace("one", scheme: scheme)
    let two = memory.makeSpace("two", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: one)
    memory.set(table: two.root.value, slot: 9, to: try #require(memory.entry(table: one.root.value, slot: 0)))
    let copy = try rebuild([one.root, two.root, one.root], scheme: scheme, in: memory)
    #expect(copy.roots[0] == copy.roots[2] && copy.roots[0] != copy.roots[1])
    // Two roots, and three tables that both reach.
    #expect(copy.tables == 5)
    #expect(copy.memory.length == 5 * 4096)
  }

  @Test func missingTablesKeepPointingWhereTheyDid() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.set(table: space.root.value, slot: 1, to: 0x7777_7007)
    memory.set(table: space.root.value, slot: 2, to: 0x166)
    let copy = try rebuild([space.root, PhysicalAddress(0x9999_9000)], scheme: space.scheme, in: memory)
    #expect(copy.missingTables == 2)
    #expect(copy.roots[1].value == 0x9999_9000)
    #expect(try copy.memory.read(at: copy.roots[0].advanced(by: 8), size: 8) == 0x7777_7007)
    #expect(try copy.memory.read(at: copy.roots[0].advanced(by: 16), size: 8) == 0x166)
    // The image must not lie where the missing table would be.
    #expect(!copy.memory.extent.readable.contains(PhysicalAddress(0x7777_7000)))
  }

  @Test func theImageLiesAboveAllThatIsMapped() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.addPhysical(0, 0x80_0000)
    memory.map(0x20_0000, to: 0x4000_0000, in: space, level: 2, flags: 0x83)
    let copy = try rebuild([space.root], scheme: space.scheme, in: memory)
    #expect(copy.memory.start.value == 0x4020_0000)
    #expect(copy.memory.extent.physical.contains(PhysicalAddress(0x7f_ffff)))
    let here = try rebuild([space.root], scheme: space.scheme, in: memory, at: PhysicalAddress(0x3000))
    #expect(here.roots == [PhysicalAddress(0x3000)])
  }

  @Test func whereTheTopIsTakenTheHighestGapIsUsed() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging32())
    memory.map(0, to: 0xffff_f000, in: space)
    memory.map(0x1000, to: 0xfee0_0000, in: space)
    let copy = try rebuild([space.root], scheme: space.scheme, in: memory)
    #expect(copy.memory.start.value == 0xfee0_1000)
  }

  @Test func aPAERootStaysBelow4GiB() throws {
    var memory = TableMemory()
    let scheme = X86.pae()
    let page = memory.makeTable()
    let space = AddressSpace(name: "", root: PhysicalAddress(page + 0x60), scheme: scheme)
    memory.map(0xc000_0000, to: 0x1_2345_6000, in: space, tableFlags: 1)
    let copy = try rebuild([space.root], scheme: scheme, in: memory)
    #expect(copy.roots[0].value < 1 << 32)
    let rebuilt = AddressSpace(name: "", root: copy.roots[0], scheme: scheme)
    #expect(
      rebuilt.translate(VirtualAddress(0xc000_0000), in: copy.memory).page?.physical.value == 0x1_2345_6000)
  }

  @Test func whatEntriesCannotReachIsAnError() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging32())
    memory.map(0, to: 0x5000, in: space)
    #expect(throws: RebuildError.noRoom(bytes: 0x2000)) {
      try rebuild([space.root], scheme: space.scheme, in: memory, at: PhysicalAddress(0xffff_f000))
    }
    #expect(throws: RebuildError.misaligned(PhysicalAddress(0x1010), alignment: 4096)) {
      try rebuild([space.root], scheme: space.scheme, in: memory, at: PhysicalAddress(0x1010))
    }
    // Every frame below 4 GiB is memory of the machine.
    memory.addPhysical(0, 1 << 32)
    #expect(throws: RebuildError.noRoom(bytes: 0x2000)) {
      try rebuild([space.root], scheme: space.scheme, in: memory)
    }
  }

  /// Tables of two pages, which no x86 has: 1024 entries of 8 bytes, a page of which is missing.
  @Test func tablesOfSeveralPagesKeepTheirHoles() throws {
    let long = X86.paging4Level()
    let wide = PagingLevel(
      name: "WIDE", shift: 21, indexBits: 10, format: long.levels[2].format,
      tableFields: long.levels[2].tableFields, leafFields: long.levels[2].leafFields)
    let scheme = PagingScheme(
      name: "wide", title: "wide", virtualAddressBits: 31, isSignExtended: false, rootRegister: "CR3",
      rootAddress: long.rootAddress, rootAlignment: 8192, levels: [wide, long.levels[3]], marks: [])
    var memory = TableMemory()
    memory.set(table: 0x1_0000, slot: 3, to: 0x2_0007)
    memory.set(table: 0x1_1000, slot: 3, to: 0x2_0007)
    memory.set(table: 0x2_0000, slot: 1, to: 0x5007)
    let root = PhysicalAddress(0x1_0000)
    let whole = try rebuild([root], scheme: scheme, in: memory)
    let space = AddressSpace(name: "", root: whole.roots[0], scheme: scheme)
    #expect(whole.tables == 2 && whole.memory.length == 0x3000)
    #expect(whole.roots[0].value % 8192 == 0)
    #expect(
      space.leaves(in: whole.memory).map(\.virtual.value) == [0x60_1000, UInt64(515) << 21 | 0x1000])
    memory.removePage(0x1_1000)
    let part = try rebuild([root], scheme: scheme, in: memory)
    let cut = AddressSpace(name: "", root: part.roots[0], scheme: scheme)
    #expect(part.missingTables == 1)
    #expect(cut.leaves(in: part.memory).map(\.virtual.value) == [0x60_1000])
    #expect(cut.forEachLeaf(in: part.memory) { _ in true }.missingTables == 1)
  }
}
