import PageTables
import TestSupport
import Testing

/// Who maps a frame, over all spaces.
@Suite struct AliasTests {
  private let scheme = X86.paging4Level()

  private func index(_ spaces: [AddressSpace], _ memory: TableMemory) throws -> SpaceIndex {
    try #require(SpaceIndex(spaces, memory: memory))
  }

  private func pairs(_ aliases: [Alias]) -> Set<String> {
    Set(aliases.map { "\($0.spaceNumber) \(String($0.virtual.value, radix: 16))" })
  }

  // A plain walk of every space finds the same addresses for every frame that any of them maps.
  @Test(arguments: RandomTables.schemes, 0..<40 as Range<UInt64>)
  func everyAliasOfEveryFrameIsFound(scheme: String, seed: UInt64) throws {
    let tables = RandomTables(scheme: scheme, seed: seed)
    let index = try #require(SpaceIndex(tables.spaces, memory: tables.memory))
    var expected: [UInt64: Set<String>] = [:]
    for (spaceNumber, naive) in tables.naive.enumerated() {
      guard let survey = naive.survey(limit: 3000) else { continue }
      for page in survey.pages {
        // Inside of huge pages, one frame near each end.
        for offset in Set([0, page.size - 4096]) {
          expected[page.physical &+ offset, default: []]
            .insert("\(spaceNumber) \(String(page.virtual &+ offset, radix: 16))")
        }
      }
    }
    for (frame, spaceNumbers) in expected {
      let aliases = index.aliases(of: PhysicalAddress(frame), in: tables.memory)
      let members = aliases.groups.flatMap {
        index.members(of: $0, mapping: PhysicalAddress(frame), limit: 1 << 20)
      }
      // Other huge pages may cover the frame, too: what was expected is among what was found, and the count is
      // that of what was found.
      #expect(pairs(members).isSuperset(of: spaceNumbers))
      #expect(aliases.count == UInt64(members.count))
      for (group, member) in zip(
        aliases.groups,
        aliases.groups.map { index.members(of: $0, mapping: PhysicalAddress(frame), limit: 1 << 20) })
      {
        #expect(member.first == group.first)
        #expect(Set(member.map(\.spaceNumber)).count == group.spaces)
        for alias in member {
          let page = tables.spaces[alias.spaceNumber].translate(alias.virtual, in: tables.memory).page
          #expect(page?.physical.value == frame)
          #expect(page?.access == alias.access)
        }
      }
    }
  }

  // Leaves strewn over far more memory than one table's buckets hold.
  @Test func leavesOfAStrewnTableAreAllFound() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    for page in 0..<512 as Range<UInt64> {
      memory.map(0x4000_0000 + page << 12, to: 0x1_0000_0000 + (page * 0x1_2345) << 12, in: space)
    }
    memory.map(0x1000, to: 0x1_0000_0000, in: space)
    let index = try index([space], memory)
    for page in 0..<512 as Range<UInt64> {
      let frame = PhysicalAddress(0x1_0000_0000 + (page * 0x1_2345) << 12)
      let found = index.aliases(of: frame, in: memory).groups.map(\.first.virtual.value)
      #expect(found == (page == 0 ? [0x1000] : []) + [0x4000_0000 + page << 12])
    }
    #expect(index.aliases(of: PhysicalAddress(0x1_0000_1000), in: memory).count == 0)
  }

  // Supervisor tables that point at each other, which no user path ends.
  @Test func tangleOfSupervisorTablesIsDoneSoon() throws {
    let memory = ComputedMemory(pages: 64, entrySize: 8) { page, slot in
      (page &+ UInt64(slot * 7 + 1) << 12) & 0x3_f000 | (page == 0x5000 && slot == 9 ? 7 : 3)
    }
    let spaces = (1...8).map { AddressSpace(name: "", root: PhysicalAddress($0 << 12), scheme: scheme) }
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let aliases = index.aliases(of: PhysicalAddress(0x7000), in: memory)
    // 64 tables with 8 entries for each page; 8 times 2^36 addresses, over 64 frames alike.
    #expect(aliases.groupCount == 64 * 8)
    #expect(aliases.count == 1 << 33)
    _ = Mirrors(of: index, in: memory)
    _ = Findings(of: index, in: memory) { $0.upperHalf }
  }

  @Test func groupsBeyondTheLimitAreCountedAllTheSame() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    for page in 0..<20 as Range<UInt64> { memory.map(page << 12, to: 0x9000, in: space) }
    let index = try index([space], memory)
    let aliases = index.aliases(of: PhysicalAddress(0x9000), in: memory, limit: 3)
    #expect(aliases.groups.count == 3)
    #expect(aliases.groupCount == 20)
    #expect(aliases.count == 20)
  }

  @Test func sharedTableIsOneGroup() throws {
    var memory = TableMemory()
    let first = memory.makeSpace("first", scheme: scheme)
    memory.map(0x40_0000, to: 0x5000, in: first)
    let second = memory.makeSpace("second", scheme: scheme)
    let below = try #require(memory.entry(table: first.root.value, slot: 0))
    memory.set(table: second.root.value, slot: 3, to: below)
    let third = memory.makeSpace("third", scheme: scheme)
    memory.map(0x7000, to: 0x5000, in: third)
    let index = try index([first, second, third], memory)
    let aliases = index.aliases(of: PhysicalAddress(0x5010), in: memory)
    #expect(aliases.count == 3)
    #expect(aliases.groups.map(\.kind) == [.sharedTable, .entry])
    #expect(aliases.groups.map(\.spaces) == [2, 1])
    #expect(
      index.members(of: aliases.groups[0], mapping: aliases.physical, limit: 10).map(\.virtual.value)
        == [0x40_0010, 3 << 39 + 0x40_0010])
  }

  @Test func recursiveSlotShowsTheTableThroughItself() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    let (table, _) = memory.map(0x1000, to: 0x9000, in: space)
    memory.set(table: space.root.value, slot: 493, to: space.root.value | 3)
    let index = try index([space], memory)
    let aliases = index.aliases(of: PhysicalAddress(table), in: memory)
    // The page table of address 0 appears at the start of the window of slot 493 (Intel SDM Vol. 3A, 4.5: three
    // of the four levels walked give its place).
    #expect(aliases.groups.map(\.kind) == [.recursive])
    #expect(aliases.groups.map(\.first.virtual.value) == [0xffff_f680_0000_0000])
    #expect(aliases.groups.map(\.first.access) == [[.write, .execute]])
  }

  @Test func countsOfHostilePathsSaturateAndListsStayBounded() throws {
    let flags: UInt64 = 7
    let memory = ComputedMemory(pages: 2, entrySize: 8) { _, _ in 0x1000 | flags }
    let six = X86.paging5Level()
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: six)
    let index = try #require(SpaceIndex([space], memory: memory))
    let aliases = index.aliases(of: PhysicalAddress(0x1000), in: memory)
    #expect(aliases.groups.count == 512)
    #expect(aliases.count == 1 << 45)
    #expect(index.members(of: aliases.groups[0], mapping: aliases.physical, limit: 7).count == 7)
  }

  @Test func pagesOfOtherSizesAreFoundByAnyOfTheirFrames() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0x4000_0000, to: 0x8000_0000, in: space, level: 1, flags: 0x87)
    memory.map(0x20_0000, to: 0x8020_0000, in: space, level: 2, flags: 0x87)
    memory.map(0x1000, to: 0x8020_3000, in: space)
    let index = try index([space], memory)
    let aliases = index.aliases(of: PhysicalAddress(0x8020_3456), in: memory)
    #expect(aliases.groups.map(\.first.virtual.value) == [0x1456, 0x20_3456, 0x4020_3456])
    #expect(aliases.groups.map(\.pageSize) == [0x1000, 0x20_0000, 0x4000_0000])
    #expect(index.aliases(of: PhysicalAddress(0x7fff_f000), in: memory).groups.isEmpty)
  }

  @Test func whatAPageIsUsedAsSaysEveryLevel() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.set(table: space.root.value, slot: 511, to: space.root.value | 3)
    let index = try index([space], memory)
    #expect(index.tables(at: space.root.frame).map(\.table.level) == [0, 1, 2, 3])
    #expect(index.tableCount == 4)
    #expect(index.sharedTableCount == 0)
  }
}
