import PageTables
import TestSupport
import Testing

/// Tables made to map more than anybody can count.
@Suite(.timeLimit(.minutes(1))) struct SpaceMemoryHostileTests {
  private func use(_ memory: ComputedMemory, _ spaces: [AddressSpace]) throws -> [SpaceMemory] {
    let index = try #require(SpaceIndex(spaces, memory: memory))
    return try #require(index.memoryOfSpaces(in: memory, swapTest: { _ in { _ in true } }))
  }

  // Every page of the address space maps the one frame.
  @Test(arguments: X86.all()) func aPageThatPointsAtItselfIsOneFrame(scheme: PagingScheme) throws {
    // The root of PAE has reserved bits where rights stand, and allows all.
    let isPAE = scheme.name == "x86-pae"
    let memory = ComputedMemory(pages: 3, entrySize: scheme.levels[0].format.entrySize) { page, slot in
      isPAE && page == 0x2000 && slot < 4 ? 0x1001 : 0x1007
    }
    let root = PhysicalAddress(isPAE ? 0x2000 : 0x1000)
    let spaces = Array(repeating: AddressSpace(name: "", root: root, scheme: scheme), count: 100)
    for use in try use(memory, spaces) {
      #expect(
        use.userBytes == (scheme.virtualAddressBits == 64 ? .max : 1 << UInt64(scheme.virtualAddressBits)))
      #expect(use.residentBytes == 4096)
      // All mappings of all spaces are mappings of the one frame.
      #expect(use.proportionalBytes == 41 || !use.isComplete)
      #expect(use.swappedBytes == 0)
    }
  }

  // Each of 256 tables is a root, and each entry points at another one of them.
  @Test func manyRootsInATangle() throws {
    let memory = ComputedMemory(pages: 256, entrySize: 8) { page, slot in
      UInt64((Int(page >> 12) * 8 + slot * 8191 + 1) % 256) << 12 | 7
    }
    let roots = (0..<256).map { PhysicalAddress($0 << 12) }
    let use = try use(memory, roots.spaces(X86.paging4Level()))
    // Each frame is mapped 2^36 times, which no count holds.
    #expect(use.allSatisfy { $0.userBytes == 1 << 48 && $0.residentBytes == 1 << 20 && !$0.isComplete })
  }

  // One GiB as a page, mapped again and again, and in it a page that is mapped by itself: too much to look at each
  // time.
  @Test func partsOfHugePagesWithoutEndAreGivenUp() throws {
    let memory = ComputedMemory(pages: 5, entrySize: 8) { page, slot in
      switch (page >> 12, slot) {
      case (0, 0): 0x1007
      case (1, 0): 0x2007
      case (1, _): 0x87
      case (2, 0): 0x3007
      case (3, 0): 0x0007
      default: 0
      }
    }
    let index = try #require(
      SpaceIndex([PhysicalAddress(0)].spaces(X86.paging4Level()), memory: memory))
    let use = try #require(index.memoryOfSpaces(in: memory, limit: 10_000))
    #expect(use[0].userBytes == 511 << 30 + 4096 && use[0].residentBytes == 1 << 30)
    #expect(!use[0].isComplete)
    let all = try #require(index.memoryOfSpaces(in: memory))
    #expect(all[0].proportionalBytes == 1 << 30 && all[0].isComplete)
  }

  // Two tables that all spaces reach, of the same frames, and one of its own for each.
  @Test func tablesThatAllShareAndEachMapsAgainAreGivenUp() throws {
    let memory = ComputedMemory(pages: 0x800, entrySize: 8) { page, slot in
      switch (page >> 12, slot) {
      case (0..<0x200, 0): page + 0x20_0007
      case (0x200..<0x400, 0): page + 0x20_0007
      case (0x400..<0x600, 0): 0x60_0007
      case (0x400..<0x600, 1): 0x60_1007
      case (0x400..<0x600, 2): page + 0x20_0007
      case (0x600..<0x602, _): UInt64(slot) << 12 | 7
      case (0x602..., 3): page | 7
      default: 0
      }
    }
    let roots = (0..<0x200 as Range<UInt64>).map { PhysicalAddress($0 << 12) }
    let index = try #require(SpaceIndex(roots.spaces(X86.paging4Level()), memory: memory))
    let use = try #require(index.memoryOfSpaces(in: memory, limit: 100_000))
    #expect(use.contains { !$0.isComplete } && use.contains { $0.isComplete })
    #expect(use.allSatisfy { $0.residentBytes <= 513 << 12 })
    #expect(use.dropFirst(2).allSatisfy { !$0.isComplete || $0.residentBytes == 513 << 12 })
    let all = try #require(index.memoryOfSpaces(in: memory))
    #expect(all.dropFirst(2).allSatisfy { $0.residentBytes == 513 << 12 && $0.isComplete })
  }

  @Test(arguments: RandomTables.schemes, 0..<6 as Range<UInt64>)
  func memoryThatChangesMeanwhileDoesNoHarm(scheme: String, seed: UInt64) throws {
    let tables = RandomTables(scheme: scheme, seed: seed)
    let memory = ChangingMemory(over: tables.memory, pages: tables.tables, seed: seed)
    let spaces = tables.spaces + tables.spaces.reversed()
    for _ in 0..<20 {
      let index = try #require(SpaceIndex(spaces, memory: memory))
      let use = index.memoryOfSpaces(in: memory, swapTest: { _ in { $0.raw & 2 != 0 } })
      #expect(use?.count == spaces.count)
    }
  }
}
