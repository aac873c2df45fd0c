import PageTables
import TestSupport
import Testing

/// Mirrors in kernel land: where they lie, what they map, how they end, and every error, after which nothing
/// has changed.
@Suite struct CrossProcessTests {
  private let limit = PhysicalAddress(1 << 32)
  /// A kernel with one table for 0xffffc90000000000 and the 2 MiB from there on, its first page taken.
  private let space: AddressSpace
  private let memory: OverlayMemory
  private let land: KernelLand

  init() throws {
    (space, memory) = try emptySpace(X86.paging4Level())
    let start = VirtualAddress(0xffff_c900_0000_0000)
    try space.map(start, to: [Frame(1)], access: [.write], in: memory)
    land = try #require(KernelLand(of: space, from: start, through: VirtualAddress(start.value + 0xffff)))
  }

  /// A user mapping of frames 0x50, 0x60, 0x70, ...
  private func mapping(_ count: Int, offset: UInt64 = 0, isShared: Bool = true) throws -> Mapping {
    let hold = FrameHold(holding: (0..<UInt64(count)).map { Frame(0x50 + $0 * 0x10) }, in: memory)
    return try Mapping(
      address: VirtualAddress(0x40_0000), offset: offset, length: UInt64(count) * 0x1000 - offset,
      frames: isShared ? .shared(hold) : .owned(hold))
  }

  private func picture() -> MemoryPicture {
    MemoryPicture(memory, counting: [Frame(0x50), Frame(0x60), Frame(0x70)])
  }

  @Test func threeFramesAndTwoOffsetsGiveTheThirdFrame() throws {
    let mirror = try CrossProcessMapping.mirror(
      mapping(3, offset: 0x1000), offset: 0x1000, length: 0x1000, in: land)
    #expect(mirror.address.value == 0xffff_c900_0000_1000)
    #expect(mirror.length == 0x1000)
    #expect(space.translate(mirror.address, in: memory).page?.physical.value == 0x7_0000)
    #expect(space.translate(mirror.address.advanced(by: 0x1000), in: memory).page == nil)
  }

  @Test func aPartWithinPagesMapsWholePages() throws {
    let mirror = try CrossProcessMapping.mirror(mapping(3), offset: 0xffe, length: 4, in: land)
    #expect(mirror.address.value == 0xffff_c900_0000_1ffe)
    #expect(mirror.length == 4)
    let pages = (0..<3 as Range<UInt64>).map {
      space.translate(mirror.address.advanced(by: $0 * 2), in: memory).page
    }
    #expect(pages.map { $0?.physical.value } == [0x5_0ffe, 0x6_0000, 0x6_0002])
    #expect(space.translate(VirtualAddress(0xffff_c900_0000_3000), in: memory).page == nil)
  }

  @Test(arguments: X86.all()) func theMirrorIsTheSupervisorsToReadAndWrite(scheme: PagingScheme) throws {
    let (space, memory) = try emptySpace(scheme)
    let hold = FrameHold(holding: [Frame(5)], in: memory)
    let mapping = try Mapping(address: VirtualAddress(0), length: 0x1000, frames: .shared(hold))
    let mirror = try CrossProcessMapping.mirror(
      mapping, offset: 0, length: 1, in: KernelLand(upperHalfOf: space))
    let access = try #require(space.translate(mirror.address, in: memory).page?.access)
    #expect(access.contains(.write) && !access.contains(.user))
    #expect(access.contains(.execute) == (scheme.name == "x86-32"))
  }

  @Test func theMirrorEndsAndTheFramesStay() throws {
    let mapping = try mapping(3)
    let before = picture()
    do {
      let mirror = try CrossProcessMapping.mirror(mapping, offset: 0x800, length: 0x1000, in: land)
      #expect(mirror.frames == [Frame(0x50), Frame(0x60)])
      #expect(memory.holders(of: Frame(0x50)) == 2 && memory.holders(of: Frame(0x70)) == 1)
    }
    #expect(picture() == before)
    #expect(memory.holders(of: Frame(0x50)) == 1)
  }

  @Test func theMirrorMayOutliveTheMapping() throws {
    let frame = try memory.allocateFrames(1, below: limit)[0]
    let mirror: CrossProcessMapping
    do {
      let mapping = try Mapping(
        address: VirtualAddress(0x1000), length: 0x1000,
        frames: .shared(FrameHold(adopting: [frame], in: memory)))
      mirror = try CrossProcessMapping.mirror(mapping, offset: 0, length: 0x1000, in: land)
    }
    #expect(memory.isAllocated(frame) && memory.holders(of: frame) == 1)
    #expect(space.translate(mirror.address, in: memory).page?.physical == frame.start)
    _ = consume mirror
    #expect(!memory.isAllocated(frame))
  }

  @Test func mirrorsTakeTheNextFreePagesAndGiveThemBack() throws {
    let mapping = try mapping(3)
    let first = try CrossProcessMapping.mirror(mapping, offset: 0, length: 0x2000, in: land)
    let second = try CrossProcessMapping.mirror(mapping, offset: 0, length: 1, in: land)
    #expect(second.address.value == 0xffff_c900_0000_3000)
    _ = consume first
    let third = try CrossProcessMapping.mirror(mapping, offset: 0, length: 0x2000, in: land)
    #expect(third.address.value == 0xffff_c900_0000_1000)
    #expect(space.translate(second.address, in: memory).page != nil)
  }

  @Test func anEndingMirrorLeavesWhatOthersMapped() throws {
    let mirror = try CrossProcessMapping.mirror(mapping(2), offset: 0, length: 0x2000, in: land)
    let address = mirror.address
    try space.unmap(address, length: 0x2000, in: memory)
    try space.map(address, to: [Frame(9)], access: [.write], in: memory)
    _ = consume mirror
    #expect(space.translate(address, in: memory).page?.physical.value == 0x9000)
  }

  // MARK: Errors

  private func expectUnchanged(
    _ error: MirrorError, _ mapping: Mapping, offset: UInt64, length: UInt64,
    location: SourceLocation = #_sourceLocation
  ) {
    let before = picture()
    do throws(MirrorError) {
      _ = try CrossProcessMapping.mirror(mapping, offset: offset, length: length, in: land)
      Issue.record("no error", sourceLocation: location)
    } catch let thrown {
      #expect(thrown == error, sourceLocation: location)
    }
    #expect(picture() == before, sourceLocation: location)
  }

  @Test func onlySharedFramesAreMirrored() throws {
    let address = VirtualAddress(0x40_0000)
    try expectUnchanged(.notShared(address), mapping(3, isShared: false), offset: 0, length: 1)
    for purpose in [Mapping.Purpose.available, .guarded, .reserved] {
      let mapping = try Mapping(address: address, length: 0x3000, frames: .none(purpose))
      expectUnchanged(.notShared(address), mapping, offset: 0, length: 1)
    }
  }

  @Test func theLengthIsNotZero() throws {
    try expectUnchanged(.empty, mapping(3), offset: 0x1000, length: 0)
  }

  @Test func offsetAndLengthDoNotOverflow() throws {
    try expectUnchanged(
      .overflows(offset: 2, length: .max - 1), mapping(3), offset: 2, length: .max - 1)
  }

  @Test func thePartEndsWithinTheMapping() throws {
    try expectUnchanged(
      .beyondMapping(end: 0x3001, length: 0x3000), mapping(3), offset: 0x3000, length: 1)
    // The frame before the mapping's offset does not count.
    try expectUnchanged(
      .beyondMapping(end: 0x3000, length: 0x2000), mapping(3, offset: 0x1000), offset: 0x2000, length: 0x1000)
    let all = try CrossProcessMapping.mirror(mapping(3), offset: 0x2fff, length: 1, in: land)
    #expect(all.frames == [Frame(0x70)])
  }

  @Test func thePhysicalOffsetDoesNotOverflow() throws {
    let high: UInt64 = 0xffff_ffff_ffff_f000
    // No mapping can have so many frames, so this rule can only be asked for by itself.
    #expect(throws: MirrorError.physicalOffsetOverflows(mapping: high, offset: 0x1000)) {
      try CrossProcessMapping.frameRange(mappingOffset: high, offset: 0x1000, length: 1)
    }
    #expect(throws: MirrorError.physicalOffsetOverflows(mapping: high, offset: 0xfff)) {
      try CrossProcessMapping.frameRange(mappingOffset: high, offset: 0xfff, length: 1)
    }
    #expect(try CrossProcessMapping.frameRange(mappingOffset: 0x1000, offset: 0x1fff, length: 2) == 2..<4)
  }

  @Test func withoutAFreeStretchNothingIsMirrored() throws {
    // Sixteen pages, of which the first and the ninth are taken.
    try space.map(VirtualAddress(0xffff_c900_0000_8000), entries: [0x100], in: memory)
    try expectUnchanged(.noFreeStretch(pages: 8), mapping(8), offset: 0, length: 0x8000)
    let mirror = try CrossProcessMapping.mirror(mapping(8), offset: 0, length: 0x7000, in: land)
    #expect(mirror.address.value == 0xffff_c900_0000_1000)
  }

  @Test func withoutFramesForTablesNothingIsMirrored() throws {
    let memory = OverlayMemory(
      over: MemoryBlock(emptyMachineWith: PhysicalRanges([])), allocatingFrom: PhysicalAddress(0xffff_f000))
    let root = try memory.allocateFrames(1, below: limit)[0]
    let space = AddressSpace(name: "", root: root.start, scheme: X86.paging32())
    let hold = FrameHold(holding: [Frame(5)], in: memory)
    let mapping = try Mapping(address: VirtualAddress(0), length: 0x1000, frames: .shared(hold))
    let before = MemoryPicture(memory, counting: [Frame(5)])
    do throws(MirrorError) {
      _ = try CrossProcessMapping.mirror(mapping, offset: 0, length: 1, in: KernelLand(upperHalfOf: space))
      Issue.record("no error")
    } catch {
      #expect(error == .writing(.outOfFrames(OutOfFrames(count: 1, limit: limit))))
    }
    #expect(MemoryPicture(memory, counting: [Frame(5)]) == before)
  }

  @Test func theFirstRuleThatIsBrokenIsTold() throws {
    try expectUnchanged(.empty, mapping(3, isShared: false), offset: .max, length: 0)
    try expectUnchanged(
      .overflows(offset: .max, length: 1), mapping(3, isShared: false), offset: .max, length: 1)
    try expectUnchanged(
      .notShared(VirtualAddress(0x40_0000)), mapping(3, isShared: false), offset: 0, length: 0x9000)
  }

  @Test func everyErrorIsOneLine() {
    let errors: [MirrorError] = [
      .empty, .overflows(offset: 1, length: 1), .notShared(VirtualAddress(1)),
      .beyondMapping(end: 2, length: 1), .physicalOffsetOverflows(mapping: 1, offset: 1),
      .noFreeStretch(pages: 1), .writing(.empty), .outsideAddressSpace(VirtualAddress(1)),
      .notMapped(VirtualAddress(1)), .supervisorOnly(VirtualAddress(1)),
      .noMemory(VirtualAddress(1), PhysicalAddress(1)), .tooLong(pages: 2, limit: 1),
    ]
    #expect(errors.allSatisfy { !$0.description.contains("\n") })
    #expect(Set(errors.map(\.description)).count == errors.count)
  }
}
