import PageTables
import TestSupport
import Testing

/// Which spaces count in what is shared: freed roots and copies of one space do not.
@Suite struct CountedSpaceTests {
  private let scheme = X86.paging4Level()
  private let frame: UInt64 = 0x5000

  /// Spaces with the same table below their first slot, in which one page is open to the user.
  private func spaces(_ count: Int) throws -> (TableMemory, [AddressSpace], TableReference) {
    var memory = TableMemory()
    let first = memory.makeSpace("space 0", scheme: scheme)
    memory.map(0x1000, to: frame, in: first)
    let entry = try #require(memory.entry(table: first.root.value, slot: 0))
    var spaces = [first]
    for number in 1..<count {
      spaces.append(memory.makeSpace("space \(number)", scheme: scheme))
      memory.set(table: spaces[number].root.value, slot: 0, to: entry)
    }
    return (memory, spaces, TableReference(address: PhysicalAddress(entry & ~0xfff), level: 1))
  }

  @Test func aFreedRootTakesNothingFromOthers() throws {
    let (memory, spaces, table) = try spaces(3)
    let index = try #require(SpaceIndex(spaces, memory: memory, freed: [1, 2]))
    #expect(index.sharing(of: table, in: 0, window: 0)?.spaces == 1)
    #expect(index.sharedTableCount == 0)
  }

  @Test func whatOnlyFreedRootsReachCountsAmongThem() throws {
    let (memory, spaces, table) = try spaces(2)
    let index = try #require(SpaceIndex(spaces, memory: memory, freed: [0, 1]))
    #expect(index.sharing(of: table, in: 0, window: 0)?.spaces == 2)
  }

  @Test(arguments: [0, 1]) func aSpaceSharesNothingWithItsOwnCopy(asked: Int) throws {
    let (memory, spaces, _) = try spaces(4)
    let index = try #require(SpaceIndex(spaces, memory: memory, copies: [1: 0, 3: 2]))
    #expect(index.sharers(of: asked, in: memory).map(\.spaceNumber) == [2])
  }

  @Test func aPageOfItsOwnIsNotSharedByItsCopyOrAFreedRoot() throws {
    let (memory, spaces, _) = try spaces(3)
    func kinds(copies: [Int: Int] = [:], freed: Set<Int> = []) throws -> [AliasKind] {
      let index = try #require(SpaceIndex(spaces, memory: memory, copies: copies, freed: freed))
      return index.aliases(of: PhysicalAddress(frame), in: memory).groups.map(\.kind)
    }
    #expect(try kinds() == [.sharedTable])
    #expect(try kinds(copies: [1: 0], freed: [2]) == [.entry])
    #expect(try kinds(copies: [1: 0]) == [.sharedTable])
  }

  @Test func freedRootsShareLast() throws {
    let (memory, spaces, _) = try spaces(3)
    let index = try #require(SpaceIndex(spaces, memory: memory, freed: [1]))
    #expect(index.sharers(of: 0, in: memory).map(\.spaceNumber) == [2, 1])
  }

  @Test func bothCopiesAreOneUserOfAMirror() throws {
    var (memory, spaces, _) = try spaces(2)
    memory.map(0xffff_c000_0000_0000, to: frame, in: spaces[0], flags: 3, tableFlags: 3)
    let index = try #require(SpaceIndex(spaces, memory: memory, copies: [1: 0]))
    let mirrors = Mirrors(of: index, in: memory)
    #expect(mirrors.all.map(\.userMappings) == [1])
  }
}
