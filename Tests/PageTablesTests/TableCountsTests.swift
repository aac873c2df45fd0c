import PageTables
import TestSupport
import Testing

/// Owners, paths and rights over the graph.
@Suite struct TableCountsTests {
  private let scheme = X86.paging4Level()

  @Test func ownerIsTheFirstSpaceInTheOrderGiven() throws {
    var memory = TableMemory()
    let first = memory.makeSpace("first", scheme: scheme)
    let second = memory.makeSpace("second", scheme: scheme)
    memory.map(0xffff_8000_0000_0000, to: 0x5000, in: second)
    let kernel = try #require(memory.entry(table: second.root.value, slot: 256))
    memory.set(table: first.root.value, slot: 300, to: kernel)
    for (roots, owner) in [([first, second], 0), ([second, first], 0), ([second], 0)] {
      let graph = try #require(TableGraph(roots: roots.map(\.root), scheme: scheme, memory: memory))
      let counts = TableCounts(graph)
      let node = try #require(
        graph.node(of: TableReference(address: PhysicalAddress(kernel & ~0xfff), level: 1)))
      #expect(counts.owners[node] == owner)
      #expect(counts.spaces[node] == roots.count)
    }
  }

  @Test func pathsMultiplyAndSaturate() throws {
    let memory = ComputedMemory(pages: 2, entrySize: 8) { _, _ in 0x1007 }
    let long = X86.paging5Level()
    let graph = try #require(TableGraph(roots: [PhysicalAddress(0x1000)], scheme: long, memory: memory))
    #expect(TableCounts(graph).paths == [1, 1 << 9, 1 << 18, 1 << 27, 1 << 36])
    #expect(graph.leavesBelow()[0] == 1 << 45)
    // 2^36 paths from each of 2^28 roots would be 2^64; twice the same root is enough to see that places count.
    let twice = [PhysicalAddress(0x1000), PhysicalAddress(0x1000)]
    let both = try #require(TableGraph(roots: twice, scheme: long, memory: memory))
    #expect(TableCounts(both).paths == [2, 2 << 9, 2 << 18, 2 << 27, 2 << 36])
    #expect(TableCounts(both).spaces.allSatisfy { $0 == 2 })
  }

  // More roots than one batch of 64 holds, one of them given three times.
  @Test func manyRootsAreAllCounted() throws {
    var memory = TableMemory()
    let kernel = memory.makeSpace("kernel", scheme: scheme)
    memory.map(0xffff_8000_0000_0000, to: 0x5000, in: kernel)
    let entry = try #require(memory.entry(table: kernel.root.value, slot: 256))
    var roots = [kernel.root]
    for _ in 0..<150 {
      let space = memory.makeSpace("", scheme: scheme)
      memory.set(table: space.root.value, slot: 256, to: entry)
      roots.append(space.root)
    }
    roots += [roots[7], roots[7]]
    let graph = try #require(TableGraph(roots: roots, scheme: scheme, memory: memory))
    let counts = TableCounts(graph)
    let shared = try #require(
      graph.node(of: TableReference(address: PhysicalAddress(entry & ~0xfff), level: 1)))
    #expect(counts.spaces[shared] == 153)
    #expect(counts.paths[shared] == 153)
    let given = try #require(graph.roots[7])
    #expect(counts.spaces[given] == 3)
  }
}
