import PageTables
import TestSupport
import Testing

/// Writing where four entries of the last level map one page of 16 KiB together (`InventedScheme.contiguousLeaves`):
/// bit 63 says so, and the address bits 13:12 of each of them are then 2.
@Suite struct WritingContiguousTests {
  private let scheme = InventedScheme.contiguousLeaves.scheme(levels: 2)
  /// One of the entries of a writable page at 0x24000.
  private let part: UInt64 = 1 << 63 | 0x2_6003

  /// A space in which the 16 KiB from 0x14000 on are one page.
  private func space() throws -> (space: AddressSpace, memory: OverlayMemory) {
    let (space, memory) = try emptySpace(scheme)
    try space.map(VirtualAddress(0x1_4000), entries: [part, part, part, part], in: memory)
    return (space, memory)
  }

  private func entries(_ space: AddressSpace, _ memory: any PhysicalMemory) -> [UInt64: UInt64] {
    space.leaves(in: memory).reduce(into: [:]) { $0[$1.virtual.value] = $1.raw }
  }

  @Test func unmappingAPartLeavesTheOthersToMapTheirs() throws {
    let (space, memory) = try space()
    try space.unmap(VirtualAddress(0x1_5000), length: 0x1000, in: memory)
    #expect(entries(space, memory) == [0x1_4000: 0x2_4003, 0x1_6000: 0x2_6003, 0x1_7000: 0x2_7003])
    let page = space.translate(VirtualAddress(0x1_7abc), in: memory).page
    #expect(page?.physical.value == 0x2_7abc && page?.pageSize == 0x1000)
  }

  @Test func unmappingAllOfItLeavesNothing() throws {
    let (space, memory) = try space()
    try space.unmap(VirtualAddress(0x1_4000), length: 0x4000, in: memory)
    #expect(space.leaves(in: memory).isEmpty)
  }

  @Test func replacingAPartLeavesTheOthersToMapTheirs() throws {
    let (space, memory) = try space()
    var options = MapOptions()
    options.existing = .replaced
    try space.map(
      VirtualAddress(0x1_6000), to: [Frame(0x50)], as: .basic(.write), options: options, in: memory)
    #expect(
      entries(space, memory)
        == [0x1_4000: 0x2_4003, 0x1_5000: 0x2_5003, 0x1_6000: 0x5_0003, 0x1_7000: 0x2_7003])
  }

  @Test func aRangeThatAWalkFoundIsMappedTheSameWay() throws {
    let (space, memory) = try space()
    var found: [MappedRange] = []
    _ = space.forEachRange(in: memory) { range in
      found.append(range)
      return true
    }
    let range = try #require(found.first)
    #expect(found.count == 1 && range.length == 0x4000 && range.physical.value == 0x2_4000)
    let (other, otherMemory) = try emptySpace(scheme)
    try other.map(range, in: otherMemory)
    #expect(entries(other, otherMemory) == entries(space, memory))

    // Of a range that begins within the page, each leaf maps its part.
    found = []
    _ = space.forEachRange(in: memory, from: VirtualAddress(0x1_5000)) { range in
      found.append(range)
      return true
    }
    let (third, thirdMemory) = try emptySpace(scheme)
    try third.map(try #require(found.first), in: thirdMemory)
    #expect(
      entries(third, thirdMemory) == [0x1_5000: 0x2_5003, 0x1_6000: 0x2_6003, 0x1_7000: 0x2_7003])
  }

  @Test func aRebuiltImageLiesNotWhereThePageIs() throws {
    // The machine has the tables alone; the page ends at 0x28000, but the address in its entries is 0x26000.
    var memory = TableMemory(firstTable: 0x1000)
    let space = memory.makeSpace("space", scheme: scheme)
    for slot: UInt64 in 4..<8 { memory.map(0x1_0000 + slot << 12, to: 0, in: space, flags: part) }
    let copy = try rebuild([space.root], scheme: scheme, in: memory)
    #expect(copy.memory.start.value == 0x2_8000)
    let rebuilt = AddressSpace(name: "copy", root: copy.roots[0], scheme: scheme)
    #expect(rebuilt.leaves(in: copy.memory).map(\.raw) == [part, part, part, part])
    #expect(rebuilt.translate(VirtualAddress(0x1_7123), in: copy.memory).page?.physical.value == 0x2_7123)
  }

  @Test func aRebuiltImageTakesThePageAlongInOnePiece() throws {
    var memory = TableMemory(firstTable: 0x1000)
    let space = memory.makeSpace("space", scheme: scheme)
    for slot: UInt64 in 4..<8 {
      memory.map(0x1_0000 + slot << 12, to: 0, in: space, flags: part)
      memory.set(table: 0x2_0000 + slot << 12, slot: 0, to: 0xabc0 + slot)
    }
    // A page within the other, by itself.
    memory.map(0x1_8000, to: 0x2_5000, in: space, flags: 1)
    var options = RebuildOptions()
    options.movesPages = true
    let copy = try rebuild([space.root], scheme: scheme, in: memory, options: options)
    let start = copy.memory.start.value
    #expect(copy.frames == 4 && copy.missingPages == 0 && start == 0x2_8000)
    let rebuilt = AddressSpace(name: "copy", root: copy.roots[0], scheme: scheme)
    let moved: UInt64 = 1 << 63 | 3 | (start + 0x2000)
    #expect(rebuilt.leaves(in: copy.memory).map(\.raw) == [moved, moved, moved, moved, start + 0x1001])
    for slot: UInt64 in 4..<8 {
      let page = try #require(
        rebuilt.translate(VirtualAddress(0x1_0000 + slot << 12), in: copy.memory).page)
      #expect(page.pageSize == 0x4000)
      #expect(try copy.memory.read(at: page.physical, size: 8) == 0xabc0 + slot)
    }
  }
}
