import PageTables
import TestSupport
import Testing

/// What each space's user half uses.
@Suite struct SpaceMemoryTests {
  private let scheme = X86.paging4Level()

  private func use(
    _ spaces: [AddressSpace], _ memory: any PhysicalMemory, copies: [Int: Int] = [:], unwanted: Set<Int> = [],
    swapTest: (PagingScheme) -> ((Mark) -> Bool)? = { _ in nil }
  ) throws -> [SpaceMemory] {
    let index = try #require(SpaceIndex(spaces, memory: memory, copies: copies))
    let use = index.memoryOfSpaces(in: memory, isWanted: { !unwanted.contains($0) }, swapTest: swapTest)
    return try #require(use)
  }

  @Test func aPageIsResidentOnceAndDividedByItsMappings() throws {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: scheme)
    let two = memory.makeSpace("two", scheme: scheme)
    // A page of its own, one that it maps twice and the other one once, and one that the kernel alone may use.
    for (page, frame) in [(0, 0x800), (1, 0x801), (700, 0x801)] as [(UInt64, UInt64)] {
      memory.map(page << 12, to: frame << 12, in: one)
    }
    memory.map(5 << 12, to: 0x801 << 12, in: two)
    memory.map(6 << 12, to: 0x802 << 12, in: two, flags: 3)
    let use = try use([one, two], memory)
    #expect(use.map(\.userBytes) == [0x3000, 0x1000])
    #expect(use.map(\.residentBytes) == [0x2000, 0x1000])
    // 4096 + 2 * 4096 / 3, and 4096 / 3.
    #expect(use.map(\.proportionalBytes) == [6827, 1365])
    // The page that it maps twice is not private, though it may be its own.
    #expect(use.map(\.privateBytes) == [0x1000, 0])
    #expect(use.allSatisfy { $0.isComplete && $0.swappedBytes == nil })
  }

  @Test func aHugePageIsDividedPageByPage() throws {
    var memory = TableMemory()
    let spaces = (0..<4).map { memory.makeSpace("\($0)", scheme: scheme) }
    // 1 GiB; 2 MiB of it twice; a page in these, and one elsewhere in the 1 GiB.
    memory.map(0, to: 0x4000_0000, in: spaces[0], level: 1, flags: 0x87)
    for page in 0..<2 as Range<UInt64> {
      memory.map(page << 21, to: 0x4040_0000, in: spaces[1], level: 2, flags: 0x87)
    }
    memory.map(0, to: 0x4040_3000, in: spaces[2])
    memory.map(0, to: 0x5000_0000, in: spaces[3])
    let use = try use(spaces, memory)
    #expect(use.map(\.userBytes) == [1 << 30, 2 << 21, 4096, 4096])
    #expect(use.map(\.residentBytes) == [1 << 30, 1 << 21, 4096, 4096])
    let small = 4096.0
    let huge = Double(1 << 21) - small
    let first = Double(1 << 30) - huge - 2 * small + huge / 3 + small / 4 + small / 2
    let shares = [first, 2 * huge / 3 + 2 * small / 4, small / 4, small / 2]
    #expect(use.map(\.proportionalBytes) == shares.map { UInt64($0.rounded()) })
    // Of the 1 GiB, what is no part of the 2 MiB and of the page elsewhere.
    let left: UInt64 = 0x4000_0000 - 0x20_0000 - 0x1000
    #expect(use.map(\.privateBytes) == [left, 0, 0, 0])
  }

  @Test func whatDoesNotCountIsNotCountedAndStillAnswered() throws {
    var memory = TableMemory()
    let spaces = ["process", "its copy", "left over", "other"].map { memory.makeSpace($0, scheme: scheme) }
    memory.map(0x1000, to: 0x80_0000, in: spaces[0])
    memory.map(0x2000, to: 0x80_1000, in: spaces[0])
    // The copy has the same tables below its root.
    let entry = try #require(memory.entry(table: spaces[0].root.value, slot: 0))
    memory.set(table: spaces[1].root.value, slot: 0, to: entry)
    for page in 1...2 as ClosedRange<UInt64> { memory.map(page << 12, to: 0x80_0000, in: spaces[2]) }
    memory.map(0x5000, to: 0x80_1000, in: spaces[3])
    let use = try use(spaces, memory, copies: [1: 0], unwanted: [2])
    #expect(use.map(\.userBytes) == [0x2000, 0x2000, 0x2000, 0x1000])
    #expect(use.map(\.residentBytes) == [0x2000, 0x2000, 0x1000, 0x1000])
    // One page alone, one for two.
    #expect(use.map(\.proportionalBytes) == [0x1800, 0x1800, 0x2000, 0x800])
    // Both copies have the answer; what is left over has nothing.
    #expect(use.map(\.privateBytes) == [0x1000, 0x1000, 0, 0])
    // A root and three tables below; the copies take nothing from each other.
    #expect(use.map(\.ownTables) == [4, 4, 4, 4])
    #expect(use.map(\.sharedTables) == [0, 0, 0, 0])
    let apart = try self.use(spaces, memory)
    #expect(apart.map(\.ownTables) == [1, 1, 4, 4])
    #expect(apart.map(\.sharedTables) == [3, 3, 0, 0])
    #expect(apart.map(\.proportionalBytes) == [0x400 + 0x555, 0x400 + 0x555, 0x800, 0x555])
  }

  // Large pages in a table of many spaces, as databases have them: nothing is read for each of them.
  @Test func aSharedTableIsReadOnce() throws {
    let spaces = 500
    let memory = ComputedMemory(pages: 600, entrySize: 8) { page, slot in
      switch page >> 12 {
      case 500: slot == 0 ? 501 << 12 | 7 : 0
      case 501: UInt64(slot) << 21 | 0x87
      default: slot == 0 ? 500 << 12 | 7 : 0
      }
    }
    let roots = (0..<spaces).map { PhysicalAddress(UInt64($0) << 12) }
    let index = try #require(SpaceIndex(roots.spaces(scheme), memory: memory))
    let before = memory.pageReads
    let use = try #require(index.memoryOfSpaces(in: memory))
    #expect(memory.pageReads - before < 16)
    #expect(use.allSatisfy { $0.userBytes == 1 << 30 && $0.residentBytes == 1 << 30 })
    #expect(use.allSatisfy { $0.proportionalBytes == UInt64((Double(1 << 30) / 500).rounded()) })
    #expect(use.allSatisfy { $0.ownTables == 1 && $0.sharedTables == 2 && $0.isComplete })
  }

  @Test func whatIsSwappedOutIsWhatTheTestSays() throws {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: scheme)
    let two = memory.makeSpace("two", scheme: scheme)
    // Nothing else in the table, and the kernel's tables are not looked at.
    for (page, raw) in [(1, 0x20), (2, 0x20), (3, 0x40)] as [(UInt64, UInt64)] {
      memory.map(0x7000_0000_0000 + page << 12, to: raw, in: one, flags: 0)
    }
    memory.map(0xffff_8000_0000_0000, to: 0x20, in: one, flags: 0, tableFlags: 3)
    let entry = try #require(memory.entry(table: one.root.value, slot: 224))
    memory.set(table: two.root.value, slot: 3, to: entry)
    memory.set(table: two.root.value, slot: 4, to: entry)
    var seen: [UInt64] = []
    let isSwapped = { (mark: Mark) in
      seen.append(mark.virtual.value)
      return mark.raw == 0x20
    }
    let use = try use([one, two], memory, swapTest: { _ in isSwapped })
    #expect(use.map(\.swappedBytes) == [0x2000, 0x4000])
    #expect(seen == [0x7000_0000_1000, 0x7000_0000_2000, 0x7000_0000_3000])
  }

  @Test func cancellingGivesNothing() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: scheme)
    memory.map(0x1000, to: 0x80_0000, in: space)
    let index = try #require(SpaceIndex([space], memory: memory))
    // However far it has come.
    for limit in 0..<100 {
      var steps = 0
      let count = { (_: Double) in
        steps += 1
        return steps <= limit
      }
      let use = index.memoryOfSpaces(in: memory, progress: count)
      #expect((use == nil) == (steps > limit))
      if use != nil { return }
    }
    Issue.record("it never ends")
  }
}
