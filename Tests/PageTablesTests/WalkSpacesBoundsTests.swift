import PageTables
import TestSupport
import Testing

/// What `from` and `length` cut off a walk over several spaces.
@Suite struct WalkSpacesBoundsTests {
  /// Two 4-level spaces. The first maps 4 pages from 0x40_0000 on; the second has that PT at 0x40_0000, too, and
  /// once more at 0x8000_0000.
  private struct Pair {
    var memory = TableMemory()
    let one: AddressSpace
    let two: AddressSpace
    let table: UInt64

    init() {
      let scheme = X86.paging4Level()
      one = memory.makeSpace("one", scheme: scheme)
      two = memory.makeSpace("two", scheme: scheme)
      table = memory.map(0x40_0000, to: 0x10_0000, in: one).table
      for page: UInt64 in 1..<4 { memory.map(0x40_0000 + page << 12, to: 0x10_0000 + page << 12, in: one) }
      memory.map(0x40_0000, to: table, in: two, level: 2)
      memory.map(0x8000_0000, to: table, in: two, level: 2)
    }

    func walk(_ first: UInt64?, _ length: UInt64?, options: WalkSpacesOptions = .init()) -> SharedWalk {
      walkSpaces(
        [one.root, two.root].spaces(one.scheme), in: memory, from: first.map { VirtualAddress($0) },
        length: length, options: options)
    }

    func ranges(_ walk: SharedWalk, _ spaceNumber: Int) -> [[UInt64]] {
      walk.items[spaceNumber].compactMap { item in
        guard case .mapping(let range, _) = item else { return nil }
        return [range.virtual.value, range.physical.value, range.length]
      }
    }

    func references(_ walk: SharedWalk, _ spaceNumber: Int) -> [[UInt64]] {
      walk.references(of: spaceNumber).map { [$0.ourVA.value, $0.theirVA.value, $0.length] }
    }
  }

  @Test func aCutBlockIsClippedAtBothEnds() {
    let pair = Pair()
    let found = pair.walk(0x40_1000, 0x2000)
    #expect(pair.ranges(found, 0) == [[0x40_1000, 0x10_1000, 0x2000]])
    #expect(pair.references(found, 1) == [[0x40_1000, 0x40_1000, 0x2000]])
    #expect(found.items[1].count == 1)
  }

  @Test func boundsWithinAPageTakeAllOfIt() {
    let pair = Pair()
    let found = pair.walk(0x40_0ffe, 4)
    #expect(pair.ranges(found, 0) == [[0x40_0000, 0x10_0000, 0x2000]])
    #expect(pair.references(found, 1) == [[0x40_0000, 0x40_0000, 0x2000]])
  }

  @Test func whatTheOwnerDidNotWalkIsWalkedHere() {
    let pair = Pair()
    // The first space's block is cut, the second one's at 0x8000_0000 is not: it is its own, in whole, while the
    // cut block at the same place is a reference.
    let found = pair.walk(0x40_2000, 0x8000_0000)
    #expect(pair.ranges(found, 0) == [[0x40_2000, 0x10_2000, 0x2000]])
    #expect(pair.references(found, 1) == [[0x40_2000, 0x40_2000, 0x1f_e000]])
    #expect(pair.ranges(found, 1) == [[0x8000_0000, 0x10_0000, 0x4000]])
  }

  @Test func theFirstOfTwoThatCoverAPartOwnsIt() {
    var pair = Pair()
    let three = pair.memory.makeSpace("three", scheme: pair.one.scheme)
    pair.memory.map(0x40_0000, to: pair.table, in: three, level: 2)
    // The first space has the part from 0x40_2000 on, the second at 0x8000_0000 all of it: the third's is the first's.
    let walk = walkSpaces(
      [pair.one.root, pair.two.root, three.root].spaces(three.scheme), in: pair.memory,
      from: VirtualAddress(0x40_2000))
    #expect(walk.references(of: 2).map(\.owner) == [0])
    #expect(walk.references(of: 2).map(\.theirVA.value) == [0x40_2000])
  }

  @Test func aBlockCutAtItsEndIsFoundInTheWholeOne() {
    let pair = Pair()
    // Up to the second page at 0x8000_0000; the first space has the table in whole.
    let found = pair.walk(0, 0x8000_2000)
    #expect(
      pair.references(found, 1) == [
        [0x40_0000, 0x40_0000, 0x20_0000], [0x8000_0000, 0x40_0000, 0x2000],
      ])
    #expect(pair.ranges(found, 1) == [])
  }

  @Test func aCutRootIsAReferenceToTheSamePart() {
    let pair = Pair()
    let walk = walkSpaces(
      [pair.one.root, pair.one.root].spaces(pair.one.scheme), in: pair.memory,
      from: VirtualAddress(0x40_1000), length: 0x5000)
    #expect(pair.references(walk, 1) == [[0x40_1000, 0x40_1000, 0x5000]])
    #expect(walk.references(of: 1).map(\.depth) == [0])
  }

  @Test func noLengthGivesNothing() {
    let found = Pair().walk(0x40_0000, 0)
    #expect(found.items == [[], []])
    #expect(found.isComplete)
    #expect(found.spaces.count == 2)
  }

  @Test func aLengthBeyondTheTopEndsThere() {
    var pair = Pair()
    pair.memory.map(0xffff_ffff_ffff_f000, to: 0x9000, in: pair.one)
    let found = pair.walk(0xffff_ffff_ffff_f800, .max)
    #expect(pair.ranges(found, 0) == [[0xffff_ffff_ffff_f000, 0x9000, 0x1000]])
  }

  @Test func boundsInTheGapCountAsTheNearestInside() {
    var pair = Pair()
    pair.memory.map(0x7fff_ffff_f000, to: 0x8000, in: pair.one)
    pair.memory.map(0xffff_8000_0000_0000, to: 0x9000, in: pair.one)
    #expect(
      pair.ranges(pair.walk(0x1234_0000_0000_0000, nil), 0) == [[0xffff_8000_0000_0000, 0x9000, 0x1000]])
    #expect(
      pair.ranges(pair.walk(0x7fff_ffff_f000, 0x1000_0000_0000_0000), 0) == [
        [0x7fff_ffff_f000, 0x8000, 0x1000], [0xffff_8000_0000_0000, 0x9000, 0x1000],
      ])
    // All of it lies in the gap.
    #expect(pair.walk(0x1234_0000_0000_0000, 0x1000).items == [[], []])
  }

  @Test func theLastPageIsTakenInWholeWhereTheLengthEndsInIt() {
    var pair = Pair()
    pair.memory.map(0xffff_ffff_ffff_e000, to: 0x9000, in: pair.one)
    #expect(
      pair.ranges(pair.walk(0, 0xffff_ffff_ffff_efff), 0).last == [0xffff_ffff_ffff_e000, 0x9000, 0x1000])
  }

  @Test func allTranslatedBitsFromTheBottomAreBothHalves() {
    var pair = Pair()
    pair.memory.map(0xffff_8000_0000_0000, to: 0x9000, in: pair.one)
    pair.memory.map(0xffff_ffff_ffff_f000, to: 0xa000, in: pair.one)
    let found = pair.ranges(pair.walk(0, 1 << 48), 0)
    #expect(found.first == [0x40_0000, 0x10_0000, 0x4000])
    #expect(
      found.dropFirst() == [
        [0xffff_8000_0000_0000, 0x9000, 0x1000], [0xffff_ffff_ffff_f000, 0xa000, 0x1000],
      ])
  }

  @Test func anUpperAddressNeedsNoSignExtension() {
    var pair = Pair()
    pair.memory.map(0xffff_8000_0000_0000, to: 0x9000, in: pair.one)
    pair.memory.map(0xffff_8000_0000_1000, to: 0xb000, in: pair.one)
    #expect(
      pair.ranges(pair.walk(0x8000_0000_0000, 0x1000), 0) == [[0xffff_8000_0000_0000, 0x9000, 0x1000]])
    #expect(pair.ranges(pair.walk(0x8000_0000_0000, 1 << 47), 0).count == 2)
  }

  /// The first space has the table where the range cuts it, the second where the range ends in it: what either cut
  /// leaves out must be told by the other.
  @Test func aClippedOwnerLosesNothing() {
    let scheme = X86.paging4Level()
    var memory = TableMemory()
    let one = memory.makeSpace("A", scheme: scheme)
    let two = memory.makeSpace("B", scheme: scheme)
    let table = memory.map(0x20_0000, to: 0x10_0000, in: one).table
    for page: UInt64 in 1..<8 { memory.map(0x20_0000 + page << 12, to: 0x10_0000 + page << 12, in: one) }
    memory.map(0x60_0000, to: table, in: two, level: 2)
    let walk = walkSpaces([one, two], in: memory, from: VirtualAddress(0x20_3000), length: 0x40_2000)
    let ranges = walk.items.map { items in
      items.compactMap { item -> [UInt64]? in
        guard case .mapping(let range, _) = item else { return nil }
        return [range.virtual.value, range.physical.value, range.length]
      }
    }
    #expect(ranges[0] == [[0x20_3000, 0x10_3000, 0x5000]])
    // Slots 0 to 4 of the same table: the first three are in no part that the first space walked.
    #expect(ranges[1] == [[0x60_0000, 0x10_0000, 0x5000]])
    #expect(walk.references(of: 1) == [])
  }

  @Test func nothingLiesAbove32BitAddresses() {
    let scheme = X86.paging32()
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: scheme)
    memory.map(0xffff_f000, to: 0x9000, in: space)
    func count(_ first: UInt64, _ length: UInt64?) -> Int {
      walkSpaces([space.root].spaces(scheme), in: memory, from: VirtualAddress(first), length: length)
        .items[0].count
    }
    #expect(count(0x1_0000_0000, nil) == 0)
    #expect(count(0xffff_ffff, 0x1_0000_0000) == 1)
  }

  @Test func noTableIsWalkedMoreOftenThanItsParts() {
    // One PT below every slot of one PD: walked once cut at its low end, once whole, once cut at its high end.
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: X86.paging4Level())
    let table = memory.map(0, to: 0x9000, in: space).table
    for slot: UInt64 in 1..<512 { memory.map(slot << 21, to: table, in: space, level: 2) }
    let before = memory.pageReads
    let found = walkSpaces(
      [space.root, space.root].spaces(space.scheme), in: memory, from: VirtualAddress(0x1000),
      length: 0x3fff_e000)
    // Root, PDPT and PD, then the PT cut and whole; its last block, cut, lies in the whole one.
    #expect(memory.pageReads - before == 5)
    #expect(found.spaces[0].references == 510)
    #expect(found.references(of: 0).last?.length == 0x1f_f000)
  }
}
