import PageTables
import TestSupport
import Testing

/// Spaces of several paging schemes in one list.
@Suite struct SpacesOfManySchemesTests {
  /// Two pairs of spaces that share a table each, of different schemes, one between the others.
  private func spaces() throws -> (spaces: [AddressSpace], memory: TableMemory) {
    var memory = TableMemory()
    let long = X86.paging4Level()
    let short = X86.paging32()
    let spaces = [
      memory.makeSpace("long 1", scheme: long), memory.makeSpace("short 1", scheme: short),
      memory.makeSpace("long 2", scheme: long), memory.makeSpace("short 2", scheme: short),
    ]
    memory.map(0x40_0000, to: 0x5000, in: spaces[0])
    memory.map(0x40_0000, to: 0x5000, in: spaces[1])
    for (first, second, slot) in [(0, 2, 0), (1, 3, 1)] {
      let size = spaces[first].scheme.levels[0].format.entrySize
      let entry = try #require(memory.entry(table: spaces[first].root.value, slot: slot, size: size))
      memory.set(table: spaces[second].root.value, slot: slot, to: entry, size: size)
    }
    return (spaces, memory)
  }

  @Test func referencesNamePlacesInTheWholeList() throws {
    let (spaces, memory) = try spaces()
    var found: [[Int]] = []
    let walked = forEachSpaceItem(of: spaces, in: memory) { spaceNumber, item in
      if case .reference(let reference, _, _) = item {
        found.append([spaceNumber, reference.owner, reference.depth])
      }
      return true
    }
    #expect(found == [[2, 0, 1], [3, 1, 1]])
    #expect(walked.map(\.references) == [0, 0, 1, 1])
    #expect(walked.map(\.root) == spaces.map(\.root))
  }

  @Test func stoppingStopsTheSchemesBehind() throws {
    let (spaces, memory) = try spaces()
    var items = 0
    _ = forEachSpaceItem(of: spaces, in: memory) { _, _ in
      items += 1
      return false
    }
    #expect(items == 1)
  }

  @Test func aliasesAreFoundInAllOfThem() throws {
    let (spaces, memory) = try spaces()
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let aliases = index.aliases(of: PhysicalAddress(0x5123), in: memory)
    #expect(aliases.groups.map(\.first.spaceNumber) == [0, 1])
    #expect(aliases.count == 4)
    let members = aliases.groups.flatMap { index.members(of: $0, mapping: aliases.physical, limit: 9) }
    #expect(members.map(\.spaceNumber) == [0, 2, 1, 3])
    #expect(index.tableCountsOfSpaces.map(\.tables) == [4, 2, 4, 2])
    #expect(index.tableCountsOfSpaces.map(\.shared) == [3, 1, 3, 1])
  }
}
