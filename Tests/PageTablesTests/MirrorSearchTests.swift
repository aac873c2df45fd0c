import PageTables
import TestSupport
import Testing

/// Mirrors in memory that somebody else wrote.
@Suite struct MirrorSearchTests {
  private let scheme = X86.paging4Level()
  private let kernel: UInt64 = 0xffff_c900_0000_0000
  private let direct: UInt64 = 0xffff_8880_0000_0000

  /// A memory of 4 MiB with a direct map of it all, and one user space.
  private func machine() -> (space: AddressSpace, memory: TableMemory) {
    var memory = TableMemory()
    memory.addPhysical(0, 0x40_0000)
    let space = memory.makeSpace("user", scheme: scheme)
    memory.map(direct, to: 0, in: space, level: 2, flags: 0x83)
    memory.map(direct + 0x20_0000, to: 0x20_0000, in: space, level: 2, flags: 0x83)
    return (space, memory)
  }

  private func mirrors(_ spaces: [AddressSpace], _ memory: TableMemory) throws -> [Mirror] {
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let mirrors = Mirrors(of: index, in: memory)
    #expect(mirrors.isComplete)
    return mirrors.all
  }

  @Test func directMapIsSetAside() throws {
    var (space, memory) = machine()
    memory.map(0x1000, to: 0x20_0000, in: space)
    #expect(try mirrors([space], memory) == [])
    let index = try #require(SpaceIndex([space], memory: memory))
    #expect(index.directMaps(in: 0, window: 0).offsets == [direct])
    let kinds = index.aliases(of: PhysicalAddress(0x20_0000), in: memory).groups.map(\.kind)
    #expect(kinds == [.entry, .directMap])
  }

  @Test func pagesThatGoOnAtBothSidesAreOneMirror() throws {
    var (space, memory) = machine()
    for (page, frame) in [0x20_3000, 0x20_1000, 0x20_7000].enumerated() {
      memory.map(0x7000_0000 + UInt64(page) << 12, to: UInt64(frame), in: space)
      memory.map(kernel + UInt64(page) << 12, to: UInt64(frame), in: space, flags: 3)
    }
    let found = try mirrors([space], memory)
    #expect(found.count == 1)
    #expect(found.first?.userVA.value == 0x7000_0000)
    #expect(found.first?.kernelVA.value == kernel)
    #expect(found.first?.length == 0x3000)
    #expect(found.first?.physical.value == 0x20_3000)
    #expect(found.first?.userMappings == 1)
  }

  @Test func ringThatLiesTwiceIsTwoMirrors() throws {
    var (space, memory) = machine()
    for page in 0..<4 as Range<UInt64> {
      let frame = 0x20_0000 + (page % 2) << 12
      memory.map(0x7000_0000 + page << 12, to: frame, in: space)
      memory.map(kernel + page << 12, to: frame, in: space, flags: 3)
    }
    let found = try mirrors([space], memory)
    #expect(found.map(\.kernelVA.value) == [kernel, kernel + 0x2000])
    #expect(found.map(\.userVA.value) == [0x7000_0000, 0x7000_2000])
    #expect(found.map(\.length) == [0x2000, 0x2000])
    #expect(found.map(\.userMappings) == [2, 2])
  }

  // One frame of zeroes at a thousand user addresses, and once in the kernel's image.
  @Test func sharedZeroPageIsOneMirror() throws {
    var (space, memory) = machine()
    for page in 0..<1000 as Range<UInt64> {
      memory.map(0x7000_0000 + page << 12, to: 0x20_0000, in: space, flags: 5)
    }
    memory.map(kernel, to: 0x20_0000, in: space, flags: 1)
    let found = try mirrors([space], memory)
    #expect(found.map(\.length) == [0x1000])
    #expect(found.map(\.userVA.value) == [0x7000_0000])
    #expect(found.map(\.userMappings) == [1000])
  }

  // What the kernel shows everybody of its image is nothing particular; the rest there was given back.
  @Test func pagesOfTheImageComeBehindAllOthers() throws {
    var (space, memory) = machine()
    let image: UInt64 = 0xffff_ffff_8000_0000
    memory.map(image, to: 0, in: space, level: 2, flags: 0x81)
    for (page, frame) in [0x20_0000, 0x20_1000, 0x20_2000].enumerated() {
      memory.map(0x7000_0000 + UInt64(page) << 13, to: UInt64(frame), in: space)
    }
    for frame in [0x20_0000, 0x20_1000] as [UInt64] {
      memory.map(image + frame, to: frame, in: space, flags: 1 << 63 | 1)
    }
    memory.map(0xffff_ffff_c000_0000, to: 0x20_2000, in: space, flags: 1 << 63 | 3)
    let index = try #require(SpaceIndex([space], memory: memory))
    let found = Mirrors(of: index, in: memory, isInUse: { $0.value == 0x20_1000 }).all
    #expect(found.map(\.physical.value) == [0x20_2000, 0x20_1000, 0x20_0000])
    #expect(found.map(\.kind) == [.mirror, .mirror, .givenBack])
    #expect(found.map(\.isImage) == [false, true, true])
    #expect(found.map(\.isParticular) == [true, false, false])
  }

  @Test func hugeKernelPagesMirrorJustTheFramesThatUsersHave() throws {
    var (space, memory) = machine()
    memory.map(kernel, to: 0x20_0000, in: space, level: 2, flags: 0x83)
    memory.map(0x1000, to: 0x20_5000, in: space)
    memory.map(0x9000, to: 0x20_6000, in: space)
    let found = try mirrors([space], memory)
    #expect(found.map(\.kernelVA.value) == [kernel + 0x5000, kernel + 0x6000])
    #expect(found.map(\.userVA.value) == [0x1000, 0x9000])
  }

  @Test func hugeUserPagesAreMirroredInPart() throws {
    var (space, memory) = machine()
    memory.map(0x4000_0000, to: 0x20_0000, in: space, level: 2, flags: 0x87)
    memory.map(kernel, to: 0x20_5000, in: space, flags: 3)
    memory.map(kernel + 0x1000, to: 0x20_6000, in: space, flags: 3)
    let found = try mirrors([space], memory)
    #expect(found.map(\.userVA.value) == [0x4000_5000])
    #expect(found.map(\.length) == [0x2000])
  }

  @Test func spacesThatDoNotCountShowNoMirrors() throws {
    var (space, memory) = machine()
    let other = memory.makeSpace("ended", scheme: scheme)
    memory.map(0x1000, to: 0x20_5000, in: other)
    memory.map(kernel, to: 0x20_5000, in: space, flags: 3)
    let index = try #require(SpaceIndex([other, space], memory: memory))
    #expect(Mirrors(of: index, in: memory).all.map(\.spaceNumber) == [0])
    #expect(Mirrors(of: index, in: memory) { $0 != 0 }.all == [])
  }

  // The window of a recursive slot shows tables; an entry in it that maps a user's frame is no mapping of the kernel's.
  @Test func recursiveSlotIsNoMirror() throws {
    var (space, memory) = machine()
    memory.set(table: space.root.value, slot: 500, to: space.root.value | 3)
    memory.map(0x4000_0000, to: 0x20_0000, in: space, level: 2, flags: 0x87)
    #expect(try mirrors([space], memory) == [])
  }

  // Two kernels, one behind the other in addresses: neither has both pages.
  @Test func mappingsOfDifferentKernelsAreNotJoined() throws {
    var (first, memory) = machine()
    let second = memory.makeSpace("other", scheme: scheme)
    for page in 0..<2 as Range<UInt64> {
      memory.map(0x7000_0000 + page << 12, to: 0x20_1000 + page << 12, in: first)
      memory.map(kernel + page << 12, to: 0x20_1000 + page << 12, in: page == 0 ? first : second, flags: 3)
    }
    let found = try mirrors([first, second], memory)
    #expect(found.map(\.length) == [0x1000, 0x1000])
    #expect(found.map(\.kernelSpaceNumber) == [0, 1])
  }

  @Test func cancelledSearchIsIncomplete() throws {
    let (space, memory) = machine()
    let index = try #require(SpaceIndex([space], memory: memory))
    #expect(!Mirrors(of: index, in: memory, isCancelled: { true }).isComplete)
    #expect(!Findings(of: index, in: memory, kernelStart: \.upperHalf, isCancelled: { true }).isComplete)
  }

  @Test func userPageThatAnUpperTableClosesIsNoUserPage() throws {
    var (space, memory) = machine()
    memory.map(0x1000, to: 0x20_5000, in: space, flags: 7, tableFlags: 3)
    memory.map(kernel, to: 0x20_5000, in: space, flags: 3)
    #expect(try mirrors([space], memory) == [])
  }

  // Without a linear map of a good part of memory there is none to set aside.
  @Test func smallKernelImageIsNoDirectMap() throws {
    var memory = TableMemory()
    memory.addPhysical(0, 0x4000_0000)
    let space = memory.makeSpace("", scheme: scheme)
    for page in 0..<64 as Range<UInt64> {
      memory.map(kernel + page << 12, to: 0x20_0000 + page << 12, in: space, flags: 3)
      memory.map(0x1000_0000 + page << 12, to: 0x20_0000 + page << 12, in: space)
    }
    #expect(try mirrors([space], memory).map(\.length) == [0x4_0000])
  }
}

/// What booting leaves behind is no mirror.
@Suite struct BootTimeMapTests {
  private let scheme = X86.paging4Level()
  private let kernel: UInt64 = 0xffff_c900_0000_0000

  @Test func identityMapIsSetAsideHoweverLittleItCovers() throws {
    var memory = TableMemory()
    memory.addPhysical(0, 0x4000_0000)
    let space = memory.makeSpace("", scheme: scheme)
    for page in 0..<32 as Range<UInt64> {
      let frame = 0x20_0000 + page << 12
      memory.map(frame, to: frame, in: space, flags: 3)
      memory.map(0x1000_0000 + page << 12, to: frame, in: space)
    }
    let index = try #require(SpaceIndex([space], memory: memory))
    #expect(Mirrors(of: index, in: memory).all == [])
  }

  // A window of a GiB over 64 MiB of memory maps no more of it than the linear map beside it does.
  @Test func windowLargerThanMemoryHidesNoDirectMap() throws {
    var memory = TableMemory()
    memory.addPhysical(0, 0x400_0000)
    let space = memory.makeSpace("", scheme: scheme)
    for page in 0..<512 as Range<UInt64> {
      memory.map(0xffff_ffff_8000_0000 + page << 21, to: page << 21, in: space, level: 2, flags: 0x83)
      guard page < 32 else { continue }
      memory.map(0xffff_9000_0000_0000 + page << 21, to: page << 21, in: space, level: 2, flags: 0x83)
    }
    memory.map(0x1000, to: 0x300_0000, in: space)
    let index = try #require(SpaceIndex([space], memory: memory))
    #expect(
      index.directMaps(in: 0, window: 0).contains(
        VirtualAddress(0xffff_9000_0300_0000), PhysicalAddress(0x300_0000)))
    #expect(Mirrors(of: index, in: memory).all == [])
  }

  // One root holds the kernel's tables a second time, where no other has them.
  @Test func tablesThatOneRootHoldsTwiceMirrorOnce() throws {
    var memory = TableMemory()
    memory.addPhysical(0, 0x4000_0000)
    let first = memory.makeSpace("boot", scheme: scheme)
    let second = memory.makeSpace("user", scheme: scheme)
    memory.map(kernel, to: 0x20_0000, in: first, flags: 3)
    memory.map(0x1000, to: 0x20_0000, in: second)
    let slot = Int(kernel >> 39 & 511)
    let entry = try #require(memory.entry(table: first.root.value, slot: slot))
    memory.set(table: second.root.value, slot: slot, to: entry)
    memory.set(table: first.root.value, slot: 3, to: entry)
    let index = try #require(SpaceIndex([first, second], memory: memory))
    #expect(Mirrors(of: index, in: memory).all.map(\.kernelVA.value) == [kernel])
  }
}
