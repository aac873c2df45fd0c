import PageTables
import TestSupport
import Testing

/// Where free pages are found in kernel land.
@Suite struct CrossProcessLandTests {
  private let kernel: UInt64 = 0xffff_8000_0000_0000

  private func dump(_ build: (inout TableMemory, AddressSpace) -> Void) -> (TableMemory, AddressSpace) {
    var memory = TableMemory()
    let space = memory.makeSpace("kernel", scheme: X86.paging4Level())
    build(&memory, space)
    return (memory, space)
  }

  @Test func tablesThatAreThereComeFirst() {
    let (memory, space) = dump { memory, space in
      memory.map(kernel + 0x80_0000_0000, to: 0x1000, in: space, flags: 3)
    }
    let land = KernelLand(upperHalfOf: space)
    // The root's first upper entry is free, and so is much below the second.
    #expect(land.freeStretch(pages: 1, in: memory)?.value == kernel + 0x80_0000_1000)
    #expect(land.freeStretch(pages: 511, in: memory)?.value == kernel + 0x80_0000_1000)
  }

  @Test func thenPlacesBelowEntriesThatTheRootHas() {
    let (memory, space) = dump { memory, space in
      memory.map(kernel + 0x80_0000_0000, to: 0x1000, in: space, flags: 3)
    }
    // Needs more than the one table has.
    #expect(
      KernelLand(upperHalfOf: space).freeStretch(pages: 512, in: memory)?.value == kernel + 0x80_0000_1000)
    #expect(
      KernelLand(upperHalfOf: space).freeStretch(pages: 1 << 27, in: memory)?.value == kernel)
  }

  @Test func anEmptySpaceOffersItsLowestPages() {
    let (memory, space) = dump { _, _ in }
    let land = KernelLand(upperHalfOf: space)
    #expect(land.freeStretch(pages: 3, in: memory)?.value == kernel)
    #expect(land.freeStretch(pages: 1 << 35, in: memory)?.value == kernel)
    #expect(land.freeStretch(pages: 1 << 35 + 1, in: memory) == nil)
    #expect(land.freeStretch(pages: 0, in: memory) == nil)
  }

  @Test func aStretchBeginsAtAMultipleOfItsAlignment() {
    let (memory, space) = dump { memory, space in
      memory.map(kernel + 0x1000, to: 0x1000, in: space, flags: 3)
      memory.map(kernel + 0x20_3000, to: 0x1000, in: space, flags: 3)
    }
    let land = KernelLand(upperHalfOf: space)
    func found(_ pages: UInt64, _ alignment: UInt64) -> UInt64? {
      land.freeStretch(pages: pages, alignment: alignment, in: memory).map { $0.value - kernel }
    }
    #expect(found(1, 0x1000) == 0)
    #expect(found(2, 0x1000) == 0x2000)
    #expect(found(2, 0x4000) == 0x4000)
    #expect(found(1, 0x20_0000) == 0)
    // The page of the second table is in the way of what would begin with it.
    #expect(found(4, 0x20_0000) == 0x40_0000)
    #expect(found(600, 0x1_0000) == 0x21_0000)
    #expect(found(1 << 18, 0x4000_0000) == 0x4000_0000)
    #expect(found(1, 1 << 47) == 0)
    for alignment in [0, 1, 0x800, 0x3000, .max] as [UInt64] { #expect(found(1, alignment) == nil) }
  }

  @Test func marksAreNotFree() {
    let (memory, space) = dump { memory, space in
      let (table, slot) = memory.map(kernel, to: 0x1000, in: space, flags: 3)
      memory.set(table: table, slot: slot + 2, to: 0x200)
    }
    let land = KernelLand(upperHalfOf: space)
    #expect(land.freeStretch(pages: 1, in: memory)?.value == kernel + 0x1000)
    #expect(land.freeStretch(pages: 2, in: memory)?.value == kernel + 0x3000)
  }

  @Test func malformedEntriesAndMissingTablesAreNotFree() {
    let (memory, space) = dump { memory, space in
      // Bit 7 of a PML4 entry is reserved; the second entry's table is not there.
      memory.set(table: space.root.value, slot: 256, to: 0x5083)
      memory.set(table: space.root.value, slot: 257, to: 0x7777_7003)
    }
    #expect(
      KernelLand(upperHalfOf: space).freeStretch(pages: 1, in: memory)?.value == kernel + 0x100_0000_0000)
  }

  @Test func stretchesRunOverTheEndsOfTables() {
    let (memory, space) = dump { memory, space in
      for page in 0..<510 as Range<UInt64> {
        memory.map(kernel + page * 0x1000, to: 0x1000, in: space, flags: 3)
      }
      for page in 515..<1024 as Range<UInt64> {
        memory.map(kernel + page * 0x1000, to: 0x1000, in: space, flags: 3)
      }
    }
    #expect(KernelLand(upperHalfOf: space).freeStretch(pages: 5, in: memory)?.value == kernel + 510 * 0x1000)
  }

  @Test func theLandsBoundsAreKept() throws {
    let (memory, space) = dump { memory, space in memory.map(kernel, to: 0x1000, in: space, flags: 3) }
    let land = try #require(
      KernelLand(of: space, from: VirtualAddress(kernel + 0x1800), through: VirtualAddress(kernel + 0x4800)))
    // Whole pages of it are 2 and 3.
    #expect(land.freeStretch(pages: 2, in: memory)?.value == kernel + 0x2000)
    #expect(land.freeStretch(pages: 3, in: memory) == nil)
    let sliver = try #require(
      KernelLand(of: space, from: VirtualAddress(0x10), through: VirtualAddress(0x20)))
    #expect(sliver.freeStretch(pages: 1, in: memory) == nil)
  }

  @Test func landsThatAreNoneAreRefused() {
    let (_, space) = dump { _, _ in }
    #expect(KernelLand(of: space, from: VirtualAddress(2), through: VirtualAddress(1)) == nil)
    #expect(KernelLand(of: space, from: VirtualAddress(0), through: VirtualAddress(.max)) == nil)
    #expect(KernelLand(of: space, from: VirtualAddress(1 << 50), through: VirtualAddress(.max)) == nil)
  }

  @Test func tablesBelowReadOnlyEntriesAreLeftAlone() {
    let (memory, space) = dump { memory, space in
      memory.map(kernel, to: 0x1000, in: space, flags: 1, tableFlags: 1)
      memory.map(kernel + 0x80_0000_0000, to: 0x1000, in: space, flags: 3)
    }
    #expect(
      KernelLand(upperHalfOf: space).freeStretch(pages: 1, in: memory)?.value == kernel + 0x80_0000_1000)
  }

  @Test func theRecursiveSlotIsNoKernelLand() {
    let (memory, space) = dump { memory, space in
      memory.set(table: space.root.value, slot: 256, to: space.root.value | 3)
      memory.map(kernel + 0x80_0000_0000, to: 0x1000, in: space, flags: 3)
    }
    #expect(
      KernelLand(upperHalfOf: space).freeStretch(pages: 1, in: memory)?.value == kernel + 0x80_0000_1000)
  }

  @Test func pagesBesideThoseOfUserSpaceAreLeftAloneWhereHalvesAreTheKernelsChoice() {
    var memory = TableMemory()
    let space = memory.makeSpace("linux", scheme: X86.paging32())
    memory.map(0xbfff_e000, to: 0x1000, in: space)
    memory.map(0xc000_0000, to: 0x2000, in: space, flags: 3)
    #expect(KernelLand(upperHalfOf: space).freeStretch(pages: 1, in: memory)?.value == 0xc000_1000)
  }

  /// 512 tables that all point at each other: 2^36 paths. Every other entry is free in the second case.
  @Test(arguments: [1, 2]) func tangledTablesAreReadOnce(step: Int) {
    let memory = ComputedMemory(pages: 512, entrySize: 8) { _, slot in
      slot % step == 0 ? UInt64(slot) << 12 | 7 : 0
    }
    let space = AddressSpace(name: "", root: PhysicalAddress(0x1000), scheme: X86.paging4Level())
    // More than what lies below one entry of the root.
    #expect(KernelLand(upperHalfOf: space).freeStretch(pages: 1 << 28, in: memory) == nil)
    #expect(memory.pageReads <= 1 + 512 * 3)
  }

  /// Random pages and marks, some of them in tables of their own: the stretch is the one that looking at each
  /// page by itself finds.
  @Test(arguments: X86.all(), 0..<12 as Range<UInt64>)
  func theStretchIsTheOneThatEveryPageTellsOf(scheme: PagingScheme, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    let start: UInt64 = 0x4000_0000
    let pages: UInt64 = 4096
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      let first = UInt64.random(in: 0..<pages, using: &random)
      for page in first..<min(pages, first + UInt64.random(in: 1...300, using: &random)) {
        let isMark = random.once(in: 50)
        memory.map(start + page * 0x1000, to: isMark ? 0 : 0x1000, in: space, flags: isMark ? 0x200 : 3)
      }
    }
    let land = try #require(
      KernelLand(of: space, from: VirtualAddress(start), through: VirtualAddress(start + pages * 0x1000 - 1)))
    // The level of the absent entry; nil where a page is taken.
    let absentAt = (0..<pages).map { page -> Int? in
      let translation = space.translate(VirtualAddress(start + page * 0x1000), in: memory)
      guard case .fault(.absent) = translation.outcome else { return nil }
      return translation.steps.count - 1
    }
    for (needed, alignment) in [
      (1, 1), (2, 1), (17, 1), (200, 1), (700, 1), (1500, 1), (4096, 1), (1, 2), (30, 16), (100, 64),
      (1, 512),
      (300, 512), (700, 1024), (2000, 2048), (10, 4096),
    ] {
      let fits = [scheme.levels.count - 1, 1, 0].compactMap { lowest in
        stride(from: 0, through: Int(pages) - needed, by: alignment).first { page in
          absentAt[page..<page + needed].allSatisfy { ($0 ?? -1) >= lowest }
        }.map { start + UInt64($0) * 0x1000 }
      }
      let found = land.freeStretch(
        pages: UInt64(needed), alignment: UInt64(alignment) * 0x1000, in: memory)
      #expect(found?.value == fits.first)
    }
  }
}
