import PageTables
import TestSupport
import Testing

/// The graph of tables that several spaces reach.
@Suite struct TableGraphTests {
  private let scheme = X86.paging4Level()

  /// Two spaces with a page of their own each, over one kernel half of a single page.
  private func twoSpaces() -> (spaces: [AddressSpace], memory: TableMemory) {
    var memory = TableMemory()
    let first = memory.makeSpace("first", scheme: scheme)
    memory.map(0xffff_8000_0000_0000, to: 0x5000, in: first)
    memory.map(0x1000, to: 0x6000, in: first)
    let second = memory.makeSpace("second", scheme: scheme)
    memory.map(0x1000, to: 0x7000, in: second)
    let kernel = memory.entry(table: first.root.value, slot: 256) ?? 0
    memory.set(table: second.root.value, slot: 256, to: kernel)
    return ([first, second], memory)
  }

  @Test func eachTableIsReadOnce() throws {
    let (spaces, memory) = twoSpaces()
    let graph = try #require(TableGraph(roots: spaces.map(\.root), scheme: scheme, memory: memory))
    // Two roots, three tables below each user half, three below the kernel's.
    #expect(graph.count == 2 + 3 + 3 + 3)
    #expect(memory.pageReads == graph.count)
    #expect(graph.brokenInvariants() == [])
    #expect(Set(graph.tables).count == graph.count)
  }

  @Test func spacesReachingCountsRoots() throws {
    let (spaces, memory) = twoSpaces()
    let graph = try #require(TableGraph(roots: spaces.map(\.root), scheme: scheme, memory: memory))
    let reaching = TableCounts(graph).spaces
    #expect(reaching.count(where: { $0 == 2 }) == 3)
    #expect(reaching.count(where: { $0 == 1 }) == 8)
    let index = try #require(SpaceIndex(spaces, memory: memory))
    #expect(index.tableCountsOfSpaces.map(\.tables) == [7, 7])
    #expect(index.tableCountsOfSpaces.map(\.shared) == [3, 3])
  }

  @Test func nodesStandLevelByLevelWithRootsFirst() throws {
    let (spaces, memory) = twoSpaces()
    let graph = try #require(TableGraph(roots: spaces.map(\.root), scheme: scheme, memory: memory))
    #expect(graph.roots == [0, 1])
    #expect(graph.tables.map(\.level) == graph.tables.map(\.level).sorted())
    for node in 0..<graph.count {
      for child in graph.children(of: node) {
        #expect(graph.table(Int(child)).level == graph.table(node).level + 1)
      }
    }
  }

  @Test func childrenStandInSlotOrder() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    let tables = [0x80_0000, 0x70_0000, 0x80_0000, 0x60_0000] as [UInt64]
    for (slot, table) in tables.enumerated() {
      memory.addPage(table)
      memory.set(table: space.root.value, slot: slot * 3, to: table | 7)
    }
    let graph = try #require(TableGraph(roots: [space.root], scheme: scheme, memory: memory))
    #expect(graph.children(of: 0).map { graph.table(Int($0)).address.value } == tables)
  }

  @Test func onePageAtTwoLevelsIsTwoTables() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.set(table: space.root.value, slot: 511, to: space.root.value | 3)
    let graph = try #require(TableGraph(roots: [space.root], scheme: scheme, memory: memory))
    #expect(graph.tables == (0...3).map { TableReference(address: space.root, level: $0) })
    #expect(graph.leaves == [0, 0, 0, 1])
  }

  @Test func sameRootTwiceIsOneNodeAndTwoSpaces() throws {
    let (spaces, memory) = twoSpaces()
    let root = spaces[0].root
    let graph = try #require(TableGraph(roots: [root, root], scheme: scheme, memory: memory))
    #expect(graph.roots == [0, 0])
    #expect(TableCounts(graph).spaces == Array(repeating: 2, count: 7))
  }

  @Test func unreadableTablesAreCountedAndNoNodes() throws {
    var (spaces, memory) = twoSpaces()
    let kernel = (memory.entry(table: spaces[0].root.value, slot: 256) ?? 0) & ~0xfff
    memory.removePage(kernel)
    let roots = [spaces[0].root, PhysicalAddress(0x9999_0000), spaces[1].root]
    let graph = try #require(TableGraph(roots: roots, scheme: scheme, memory: memory))
    #expect(graph.roots == [0, nil, 1])
    #expect(graph.missingTables == 2)
    #expect(!graph.tables.contains { $0.address.value == kernel })
    #expect(graph.bytesBelow()[0] == 0x1000)
  }

  @Test func malformedEntriesAreCountedAndLeadNowhere() throws {
    var (spaces, memory) = twoSpaces()
    memory.set(table: spaces[0].root.value, slot: 7, to: spaces[1].root.value | 0x87)
    let graph = try #require(TableGraph(roots: [spaces[0].root], scheme: scheme, memory: memory))
    #expect(graph.malformedEntries == 1)
    #expect(graph.count == 7)
  }

  @Test func hugePagesCountTheirOwnSize() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0, to: 0x4000_0000, in: space, level: 1, flags: 0x87)
    memory.map(0x4000_0000, to: 0x20_0000, in: space, level: 2, flags: 0x87)
    memory.map(0x4020_0000, to: 0x5000, in: space)
    let graph = try #require(TableGraph(roots: [space.root], scheme: scheme, memory: memory))
    #expect(graph.bytesBelow()[0] == 1 << 30 + 2 << 20 + 1 << 12)
    #expect(graph.leaves == [0, 1, 1, 1])
  }

  @Test func cancelledWorkGivesNothing() {
    let (spaces, memory) = twoSpaces()
    let graph = TableGraph(roots: spaces.map(\.root), scheme: scheme, memory: memory) { _, _ in false }
    #expect(graph == nil)
    #expect(memory.pageReads == 0)
  }

  @Test func noRootsGiveAnEmptyGraph() {
    let graph = TableGraph(roots: [], scheme: scheme, memory: TableMemory())
    #expect(graph?.count == 0)
    #expect(graph?.bytesBelow() == [])
  }
}
