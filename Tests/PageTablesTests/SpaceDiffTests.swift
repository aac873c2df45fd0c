import PageTables
import TestSupport
import Testing

/// What counts as a change, and how it is told. Entries by hand, after Intel's manual, volume 3, section 4.5: bit 0
/// present, 1 writable, 2 user, 5 accessed, 6 dirty, 7 page size, 63 no execute.
@Suite struct SpaceDiffTests {
  private static let scheme = X86.paging4Level()
  private static let base: UInt64 = 0x20_0000

  /// A space with four pages at `base`, and its page table.
  private struct Moment {
    var memory = TableMemory()
    let space: AddressSpace
    let table: UInt64

    init() {
      space = memory.makeSpace("space", scheme: SpaceDiffTests.scheme)
      var place: (table: UInt64, slot: Int) = (0, 0)
      for page in 0..<4 as Range<UInt64> {
        place = memory.map(SpaceDiffTests.base + page << 12, to: 0x80_0000 + page << 12, in: space)
      }
      table = place.table
    }
  }

  private func changes(
    _ old: TableMemory, _ new: TableMemory, _ space: AddressSpace, countsUse: Bool = false
  ) throws -> [ChangedRange] {
    let pair = SpacePair(old: space, new: space)
    return try #require(SpaceDiff(old: old, new: new, spaces: [pair], countsUse: countsUse))
      .changes(ofSpace: 0)
  }

  /// The one change after the first entry of the page table became another one.
  private func change(to raw: UInt64, countsUse: Bool = false) throws -> ChangedRange? {
    let moment = Moment()
    var memory = moment.memory
    memory.set(table: moment.table, slot: 0, to: raw)
    let changes = try changes(moment.memory, memory, moment.space, countsUse: countsUse)
    #expect(changes.count <= 1)
    #expect(changes.first?.virtual.value ?? Self.base == Self.base)
    #expect(changes.first?.length ?? 0x1000 == 0x1000)
    return changes.first
  }

  @Test func nothingChangesWhereNothingDid() throws {
    let moment = Moment()
    #expect(try changes(moment.memory, moment.memory, moment.space) == [])
  }

  @Test(
    arguments: [
      (0, ChangeKinds.removed), (0x90_0007, .moved), (0x80_0005, .access), (0x80_0003, .access),
      (0x80_0007 | 1 << 63, .access), (0x80_0017, .bits), (0x80_0207, .bits), (0x80_0006, .marked),
      // Another frame is the answer, whatever else there is.
      (0x90_0005, .moved), (0x80_0205, .access),
    ] as [(UInt64, ChangeKinds)])
  func anEntryChangesInOneWay(raw: UInt64, kind: ChangeKinds) throws {
    #expect(try change(to: raw)?.kind == kind)
    #expect(try change(to: raw, countsUse: true)?.kind == kind)
  }

  @Test(arguments: [0x80_0027, 0x80_0047, 0x80_0067] as [UInt64])
  func accessedAndDirtyCountWhereAskedFor(raw: UInt64) throws {
    #expect(try change(to: raw) == nil)
    #expect(try change(to: raw, countsUse: true)?.kind == .bits)
  }

  @Test func whatComesIsAddedInOneRange() throws {
    let moment = Moment()
    var memory = moment.memory
    for page in 4..<8 as Range<UInt64> {
      memory.map(
        Self.base + page << 12, to: 0x80_0000 + page << 12, in: moment.space, flags: page == 5 ? 0x27 : 7)
    }
    let changes = try changes(moment.memory, memory, moment.space)
    #expect(changes.map(\.kind) == [.added])
    #expect(changes.first?.virtual.value == Self.base + 0x4000)
    #expect(changes.first?.length == 0x4000)
    #expect(changes.first?.old == .nothing)
    guard case .page(let page)? = changes.first?.new else {
      Issue.record("no page")
      return
    }
    #expect(page.physical == 0x80_4000)
    #expect(page.pageSize == 0x1000)
    #expect(page.rights.access == [.write, .user, .execute])
  }

  // A range may begin in one table and end in the next.
  @Test func rangesGoOnFromTableToTable() throws {
    let moment = Moment()
    var memory = moment.memory
    for page in 510..<514 as Range<UInt64> {
      memory.map(0x4000_0000 + page << 12, to: 0x100_0000 + page << 12, in: moment.space)
    }
    let changes = try changes(moment.memory, memory, moment.space)
    #expect(changes.map(\.length) == [0x4000])
    #expect(changes.map(\.virtual.value) == [0x401f_e000])
  }

  // What a table allows, all below it lose.
  @Test func rightsOfTheTableAboveChangeThoseOfPages() throws {
    let moment = Moment()
    var memory = moment.memory
    let directory = try #require(memory.entry(table: moment.space.root.value, slot: 0))
    memory.set(table: moment.space.root.value, slot: 0, to: directory & ~2)
    let changes = try changes(moment.memory, memory, moment.space)
    #expect(changes.map(\.kind) == [.access])
    #expect(changes.map(\.length) == [0x4000])
    guard case .page(let page)? = changes.first?.new else {
      Issue.record("no page")
      return
    }
    #expect(page.rights.access == [.user, .execute])
  }

  // What the path forbids anyway cannot be taken away.
  @Test func rightsThatNobodyHadAreNoChange() throws {
    var moment = Moment()
    let directory = try #require(moment.memory.entry(table: moment.space.root.value, slot: 0))
    moment.memory.set(table: moment.space.root.value, slot: 0, to: directory & ~2)
    var memory = moment.memory
    memory.set(table: moment.table, slot: 0, to: 0x80_0005)
    #expect(try changes(moment.memory, memory, moment.space) == [])
  }

  @Test func tablesThatMovedAreNoChange() throws {
    let moment = Moment()
    var other = TableMemory(firstTable: 0x70_0000)
    let space = other.makeSpace("space", scheme: Self.scheme)
    for page in 0..<4 as Range<UInt64> {
      other.map(Self.base + page << 12, to: 0x80_0000 + page << 12, in: space)
    }
    let pair = SpacePair(old: moment.space, new: space)
    let diff = try #require(SpaceDiff(old: moment.memory, new: other, spaces: [pair]))
    #expect(diff.changes(ofSpace: 0) == [])
    #expect(diff.kinds(ofSpace: 0) == [])
  }

  /// A huge page of the given flags against a table of small ones on the same frames.
  private func split(flags: UInt64, small: UInt64 = 7, but other: [UInt64: UInt64] = [:]) throws
    -> [ChangedRange]
  {
    let huge = Moment()
    var memory = huge.memory
    memory.map(0x4000_0000, to: 0x100_0000, in: huge.space, level: 2, flags: flags)
    var table = huge.memory
    for page in 0..<512 as Range<UInt64> {
      table.map(
        0x4000_0000 + page << 12, to: other[page] ?? 0x100_0000 + page << 12, in: huge.space, flags: small)
    }
    return try changes(memory, table, huge.space)
  }

  @Test func aSplitHugePageIsNotMoved() throws {
    let changes = try split(flags: 0x87)
    #expect(changes.map(\.kind) == [.bits])
    #expect(changes.map(\.length) == [0x20_0000])
    guard case .page(let old)? = changes.first?.old, case .page(let new)? = changes.first?.new else {
      Issue.record("no pages")
      return
    }
    #expect(old.pageSize == 0x20_0000)
    #expect(new.pageSize == 0x1000)
    #expect(old.physical == new.physical)
  }

  @Test func aSplitHugePageCanLoseRightsAndFrames() throws {
    #expect(try split(flags: 0x87, small: 5).map(\.kind) == [.access])
    let changes = try split(flags: 0x87, but: [3: 0x80_0000])
    #expect(changes.map(\.kind) == [.bits, .moved, .bits])
    #expect(changes.map(\.length) == [0x3000, 0x1000, 0x20_0000 - 0x4000])
  }

  @Test func aMarkKeepsItsNameAndFrame() throws {
    let keeping = SoftwareMark(
      name: "kept", test: BitTest(mask: 0x101, value: 0x100), frame: AddressFormat(mask: 0xf_ffff_f000))
    let scheme = Self.scheme.keeping([keeping, .software])
    let moment = Moment()
    let space = AddressSpace(name: "space", root: moment.space.root, scheme: scheme)
    var memory = moment.memory
    for page in 0..<2 { memory.set(table: moment.table, slot: page, to: 0x80_0100 + UInt64(page) << 12) }
    memory.set(table: moment.table, slot: 9, to: 0x222)
    memory.addPhysical(0x80_0000, 0x90_0000)
    let changes = try changes(moment.memory, memory, space)
    #expect(changes.map(\.kind) == [.marked, .marked])
    #expect(changes.map(\.length) == [0x2000, 0x1000])
    guard case .mark(let first)? = changes.first?.new, case .mark(let last)? = changes.last?.new else {
      Issue.record("no marks")
      return
    }
    #expect(first.name == "kept")
    #expect(first.physical == 0x80_0000)
    #expect(last.name == SoftwareMark.software.name)
    #expect(changes.last?.old == .nothing)
    // The mark goes again.
    #expect(try self.changes(memory, moment.memory, space).map(\.kind) == [.marked, .marked])
  }

  @Test func rangesAreClippedToTheBounds() throws {
    let moment = Moment()
    var memory = moment.memory
    memory.map(0x4000_0000, to: 0x4000_0000, in: moment.space, level: 1, flags: 0x87)
    let pair = SpacePair(old: moment.space, new: moment.space)
    let diff = try #require(SpaceDiff(old: moment.memory, new: memory, spaces: [pair]))
    let (first, last) = (VirtualAddress(0x4123_4000), VirtualAddress(0x4123_5fff))
    let changes = diff.changes(ofSpace: 0, from: first, through: last)
    #expect(changes.map(\.virtual) == [first])
    #expect(changes.map(\.length) == [0x2000])
    guard case .page(let page)? = changes.first?.new else {
      Issue.record("no page")
      return
    }
    #expect(page.physical == 0x4123_4000)
    #expect(diff.kinds(ofSpace: 0, from: first, through: last) == .added)
    #expect(diff.kinds(ofSpace: 0, through: VirtualAddress(0x3fff_ffff)) == [])
  }

  // MARK: Many spaces

  /// Spaces that share a kernel's half, changed in the kernel's and in one of their own.
  private func spaces(_ count: Int) -> (old: TableMemory, new: TableMemory, spaces: [AddressSpace]) {
    var memory = TableMemory()
    let kernel = memory.makeSpace("kernel", scheme: Self.scheme)
    memory.map(0xffff_8000_0000_0000, to: 0x100_0000, in: kernel, flags: 3, tableFlags: 3)
    let half = memory.entry(table: kernel.root.value, slot: 256) ?? 0
    var spaces = [kernel]
    for number in 0..<count {
      let space = memory.makeSpace("space \(number)", scheme: Self.scheme)
      memory.set(table: space.root.value, slot: 256, to: half)
      memory.map(Self.base, to: 0x200_0000 + UInt64(number) << 12, in: space)
      spaces.append(space)
    }
    var new = memory
    new.map(0xffff_8000_0000_1000, to: 0x100_1000, in: kernel, flags: 3, tableFlags: 3)
    new.map(Self.base, to: 0x300_0000, in: spaces[2])
    // What the processor notes in a root is no difference to the kernel's.
    new.set(table: spaces[1].root.value, slot: 256, to: half | 0x20)
    return (memory, new, spaces)
  }

  @Test func whatAllSpacesHaveIsComparedOnceAndLeftOutOnRequest() throws {
    let (old, new, spaces) = spaces(40)
    let pairs = spaces.map { SpacePair(old: $0, new: $0) }
    let diff = try #require(SpaceDiff(old: old, new: new, spaces: pairs))
    // Four tables of the kernel, four of each space.
    #expect(diff.comparedPairs == 4 + 40 * 4)
    #expect(diff.changes(ofSpace: 0).map(\.kind) == [.added])
    for number in 1...40 {
      let own: [ChangeKinds] = number == 2 ? [.moved] : []
      #expect(diff.changes(ofSpace: number).map(\.kind) == own + [.added])
      #expect(diff.changes(ofSpace: number, besides: 0).map(\.kind) == own)
    }
  }

  @Test func aSpaceOfAnotherSchemeIsGoneAndNew() throws {
    let moment = Moment()
    let other = AddressSpace(name: "space", root: moment.space.root, scheme: X86.pae())
    let pair = SpacePair(old: moment.space, new: other)
    #expect(!pair.isComparable)
    var memory = moment.memory
    memory.set(table: moment.space.root.value, slot: 0, to: 0)
    let diff = try #require(SpaceDiff(old: moment.memory, new: memory, spaces: [pair]))
    #expect(diff.changes(ofSpace: 0).map(\.kind) == [.removed])
  }

  // Arm ARM, "The two VA ranges": each window has its own root.
  @Test func windowsAreComparedEachByItself() throws {
    var moment = Moment()
    let kernel = moment.memory.makeSpace("kernel", scheme: X86.pae())
    let top: UInt64 = 0xffff_ffff_0000_0000
    let space = AddressSpace(
      name: "both",
      windows: [
        AddressWindow(root: moment.space.root, scheme: X86.paging32()),
        AddressWindow(root: kernel.root, scheme: X86.pae(), first: VirtualAddress(top)),
      ])
    var memory = moment.memory
    memory.map(0x1000, to: 0x5000, in: kernel, flags: 3, tableFlags: 1)
    let changes = try changes(moment.memory, memory, space)
    #expect(changes.map(\.virtual.value) == [top + 0x1000])
    #expect(changes.map(\.window) == [1])
  }
}
