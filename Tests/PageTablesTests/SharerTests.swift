import PageTables
import TestSupport
import Testing

/// Which spaces share user memory with one.
@Suite struct SharerTests {
  private let scheme = X86.paging4Level()

  @Test func pagesThatTwoSpacesMapOftenCountOnce() throws {
    var memory = TableMemory()
    let first = memory.makeSpace("first", scheme: scheme)
    let second = memory.makeSpace("second", scheme: scheme)
    let third = memory.makeSpace("third", scheme: scheme)
    for page in 0..<6 as Range<UInt64> { memory.map(page << 12, to: 0x80_0000 + page * 0x1000, in: first) }
    // Three of them, one of those twice; and one that the kernel alone may use.
    for (page, frame) in [(0, 0), (1, 1), (2, 1), (700, 5)] as [(UInt64, UInt64)] {
      memory.map(page << 12, to: 0x80_0000 + frame * 0x1000, in: second)
    }
    memory.map(0x30_0000, to: 0x80_2000, in: second, flags: 3)
    // A huge page around all of them.
    memory.map(0x20_0000, to: 0x80_0000, in: third, level: 2, flags: 0x87)
    let index = try #require(SpaceIndex([first, second, third], memory: memory))
    let sharers = index.sharers(of: 0, in: memory)
    #expect(sharers.map(\.spaceNumber) == [2, 1])
    #expect(sharers.map(\.pages) == [6, 3])
    #expect(sharers.map(\.bytes) == [0x6000, 0x3000])
    #expect(sharers.allSatisfy { !$0.isAtLeast })
    #expect(index.sharers(of: 2, in: memory).map(\.pages) == [6, 3])
  }

  // A guest whose processes share gigabytes: 6 pages of 1 GiB are 1,572,864 of 4 KiB.
  @Test func largeSharedMemoryIsCountedInWhole() throws {
    var memory = TableMemory()
    let spaces = (0..<3).map { memory.makeSpace("\($0)", scheme: scheme) }
    for space in spaces.dropLast() {
      for page in 0..<6 as Range<UInt64> {
        memory.map(page << 30, to: (page + 4) << 30, in: space, level: 1, flags: 0x87)
      }
    }
    // The last one has 2 MiB pages all over the first four of them.
    for page in 0..<2048 as Range<UInt64> {
      memory.map(page << 21, to: 0x1_0000_0000 + page * 0x20_0000, in: spaces[2], level: 2, flags: 0x87)
    }
    let index = try #require(SpaceIndex(spaces, memory: memory))
    #expect(index.sharers(of: 0, in: memory).map(\.pages) == [1_572_864, 1_048_576])
    #expect(index.sharers(of: 2, in: memory).map(\.pages) == [1_048_576, 1_048_576])
  }

  // 4,096 roots of 32 bytes that all lead to the same tables: nothing is done, or kept, for each of them.
  @Test func spacesWithTheSameTablesAreCountedOnce() throws {
    let pae = X86.pae()
    let memory = ComputedMemory(pages: 64, entrySize: 8) { page, slot in
      switch page >> 12 {
      case 0..<32: return UInt64(32 + slot % 4) * 0x1000 + 1
      case 32..<36: return slot < 2 ? UInt64(40 + slot) * 0x1000 + 7 : 0
      default: return UInt64(0x1000 + slot) * 0x1000 + 7
      }
    }
    let spaces = (0..<4096).map {
      AddressSpace(name: "\($0)", root: PhysicalAddress(UInt64($0) * 32), scheme: pae)
    }
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let before = memory.pageReads
    let sharers = index.sharers(of: 7, in: memory)
    #expect(sharers.count == 4095)
    // Both page tables map the same 512 frames.
    #expect(sharers.allSatisfy { $0.pages == 512 })
    #expect(memory.pageReads - before < 16)
  }

  // The kernel's own tables repeat without end, and hold nothing of the user's.
  @Test(.timeLimit(.minutes(1))) func tablesWithoutEndAreNotWalked() throws {
    let memory = ComputedMemory(pages: 512, entrySize: 8) { page, slot in
      page == 0 && slot == 0 ? 0x1007 : UInt64((slot * 7 + 3) % 512) * 0x1000 + 3
    }
    let spaces = [0, 0x2000].map { AddressSpace(name: "", root: PhysicalAddress($0), scheme: scheme) }
    let index = try #require(SpaceIndex(spaces, memory: memory))
    #expect(index.sharers(of: 0, in: memory).isEmpty)
  }

  @Test func whatIsTooMuchToCountIsSaidToBeMore() throws {
    var memory = TableMemory()
    let spaces = (0..<2).map { memory.makeSpace("\($0)", scheme: scheme) }
    for space in spaces {
      for page in 0..<0x3000 as Range<UInt64> { memory.map(page << 12, to: page << 13, in: space) }
    }
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let sharers = index.sharers(of: 0, in: memory, limit: 1)
    #expect(sharers.map(\.spaceNumber) == [1])
    #expect(sharers.allSatisfy { $0.isAtLeast && $0.pages > 0 && $0.pages < 0x3000 })
    #expect(index.sharers(of: 0, in: memory).map(\.pages) == [0x3000])
  }
}
