import PageTables
import TestSupport
import Testing

/// Rebuilding with the pages, as hyperlight's snapshots do (`Snapshot::new`): each frame once, writable ones
/// copy-on-write.
@Suite struct RebuildPagesTests {
  private static let cases = RandomTables.schemes.flatMap { scheme in
    (0..<20 as Range<UInt64>).map { (scheme, $0) }
  }

  private func snapshotOptions() -> RebuildOptions {
    var options = RebuildOptions()
    options.movesPages = true
    options.copyOnWrite = .hyperlightCopyOnWrite
    return options
  }

  private func leaves(_ root: PhysicalAddress, _ scheme: PagingScheme, _ memory: any PhysicalMemory) -> [Leaf]
  {
    var leaves: [Leaf] = []
    _ = AddressSpace(name: "", root: root, scheme: scheme).forEachLeaf(in: memory) { leaf in
      leaves.append(leaf)
      return leaves.count < 5_000
    }
    return leaves
  }

  private func bytes(_ address: PhysicalAddress, _ memory: any PhysicalMemory) throws -> [UInt64] {
    try (0..<512).map { try memory.read(at: address.advanced(by: UInt64($0) * 8), size: 8) }
  }

  // MARK: Whole memories

  @Test(arguments: cases) func theCopyWalksAsTheOriginalButForFramesAndMarks(name: String, seed: UInt64)
    throws
  {
    let tables = RandomTables(scheme: name, seed: seed)
    let scheme = tables.spaces[0].scheme
    let roots = tables.spaces.map(\.root)
    let copy = try rebuild(roots, scheme: scheme, in: tables.memory, at: nil, options: snapshotOptions())
    var options = WalkSpacesOptions()
    options.listsEveryLeaf = true
    let before = walkSpaces(roots.spaces(scheme), in: tables.memory, options: options)
    let after = walkSpaces(copy.roots.spaces(scheme), in: copy.memory, options: options)
    for spaceNumber in roots.indices {
      #expect(before.spaces[spaceNumber].summary == after.spaces[spaceNumber].summary)
      #expect(
        before.references(of: spaceNumber).map { [$0.ourVA, $0.theirVA] }
          == after.references(of: spaceNumber).map { [$0.ourVA, $0.theirVA] })
      let olds = leaves(roots[spaceNumber], scheme, tables.memory)
      let news = leaves(copy.roots[spaceNumber], scheme, copy.memory)
      #expect(olds.count == news.count)
      for (old, new) in zip(olds, news) {
        #expect(old.virtual == new.virtual && old.level == new.level)
        let format = scheme.levels[old.level].format
        let wasWritable = format.access(of: old.raw, kind: .leaf).contains(.write)
        let isMarked = wasWritable || BitTest.hyperlightCopyOnWrite.matches(old.raw)
        #expect(!format.access(of: new.raw, kind: .leaf).contains(.write))
        #expect(new.access == old.access.subtracting(.write))
        let address = scheme.levels[old.level].leafAttributes
        let changed = (old.raw ^ new.raw) & address
        // Bits 11:9 and R/W, and nothing else.
        #expect(changed & ~0xe02 == 0)
        #expect(isMarked ? BitTest.hyperlightCopyOnWrite.matches(new.raw) : changed == 0)
      }
    }
  }

  @Test func everyFrameComesAlongOnceWhoeverMapsIt() throws {
    var memory = TableMemory()
    let scheme = X86.paging4Level()
    let one = memory.makeSpace("one", scheme: scheme)
    let two = memory.makeSpace("two", scheme: scheme)
    memory.set(table: 0x5000, slot: 3, to: 0x1111)
    memory.set(table: 0x6000, slot: 511, to: 0x2222)
    // A frame at two addresses of one space and in another, read-only there; and one that nobody shares.
    memory.map(0x1000, to: 0x5000, in: one, flags: 0x67)
    memory.map(0x7fff_0000_0000, to: 0x5000, in: one, flags: 0x8000_0000_0000_0067)
    memory.map(0x40_0000, to: 0x5000, in: two, flags: 0x65)
    memory.map(0x40_1000, to: 0x6000, in: two, flags: 0x261)
    let copy = try rebuild([one.root, two.root], scheme: scheme, in: memory, options: snapshotOptions())
    #expect(copy.frames == 2 && copy.missingPages == 0)
    #expect(copy.memory.length == UInt64(copy.tables + 2) * 0x1000)
    let ours = leaves(copy.roots[0], scheme, copy.memory)
    let theirs = leaves(copy.roots[1], scheme, copy.memory)
    #expect(Set(ours.map(\.physical) + [theirs[0].physical]).count == 1)
    #expect(theirs[1].physical != theirs[0].physical)
    for leaf in ours + theirs { #expect(copy.memory.extent.readable.contains(leaf.physical)) }
    #expect(try bytes(ours[0].physical, copy.memory) == bytes(PhysicalAddress(0x5000), memory))
    #expect(try bytes(theirs[1].physical, copy.memory) == bytes(PhysicalAddress(0x6000), memory))
    // Writable: read-only and marked. Read-only: as it was. Marked: as it was.
    let flags = (ours + theirs).map { $0.raw & 0x8000_0000_0000_0fff }
    #expect(flags == [0x265, 0x8000_0000_0000_0265, 0x65, 0x261])
  }

  @Test func aWritableLeafThatIsMarkedIsNotWritableAfterwards() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.addPage(0x7000)
    for (page, flags) in ([0x263, 0x663, 0xe61, 0x661] as [UInt64]).enumerated() {
      memory.map(UInt64(page) * 0x1000, to: 0x7000, in: space, flags: flags)
    }
    let copy = try rebuild([space.root], scheme: space.scheme, in: memory, options: snapshotOptions())
    #expect(
      leaves(copy.roots[0], space.scheme, copy.memory).map { $0.raw & 0xfff } == [0x261, 0x261, 0xe61, 0x661])
  }

  @Test func pagesOfSeveralSizesThatShareMemoryStillDo() throws {
    var memory = TableMemory()
    let scheme = X86.paging4Level()
    let space = memory.makeSpace("", scheme: scheme)
    for page in stride(from: 0x20_0000, to: 0x40_0000, by: 0x1000) as StrideTo<UInt64> {
      memory.addPage(page)
    }
    memory.set(table: 0x20_3000, slot: 0, to: 0xabcd)
    memory.addPage(0x1000)
    memory.map(0x4000_0000, to: 0x20_0000, in: space, level: 2, flags: 0xe7)
    memory.map(0x1000, to: 0x20_3000, in: space)
    memory.map(0x2000, to: 0x1000, in: space)
    let copy = try rebuild([space.root], scheme: scheme, in: memory, options: snapshotOptions())
    let found = leaves(copy.roots[0], scheme, copy.memory)
    #expect(found.map(\.level) == [3, 3, 2])
    #expect(found[2].physical.value % 0x20_0000 == 0)
    #expect(found[0].physical.value == found[2].physical.value + 0x3000)
    #expect(copy.frames == 513)
    #expect(try copy.memory.read(at: found[0].physical, size: 8) == 0xabcd)
  }

  @Test func pagesThatCannotBeReadInWholeStayWhereTheyAre() throws {
    var memory = TableMemory()
    let scheme = X86.paging4Level()
    let space = memory.makeSpace("", scheme: scheme)
    memory.addPage(0x20_1000)
    memory.addPhysical(0, 0x40_0000)
    memory.map(0x4000_0000, to: 0x20_0000, in: space, level: 2, flags: 0x83)
    memory.map(0x1000, to: 0x20_1000, in: space)
    memory.map(0x2000, to: 0xfee0_0000, in: space)
    let copy = try rebuild([space.root], scheme: scheme, in: memory, options: snapshotOptions())
    #expect(copy.frames == 0 && copy.missingPages == 2)
    #expect(
      leaves(copy.roots[0], scheme, copy.memory).map(\.physical.value) == [0x20_1000, 0xfee0_0000, 0x20_0000])
  }

  @Test func pagesCanStayAndBeMarked() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.addPage(0x5000)
    memory.map(0x1000, to: 0x5000, in: space)
    var options = RebuildOptions()
    options.copyOnWrite = .hyperlightCopyOnWrite
    let copy = try rebuild([space.root], scheme: space.scheme, in: memory, options: options)
    #expect(leaves(copy.roots[0], space.scheme, copy.memory).map(\.raw) == [0x5205])
    #expect(copy.frames == 0 && copy.memory.length == 4 * 0x1000)
  }

  @Test func aTableThatIsAlsoAPageComesAlongAsBoth() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging32())
    memory.set(table: space.root.value, slot: 1023, to: space.root.value | 3, size: 4)
    let copy = try rebuild([space.root], scheme: space.scheme, in: memory, options: snapshotOptions())
    // The root as root, and as the last level of its own window; and the page that the window shows.
    #expect(copy.tables == 2 && copy.frames == 1)
    let rebuilt = AddressSpace(name: "", root: copy.roots[0], scheme: space.scheme)
    let page = try #require(rebuilt.translate(VirtualAddress(0xffff_f000), in: copy.memory).page)
    #expect(try copy.memory.read(at: page.physical.advanced(by: 1023 * 4), size: 4) == space.root.value | 3)
  }

  // MARK: Places

  @Test func theImageLiesWhereItIsAskedTo() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    for page in 0..<512 as Range<UInt64> { memory.addPage(0x20_0000 + page * 0x1000) }
    memory.map(0, to: 0x20_0000, in: space, level: 2, flags: 0x83)
    #expect(throws: RebuildError.misaligned(PhysicalAddress(0x1000), alignment: 0x20_0000)) {
      try rebuild(
        [space.root], scheme: space.scheme, in: memory, at: PhysicalAddress(0x1000),
        options: snapshotOptions())
    }
    let copy = try rebuild(
      [space.root], scheme: space.scheme, in: memory, at: PhysicalAddress(0), options: snapshotOptions())
    #expect(leaves(copy.roots[0], space.scheme, copy.memory).map(\.physical.value) == [0])
    #expect(copy.roots[0].value == 0x20_0000 && copy.memory.length == 0x20_3000)
  }

  @Test func whatEntriesOrAddressesDoNotReachIsAnError() throws {
    var memory = TableMemory()
    let short = memory.makeSpace("", scheme: X86.paging32())
    memory.addPage(0x5000)
    memory.map(0, to: 0x5000, in: short)
    #expect(throws: RebuildError.noRoom(bytes: 0x3000)) {
      try rebuild(
        [short.root], scheme: short.scheme, in: memory, at: PhysicalAddress(0xffff_f000),
        options: snapshotOptions())
    }
    #expect(throws: RebuildError.noRoom(bytes: 0x3000)) {
      try rebuild(
        [short.root], scheme: short.scheme, in: memory, at: PhysicalAddress(0xffff_ffff_ffff_f000),
        options: snapshotOptions())
    }
    var options = RebuildOptions()
    options.copyOnWrite = BitTest(mask: 1, value: 0)
    #expect(throws: RebuildError.encoding(.noSuchMark("copy-on-write"))) {
      try rebuild([short.root], scheme: short.scheme, in: memory, options: options)
    }
  }

  @Test func withoutRootsThereIsNothingToRebuild() {
    #expect(throws: RebuildError.empty) {
      try rebuild([], scheme: X86.paging4Level(), in: TableMemory())
    }
  }

  @Test func rootsOutsideMemoryStayAndAreCounted() throws {
    let roots = [PhysicalAddress(0x9000), PhysicalAddress(.max)]
    let copy = try rebuild(roots, scheme: X86.paging4Level(), in: TableMemory(), options: snapshotOptions())
    #expect(copy.roots == roots && copy.missingTables == 2 && copy.memory.length == 0)
  }

  @Test func everyErrorIsOneLine() {
    let errors: [RebuildError] = [
      .empty, .misaligned(PhysicalAddress(1), alignment: 4096), .noRoom(bytes: 1),
      .encoding(.noSuchMark("x")),
    ]
    #expect(errors.allSatisfy { !$0.description.contains("\n") })
    #expect(Set(errors.map(\.description)).count == errors.count)
  }
}
