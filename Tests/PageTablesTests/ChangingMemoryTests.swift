import PageTables
import Synchronization
import TestSupport
import Testing

/// Memory that is written while it is read: nothing may trap, loop or read out of bounds, whatever comes at a second
/// reading of the same page.
@Suite struct ChangingMemoryTests {
  private final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }

  /// A table that maps one page while the graph is made, and later as many frames as it has entries.
  private struct GrowingTable: PhysicalMemory {
    let base: TableMemory
    let table: UInt64
    let quietReadings: Int
    let readings = Counter()

    var extent: MemoryExtent { base.extent }

    func withPage<Result>(
      at address: PhysicalAddress, _ body: (RawSpan) -> Result
    ) throws(MissingPage) -> Result {
      guard address.frameStart.value == table,
        readings.value.add(1, ordering: .relaxed).newValue > quietReadings
      else { return try base.withPage(at: address, body) }
      let full = (0..<512).map { UInt64($0) << 20 | 7 }
      return body(full.span.bytes)
    }
  }

  // The graph reads the table once, the index twice: to make room, and to fill it.
  @Test(arguments: [1, 2, 3]) func leavesThatCameBetweenTwoReadingsAreLeftOut(quietReadings: Int) throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    let (table, _) = memory.map(0x1000, to: 0x5000, in: space)
    let growing = GrowingTable(base: memory, table: table, quietReadings: quietReadings)
    let index = try #require(SpaceIndex([space], memory: growing))
    // Bit 12 to 51 of the entry in slot 0 (Intel SDM Vol. 3A, table 4-20): the table maps frame 0 by now.
    let aliases = index.aliases(of: PhysicalAddress(0), in: growing)
    #expect(aliases.groups.allSatisfy { $0.slot == 0 && $0.table.address.value == table })
  }

  /// Random tables, each space once more under another name.
  private func tables(
    _ scheme: String, _ seed: UInt64
  ) -> (spaces: [AddressSpace], scheme: PagingScheme, memory: ChangingMemory) {
    let tables = RandomTables(scheme: scheme, seed: seed)
    let memory = ChangingMemory(over: tables.memory, pages: tables.tables, seed: seed)
    return (tables.spaces + tables.spaces.reversed(), tables.spaces[0].scheme, memory)
  }

  private static let seeds: [UInt64] = Array(0..<6)

  @Test(arguments: RandomTables.schemes, seeds)
  func whatAnIndexTellsEnds(scheme: String, seed: UInt64) throws {
    let (spaces, _, memory) = tables(scheme, seed)
    let graph = try #require(TableGraph(roots: spaces.map(\.root), scheme: spaces[0].scheme, memory: memory))
    #expect(graph.brokenInvariants() == [])
    let index = try #require(SpaceIndex(spaces, memory: memory))
    #expect(index.tables.count == index.tableCount)
    for table in index.tables.prefix(20) {
      _ = index.arrivals(at: table.table, in: 0, window: 0, limit: 100)
      let aliases = index.aliases(of: table.table.address, in: memory, limit: 1000)
      for group in aliases.groups.prefix(20) {
        #expect(index.members(of: group, mapping: aliases.physical, limit: 50).count <= 50)
      }
      #expect(index.spaceCount(of: aliases) <= spaces.count)
    }
    for mirror in Mirrors(of: index, in: memory).all.prefix(1000) { #expect(mirror.length > 0) }
    for finding in Findings(of: index, in: memory, kernelStart: \.upperHalf).all.prefix(1000) {
      #expect(spaces.indices.contains(finding.spaceNumber) && finding.length > 0)
    }
    for spaceNumber in spaces.indices {
      #expect(index.sharers(of: spaceNumber, in: memory, limit: 1 << 16).allSatisfy { $0.pages > 0 })
    }
  }

  @Test(arguments: RandomTables.schemes, seeds)
  func whatWalksEnds(scheme name: String, seed: UInt64) throws {
    let (spaces, scheme, memory) = tables(name, seed)
    var options = WalkSpacesOptions()
    options.listsTables = true
    let walk = walkSpaces(spaces.map(\.root).spaces(scheme), in: memory, options: options)
    #expect(walk.items.count == spaces.count)
    var random = SeededRandom(seed: seed)
    for space in spaces {
      var left = 2000
      _ = space.forEachRange(in: memory, from: VirtualAddress(random.next())) { range in
        left -= 1
        return range.length > 0 && left > 0
      }
      left = 2000
      _ = space.forEachLeafAndMark(
        in: memory,
        leaf: { _ in
          left -= 1
          return left > 0
        },
        mark: { _ in
          left -= 1
          return left > 0
        })
      for _ in 0..<50 {
        let translation = space.translate(scheme.canonical(random.next()), in: memory)
        #expect(translation.steps.count <= scheme.levels.count)
      }
      for level in scheme.levels.indices {
        _ = try? scheme.runs(of: TableReference(address: space.root, level: level), in: memory)
      }
    }
  }

  @Test(arguments: RandomTables.schemes, seeds)
  func aRebuiltImageHoldsTogether(scheme name: String, seed: UInt64) throws {
    let (spaces, scheme, memory) = tables(name, seed)
    guard let rebuilt = try? rebuild(spaces.map(\.root), scheme: scheme, in: memory) else { return }
    let graph = try #require(TableGraph(roots: rebuilt.roots, scheme: scheme, memory: rebuilt.memory))
    // What was copied is one moment of every table: nothing leads out of the image that did not before.
    #expect(graph.count <= rebuilt.tables)
    #expect(graph.brokenInvariants() == [])
  }
}
