import PageTables
import TestSupport
import Testing

/// Memories made to hang a walker, to overflow its counts or to make it crash.
@Suite struct HostileMemoryTests {
  private static let schemes = X86.all()

  /// One page at 0x1000, all of whose entries point at itself, present, in a form that every level takes.
  private func selfPointing(_ scheme: PagingScheme) -> ComputedMemory {
    let flags: UInt64 = scheme.name == "x86-pae" ? 1 : 7
    return ComputedMemory(pages: 2, entrySize: scheme.levels[0].format.entrySize) { _, _ in 0x1000 | flags }
  }

  @Test(arguments: schemes) func boundedWalkOfASelfPointingPageEnds(scheme: PagingScheme) {
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: scheme)
    let memory = selfPointing(scheme)
    var bytes: UInt64 = 0
    var first: MappedRange?
    let summary = space.forEachRange(
      in: memory, from: VirtualAddress(0x1234_5000), through: VirtualAddress(0x1274_4fff),
      merging: .virtualOnly
    ) {
      if first == nil { first = $0 }
      bytes += $0.length
      return true
    }
    #expect(bytes == 0x40_0000)
    #expect(first?.virtual.value == 0x1234_5000)
    #expect(summary.leaves == 1024)
    #expect(summary.isComplete)
  }

  @Test(arguments: schemes) func walkOfASelfPointingPageStopsWhenTold(scheme: PagingScheme) {
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: scheme)
    var leaves = 0
    let summary = space.forEachLeaf(in: selfPointing(scheme)) { _ in
      leaves += 1
      return leaves < 2000
    }
    #expect(leaves == 2000)
    #expect(!summary.isComplete)
  }

  @Test(arguments: schemes) func graphOfASelfPointingPageHasOneNodeALevel(scheme: PagingScheme) throws {
    let memory = selfPointing(scheme)
    let graph = try #require(TableGraph(roots: [PhysicalAddress(0x1000)], scheme: scheme, memory: memory))
    let perTable = scheme.levels.map(\.entryCount)
    #expect(graph.count == scheme.levels.count)
    #expect(memory.pageReads == scheme.levels.count)
    #expect((0..<graph.count).map { graph.children(of: $0).count } == perTable.dropLast() + [0])
    #expect(graph.leaves.last == perTable.last)
    // All of the address space is mapped.
    #expect(graph.bytesBelow()[0] == 1 << UInt64(scheme.virtualAddressBits))
  }

  // Every page of the address space maps the one frame.
  @Test(arguments: schemes) func aliasesOfASelfPointingPageAreAllOfTheSpace(scheme: PagingScheme) throws {
    let memory = selfPointing(scheme)
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: scheme)
    let index = try #require(SpaceIndex([space], memory: memory))
    let aliases = index.aliases(of: PhysicalAddress(0x1fff), in: memory)
    #expect(aliases.count == 1 << UInt64(scheme.virtualAddressBits - 12))
    #expect(aliases.groups.count == scheme.levels.last?.entryCount)
    #expect(aliases.groups.allSatisfy { $0.kind == .recursive })
    #expect(index.members(of: aliases.groups[0], mapping: aliases.physical, limit: 5).count == 5)
    #expect(Mirrors(of: index, in: memory).isComplete)
    #expect(index.tables(at: Frame(1)).count == scheme.levels.count)
  }

  @Test func aliasesOfHostilePathsSaturate() throws {
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: sixLevels)
    let memory = selfPointing(sixLevels)
    let spaces = Array(repeating: space, count: 4096)
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let aliases = index.aliases(of: PhysicalAddress(0x1000), in: memory)
    // 2^52 pages of each of 2^12 spaces.
    #expect(aliases.count == .max)
    #expect(aliases.groups.allSatisfy { $0.spaces == 4096 && $0.count == 1 << 55 })
  }

  /// Six levels over 64 address bits: what no x86 has, built from its own levels.
  private var sixLevels: PagingScheme {
    let long = X86.paging5Level()
    let top = PagingLevel(
      name: "PML6", shift: 57, indexBits: 7, format: long.levels[0].format,
      tableFields: long.levels[0].tableFields, leafFields: [])
    return PagingScheme(
      name: "six", title: "six levels", virtualAddressBits: 64, isSignExtended: false, rootRegister: "CR3",
      rootAddress: long.rootAddress, rootAlignment: 4096, levels: [top] + long.levels, marks: [])
  }

  @Test func bytesBelowSaturate() throws {
    let scheme = sixLevels
    let graph = try #require(
      TableGraph(roots: [PhysicalAddress(0x1000)], scheme: scheme, memory: selfPointing(scheme)))
    // 2^64 bytes do not fit 64 bits; 2^57, one level down, do.
    #expect(graph.bytesBelow()[0] == .max)
    #expect(graph.bytesBelow()[1] == 1 << 57)
  }

  @Test func sixtyFourAddressBitsAreWalkedToTheLastByte() {
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: sixLevels)
    var last: MappedRange?
    let summary = space.forEachRange(
      in: selfPointing(sixLevels), from: VirtualAddress(.max - 0x2fff), through: VirtualAddress(.max),
      merging: .virtualOnly
    ) {
      last = $0
      return true
    }
    #expect(last?.virtual.value == UInt64.max - 0x2fff)
    #expect(last?.length == 0x3000)
    #expect(last?.end == 0)
    #expect(summary.leaves == 3)
  }

  // 2^9 paths to the power of the levels, over 512 tables that all point at each other.
  @Test(arguments: [X86.paging4Level(), X86.paging5Level()])
  func tablesThatAllPointAtEachOther(scheme: PagingScheme) throws {
    let memory = ComputedMemory(pages: 512, entrySize: 8) { _, slot in UInt64(slot) << 12 | 7 }
    let graph = try #require(TableGraph(roots: [PhysicalAddress(0)], scheme: scheme, memory: memory))
    #expect(graph.count == 1 + 512 * (scheme.levels.count - 1))
    #expect(memory.pageReads == graph.count)
    #expect(graph.brokenInvariants() == [])
    #expect(TableCounts(graph).spaces.allSatisfy { $0 == 1 })
    #expect(graph.bytesBelow()[0] == 1 << UInt64(scheme.virtualAddressBits))
  }

  // 4096 tables, each entry of which points at another one of them.
  @Test func fourThousandTablesInATangle() throws {
    let memory = ComputedMemory(pages: 4096, entrySize: 8) { page, slot in
      let target = page &+ UInt64(slot + 1) << 12
      return target & 0xff_f000 | 7
    }
    let graph = try #require(
      TableGraph(roots: [PhysicalAddress(0)], scheme: X86.paging4Level(), memory: memory))
    // The root reaches pages 1 to 512, those 2 to 1024, and those 3 to 1536.
    #expect(graph.count == 1 + 512 + 1023 + 1534)
    #expect(memory.pageReads == graph.count)
    #expect(graph.brokenInvariants() == [])
  }

  // KASAN's shadow: 196 directories whose 512 entries all point at one table.
  @Test func tableMappedAHundredThousandTimesKeepsEveryMapping() throws {
    let memory = ComputedMemory(pages: 0x200, entrySize: 8) { page, slot in
      switch page {
      case 0x1000: return slot == 0 ? 0x2007 : 0
      case 0x2000: return slot < 196 ? UInt64(0x100 + slot) << 12 | 7 : 0
      case 0x3000: return 0x4001
      default: return 0x3007
      }
    }
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: X86.paging4Level())
    let graph = try #require(TableGraph(roots: [space.root], scheme: space.scheme, memory: memory))
    #expect(graph.count == 199)
    let edges = (0..<graph.count).reduce(0) { $0 + graph.children(of: $1).count }
    #expect(edges == 1 + 196 + 196 * 512)
    #expect(graph.bytesBelow()[0] == 196 << 30)
    let lastPage = space.translate(VirtualAddress(196 << 30 - 1), in: memory).page
    #expect(lastPage?.physical.value == 0x4fff)
    #expect(space.translate(VirtualAddress(196 << 30), in: memory).page == nil)
  }

  @Test(arguments: schemes) func tablesOutsideMemoryAreCounted(scheme: PagingScheme) {
    let top = scheme.levels[0].format.tableAddress.mask
    let memory = ComputedMemory(pages: 1, entrySize: scheme.levels[0].format.entrySize) { _, _ in top | 1 }
    let space = AddressSpace(name: "", root: PhysicalAddress(0), scheme: scheme)
    let summary = space.forEachLeaf(in: memory) { _ in true }
    #expect(summary.leaves == 0)
    #expect(summary.missingTables == UInt64(scheme.levels[0].entryCount))
    let graph = TableGraph(roots: [space.root], scheme: scheme, memory: memory)
    #expect(graph?.isReadable(0) == true)
    #expect(graph?.missingTables == UInt64(scheme.levels[0].entryCount))
  }

  @Test(arguments: schemes) func rootOutsideMemoryIsNoRoot(scheme: PagingScheme) {
    let memory = ComputedMemory(pages: 1, entrySize: scheme.levels[0].format.entrySize) { _, _ in 0 }
    let root = PhysicalAddress(.max)
    let space = AddressSpace(name: "", root: root, scheme: scheme)
    #expect(space.forEachLeaf(in: memory) { _ in true }.missingTables == 1)
    #expect(TableGraph(roots: [root], scheme: scheme, memory: memory)?.roots == [nil])
    #expect(throws: MissingPage.outsidePhysicalMemory) {
      try scheme.runs(of: TableReference(address: root, level: 0), in: memory)
    }
  }

  // Entries of random bits, with addresses that mostly hit the memory again: nothing traps, all of it ends.
  @Test(arguments: schemes, [1, 2, 3] as [UInt64])
  func randomEntriesDoNoHarm(scheme: PagingScheme, seed: UInt64) throws {
    let keep = seed == 1 ? UInt64.max : ~0x000f_ffff_fff0_0000
    let memory = ComputedMemory(pages: 16, entrySize: scheme.levels[0].format.entrySize) { page, slot in
      var random = SeededRandom(seed: seed &* 0x1_0001 &+ page &+ UInt64(slot))
      return random.next() & keep & (seed == 3 ? ~0xf_0000 : .max)
    }
    let graph = try #require(
      TableGraph(roots: (0..<16).map { PhysicalAddress($0 << 12) }, scheme: scheme, memory: memory))
    #expect(TableCounts(graph).spaces.allSatisfy { $0 <= 16 })
    #expect(graph.bytesBelow().count == graph.count)
    var random = SeededRandom(seed: seed)
    for page in 0..<16 as Range<UInt64> {
      let space = AddressSpace(name: "", root: PhysicalAddress(page << 12), scheme: scheme)
      var left = 2000
      _ = space.forEachRange(in: memory, from: VirtualAddress(random.next())) { range in
        left -= 1
        return range.length > 0 && left > 0
      }
      for _ in 0..<50 { _ = space.translate(scheme.canonical(random.next()), in: memory) }
    }
  }
}
