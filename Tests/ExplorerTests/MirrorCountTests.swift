import Guests
import PageTables
import TestSupport
import Testing

@testable import Explorer

/// How many mirrors spaces have, and what a page of one belongs to.
@Suite("Mirrors, counted")
struct MirrorCountTests {
  private static let kernel: UInt64 = 0xffff_c900_0000_0000

  /// Two spaces with a kernel half in common; each of these frames is mapped by the kernel on every other page, and by one of them.
  private func machine(_ ofFirst: Int, _ ofSecond: Int) -> (spaces: [AddressSpace], memory: TableMemory) {
    let scheme = X86.paging4Level()
    var memory = TableMemory()
    memory.addPhysical(0, 0x4000_0000)
    let spaces = [memory.makeSpace("a", scheme: scheme), memory.makeSpace("b", scheme: scheme)]
    for number in 0..<UInt64(ofFirst + ofSecond) {
      let frame = 0x200_0000 + number * 0x2000
      memory.map(Self.kernel + number * 0x3000, to: frame, in: spaces[0], flags: 3)
      memory.map(0x7000_0000 + number * 0x3000, to: frame, in: spaces[number < ofFirst ? 0 : 1])
    }
    let slot = scheme.levels[0].slot(of: VirtualAddress(Self.kernel))
    let half = memory.entry(table: spaces[0].root.value, slot: slot) ?? 0
    memory.set(table: spaces[1].root.value, slot: slot, to: half)
    return (spaces, memory)
  }

  @Test("However many there are, each space is told its own", arguments: [(3, 2), (70, 30), (200, 300)])
  func counts(_ first: Int, _ second: Int) throws {
    let (spaces, memory) = machine(first, second)
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let mirrors = Mirrors(of: index, in: memory)
    #expect(mirrors.all.count == first + second)
    #expect(mirrors.countsOfSpaces(in: index, memory: memory) == [first, second])
    let shown = try #require(ExplorerIndex(spaces, memory: memory))
    for (number, count) in [first, second].enumerated() {
      let root = TableReference(address: spaces[number].root, level: 0)
      let content = shown.particular.content(below: root, spaceNumber: number, window: 0)
      #expect(content.mirrored.count == count)
      #expect(!content.mirrored.isAtLeast)
      #expect(content.mirroring.count == first + second)
    }
  }

  @Test("A page belongs to a mirror also where others lie inside that one")
  func nested() {
    var stretches = MirrorStretches()
    stretches.add(0x10000, length: 0x8000, mirror: 0, offset: 0)
    stretches.add(0x11000, length: 0x1000, mirror: 1, offset: 0)
    stretches.add(0x30000, length: 0x1000, mirror: 2, offset: 0x5000)
    stretches.add(0x17000, length: 0x3000, mirror: 3, offset: 0)
    stretches.order()
    for page in 0..<8 as Range<UInt64> {
      let found = stretches.first(of: 0x10000 + page << 12, length: 0x1000)
      #expect(found?.number == 0)
      #expect(found?.offset == page << 12)
    }
    #expect(stretches.first(of: 0x18000, length: 0x1000)?.number == 3)
    #expect(stretches.first(of: 0x18000, length: 0x1000)?.offset == 0x1000)
    #expect(stretches.first(of: 0x30000, length: 0x1000)?.offset == 0x5000)
    #expect(stretches.first(of: 0x1a000, length: 0x1000) == nil)
    #expect(stretches.first(of: 0x1a000, length: 0x20_0000)?.number == 2)
  }
}
