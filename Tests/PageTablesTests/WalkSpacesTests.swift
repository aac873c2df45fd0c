import PageTables
import TestSupport
import Testing

/// `walkSpaces` on small memories made by hand; the expected values follow from how the tables are linked.
@Suite struct WalkSpacesTests {
  private static let fourLevel = X86.paging4Level()

  private func walk(_ memory: TableMemory, _ spaces: AddressSpace..., options: WalkSpacesOptions = .init())
    -> SharedWalk
  {
    walkSpaces(spaces.map(\.root).spaces(spaces[0].scheme), in: memory, options: options)
  }

  private func ranges(_ walk: SharedWalk, _ spaceNumber: Int) -> [MappedRange] {
    walk.items[spaceNumber].compactMap { item in
      if case .mapping(let range, _) = item { range } else { nil }
    }
  }

  /// Makes an address of a space reach `table`, which is of `level`.
  private func link(
    _ memory: inout TableMemory, _ space: AddressSpace, at virtual: UInt64, level: Int, to table: UInt64
  ) {
    // The entry that `map` writes at a level with tables below is one that points at a table.
    memory.map(virtual, to: table, in: space, level: level - 1)
  }

  /// The table below the root that translates an address.
  private func table(_ memory: TableMemory, _ space: AddressSpace, _ virtual: UInt64, level: Int) -> UInt64 {
    var table = space.root.value
    for level in space.scheme.levels[..<level] {
      let raw =
        memory.entry(
          table: table, slot: level.slot(of: VirtualAddress(virtual)), size: level.format.entrySize) ?? 0
      table = level.format.tableAddress.address(in: raw).value
    }
    return table
  }

  @Test(arguments: [1, 2, 3]) func aSharedTableIsOneReferenceAtItsDepth(depth: Int) throws {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: Self.fourLevel)
    let two = memory.makeSpace("two", scheme: Self.fourLevel)
    let virtual: UInt64 = 0xffff_8880_4020_0000
    memory.map(virtual, to: 0x20_0000, in: one)
    memory.map(virtual + 0x1000, to: 0x30_0000, in: one)
    let shared = table(memory, one, virtual, level: depth)
    link(&memory, two, at: virtual, level: depth, to: shared)
    let found = walk(memory, one, two)

    #expect(found.references(of: 0) == [])
    #expect(ranges(found, 0).map(\.physical.value) == [0x20_0000, 0x30_0000])
    let span: UInt64 = [1: 1 << 39, 2: 1 << 30, 3: 1 << 21][depth] ?? 0
    let start = VirtualAddress(virtual & ~(span - 1))
    let expected = SpaceReferenceMapping(
      depth: depth, owner: 0, space: one.root, ourVA: start, theirVA: start, length: span,
      table: TableReference(address: PhysicalAddress(shared), level: depth))
    #expect(found.items[1] == [.reference(expected, entry: shared | 7, rights: .all)])
    #expect(found.spaces.map(\.references) == [0, 1])
  }

  @Test func the32BitSchemeSharesPageTables() {
    let scheme = X86.paging32()
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: scheme)
    let two = memory.makeSpace("two", scheme: scheme)
    memory.map(0xc040_3000, to: 0x5000, in: one)
    let shared = table(memory, one, 0xc040_0000, level: 1)
    link(&memory, two, at: 0xc040_0000, level: 1, to: shared)
    let reference = walk(memory, one, two).references(of: 1)
    #expect(reference.map(\.depth) == [1])
    #expect(reference.map(\.ourVA.value) == [0xc040_0000])
    #expect(reference.map(\.length) == [0x40_0000])
  }

  @Test func theTwoPlacesOfATableMayDiffer() {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: Self.fourLevel)
    let two = memory.makeSpace("two", scheme: Self.fourLevel)
    memory.map(0x4000_0000, to: 0x20_0000, in: one)
    let shared = table(memory, one, 0x4000_0000, level: 3)
    link(&memory, two, at: 0xffff_ffff_ffe0_0000, level: 3, to: shared)
    let reference = walk(memory, one, two).references(of: 1)
    #expect(reference.map(\.ourVA.value) == [0xffff_ffff_ffe0_0000])
    #expect(reference.map(\.theirVA.value) == [0x4000_0000])
    #expect(reference.map(\.length) == [0x20_0000])
  }

  @Test func aTableThatOneSpaceReachesTwiceIsAReferenceToItself() {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: Self.fourLevel)
    memory.map(0x20_0000, to: 0x7000, in: space)
    let shared = table(memory, space, 0x20_0000, level: 3)
    link(&memory, space, at: 0x80_0000, level: 3, to: shared)
    let found = walk(memory, space)
    #expect(found.items[0].count == 2)
    #expect(found.references(of: 0).map(\.owner) == [0])
    #expect(found.references(of: 0).map(\.space) == [space.root])
    #expect(found.references(of: 0).map(\.ourVA.value) == [0x80_0000])
    #expect(found.references(of: 0).map(\.theirVA.value) == [0x20_0000])
  }

  @Test(arguments: zip(X86.all(), [0, 0, 1 << 32, 1 << 32] as [UInt64]))
  func equalRootsAreAReferenceAtDepthZero(scheme: PagingScheme, length: UInt64) {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: scheme)
    memory.map(0x3000, to: 0x7000, in: space)
    var again = space
    // Bits of CR3 that are no address do not make another root.
    again.root = PhysicalAddress(space.root.value | 0x18)
    let found = walk(memory, space, again)
    let expected = SpaceReferenceMapping(
      depth: 0, owner: 0, space: space.root, ourVA: VirtualAddress(0), theirVA: VirtualAddress(0),
      length: length, table: TableReference(address: space.root, level: 0))
    #expect(found.items[1] == [.reference(expected, entry: 0, rights: .all)])
    #expect(found.spaces.map(\.root) == [space.root, space.root])
  }

  @Test func thePageOfARootMetAtAnotherLevelIsAnotherTable() {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: Self.fourLevel)
    memory.set(table: space.root.value, slot: 510, to: space.root.value | 3)
    let found = walk(memory, space)
    // The recursive slot shows the root as PDPT, PD and PT; the PT's one entry maps the root's own page.
    #expect(found.references(of: 0) == [])
    #expect(ranges(found, 0).map(\.virtual.value) == [0xffff_ff7f_bfdf_e000])
    #expect(ranges(found, 0).map(\.physical) == [space.root])
    #expect(memory.pageReads == 4)
  }

  @Test func theFirstSpaceInTheOrderGivenOwns() {
    var memory = TableMemory()
    let spaces = (0..<3).map { memory.makeSpace("\($0)", scheme: Self.fourLevel) }
    memory.map(0x20_0000, to: 0x7000, in: spaces[0])
    let shared = table(memory, spaces[0], 0x20_0000, level: 3)
    link(&memory, spaces[1], at: 0x20_0000, level: 3, to: shared)
    link(&memory, spaces[2], at: 0x20_0000, level: 3, to: shared)
    let found = walk(memory, spaces[2], spaces[0], spaces[1])
    #expect(found.references(of: 1).map(\.space) == [spaces[2].root])
    #expect(found.references(of: 2).map(\.space) == [spaces[2].root])
    #expect(ranges(found, 0).map(\.physical.value) == [0x7000])
  }

  @Test func rangesAreJoinedAsAPlainWalkJoinsThemAndPartedByReferences() {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: Self.fourLevel)
    let two = memory.makeSpace("two", scheme: Self.fourLevel)
    memory.map(0x20_0000, to: 0x9000, in: one)
    for page: UInt64 in 510..<512 { memory.map(page << 12, to: 0x10_0000 + page << 12, in: two) }
    link(&memory, two, at: 0x20_0000, level: 3, to: table(memory, one, 0x20_0000, level: 3))
    for page: UInt64 in 1024..<1027 { memory.map(page << 12, to: 0x10_0000 + page << 12, in: two) }
    memory.map(0x4000_0000, to: 0x4000_0000, in: two, level: 1, flags: 0x87)
    let found = walk(memory, one, two)
    #expect(ranges(found, 1).map(\.virtual.value) == [0x1f_e000, 0x40_0000, 0x4000_0000])
    #expect(ranges(found, 1).map(\.length) == [0x2000, 0x3000, 1 << 30])
    #expect(ranges(found, 1).map(\.level) == [3, 3, 1])
    var each = WalkSpacesOptions()
    each.listsEveryLeaf = true
    let leaves = ranges(walk(memory, one, two, options: each), 1)
    #expect(leaves.map(\.length) == [0x1000, 0x1000, 0x1000, 0x1000, 0x1000, 1 << 30])
  }

  @Test func aReferenceTellsWhatOurPathAllows() {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: Self.fourLevel)
    let two = memory.makeSpace("two", scheme: Self.fourLevel)
    memory.map(0x20_0000, to: 0x7000, in: one)
    let shared = table(memory, one, 0x20_0000, level: 3)
    // Read-only and not executable where the second space links it.
    memory.map(0x20_0000, to: shared, in: two, level: 2, flags: 5 | 1 << 63)
    let found = walk(memory, one, two)
    guard case .reference(_, let entry, let rights) = found.items[1].first else {
      Issue.record("no reference")
      return
    }
    #expect(entry == shared | 5 | 1 << 63)
    #expect(rights == [.read, .userRead] && found.items[1].first?.access == .user)
    #expect(ranges(found, 0).map(\.access) == [.all])
  }

  @Test func ownTablesAreListedBeforeWhatLiesBelow() {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: Self.fourLevel)
    memory.map(0x20_0000, to: 0x7000, in: space, flags: 5, tableFlags: 0x67)
    var options = WalkSpacesOptions()
    options.listsTables = true
    let items = walk(memory, space, options: options).items[0]
    let tables = items.compactMap { item in if case .table(let table) = item { table } else { nil } }
    #expect(tables.map(\.table.level) == [0, 1, 2, 3])
    #expect(tables.map(\.virtual.value) == [0, 0, 0, 0x20_0000])
    #expect(tables.map(\.entry) == [0] + (1...3).map { table(memory, space, 0x20_0000, level: $0) | 0x67 })
    #expect(items.count == 5)
    if case .mapping = items.last {} else { Issue.record("the mapping stands last") }
  }

  @Test func copyOnWriteIsToldApartOnlyWhenAskedFor() {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: Self.fourLevel)
    memory.map(0x1000, to: 0x7000, in: space, flags: 5)
    memory.map(0x2000, to: 0x8000, in: space, flags: 5 | 1 << 9)
    memory.map(0x3000, to: 0x9000, in: space, flags: 7 | 1 << 9)
    func kinds(_ options: WalkSpacesOptions) -> [MappingKind] {
      walk(memory, space, options: options).items[0].compactMap { item in
        if case .mapping(_, let kind) = item { kind } else { nil }
      }
    }
    #expect(kinds(WalkSpacesOptions()) == [.plain, .plain, .plain])
    var options = WalkSpacesOptions()
    options.copyOnWrite = .hyperlightCopyOnWrite
    // The mark decides, whatever R/W says.
    #expect(kinds(options) == [.plain, .copyOnWrite, .copyOnWrite])
  }

  @Test func hyperlightsCopyOnWriteIsOneOfItsThreeBitsAlone() {
    #expect(BitTest.hyperlightCopyOnWrite.matches(0x7263))
    #expect(BitTest.hyperlightCopyOnWrite.matches(0x7261))
    for raw in [0x7661, 0x7a61, 0x7e61, 0x7061] as [UInt64] {
      #expect(!BitTest.hyperlightCopyOnWrite.matches(raw))
    }
  }

  @Test func unreadableTablesAreCountedAndNeverReferredTo() {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: Self.fourLevel)
    let two = memory.makeSpace("two", scheme: Self.fourLevel)
    memory.map(0x20_0000, to: 0x7000, in: one)
    let gone = table(memory, one, 0x20_0000, level: 3)
    link(&memory, two, at: 0x20_0000, level: 3, to: gone)
    memory.removePage(gone)
    let found = walk(memory, one, two)
    #expect(found.items == [[], []])
    #expect(found.spaces.map(\.summary.missingTables) == [1, 1])
    #expect(found.spaces.map(\.isRootReadable) == [true, true])
  }

  @Test func anUnreadableRootGivesAnEmptyMarkedList() {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: Self.fourLevel)
    memory.map(0x1000, to: 0x7000, in: space)
    let gone = PhysicalAddress(0xdead_0000)
    let found = walkSpaces([gone, space.root, gone].spaces(space.scheme), in: memory)
    #expect(found.spaces.map(\.isRootReadable) == [false, true, false])
    #expect(found.items.map(\.count) == [0, 1, 0])
    #expect(found.isComplete)
  }

  @Test func aMemoryThatPromisesMoreThanItHoldsIsCountedToo() {
    let scheme = Self.fourLevel
    let memory = PromisingMemory()
    let found = walkSpaces([PhysicalAddress(0x1000), PhysicalAddress(0x1000)].spaces(scheme), in: memory)
    #expect(found.spaces.map(\.isRootReadable) == [false, false])
    #expect(found.spaces.map(\.summary.missingTables) == [1, 1])
    #expect(found.items == [[], []])
  }

  @Test func whatIsNoTableAndNoLeafIsCounted() {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: Self.fourLevel)
    memory.set(table: space.root.value, slot: 1, to: 0x7000_0166 & ~1)
    memory.set(table: space.root.value, slot: 2, to: 0x7000 | 0x83)
    let summary = walk(memory, space).spaces[0].summary
    #expect(summary.markedEntries == 1)
    #expect(summary.malformedEntries == 1)
    #expect(summary.tables == 1)
  }

  @Test func aCancelledWalkSaysSo() {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: Self.fourLevel)
    let two = memory.makeSpace("two", scheme: Self.fourLevel)
    memory.map(0x1000, to: 0x7000, in: one)
    memory.map(0x1000, to: 0x7000, in: two)
    var asked = 0
    let found = walkSpaces([one.root, two.root].spaces(one.scheme), in: memory) {
      asked += 1
      return asked > 5
    }
    #expect(found.spaces.map(\.summary.isComplete) == [true, false])
    #expect(!found.isComplete)
    #expect(memory.pageReads == 5)
    #expect(found.items.map(\.count) == [1, 0])
  }

  @Test func theStreamStopsWhenTold() {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: Self.fourLevel)
    for page: UInt64 in 1...4 { memory.map(page << 13, to: 0x7000, in: space) }
    var items = 0
    let spaces = forEachSpaceItem(of: [space.root, space.root].spaces(space.scheme), in: memory) { _, _ in
      items += 1
      return items < 2
    }
    #expect(items == 2)
    #expect(spaces.map(\.summary.isComplete) == [false, false])
  }
}

/// Says that it holds a page, and does not.
private struct PromisingMemory: PhysicalMemory {
  let extent = MemoryExtent(
    readable: PhysicalRanges([PhysicalRange(PhysicalAddress(0), PhysicalAddress(0x10000))]))

  func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    throw .notInDump
  }
}
