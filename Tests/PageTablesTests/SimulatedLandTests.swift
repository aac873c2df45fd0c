import PageTables
import TestSupport
import Testing

/// The lands of the simulated machine: what is in which, and what all spaces have in common.
@Suite struct SimulatedLandTests {
  private let machine: SimulatedMachine
  private let end = PhysicalAddress(0x100_0000)

  init() throws {
    machine = try SimulatedMachine()
  }

  private func buffer(_ pages: Int, at address: UInt64 = 0x5000_0000) throws -> Mapping {
    let hold = FrameHold(
      adopting: try machine.memory.allocateFrames(pages, below: end), in: machine.memory)
    return try Mapping(
      address: VirtualAddress(address), length: UInt64(pages) * 0x1000, frames: .shared(hold))
  }

  /// The root entries of the kernel half: those of 0xc0000000 to 0xffbfffff.
  private func kernelEntries(_ space: AddressSpace) -> [UInt64?] {
    (768..<1023).map { try? machine.memory.read(at: space.root.advanced(by: $0 * 4), size: 4) }
  }

  private func expectOneKernelHalf(location: SourceLocation = #_sourceLocation) {
    let first = kernelEntries(machine.spaces[0])
    #expect(!first.contains(nil), sourceLocation: location)
    for space in machine.spaces {
      #expect(kernelEntries(space) == first, sourceLocation: location)
    }
  }

  private func missing(_ mirror: borrowing CrossProcessMapping, in space: AddressSpace) -> Int {
    mirror.frames.enumerated().filter { index, frame in
      let page = space.translate(mirror.firstPage.advanced(by: UInt64(index) * 0x1000), in: machine.memory)
        .page
      return page?.physical != frame.start
    }.count
  }

  // MARK: One kernel half

  @Test func aMirrorOf2300PagesIsSeenInFullFromEverySpace() throws {
    let mapping = try buffer(2300)
    let before = MemoryPicture(machine.memory)
    do {
      let mirror = try machine.mirror(mapping, offset: 0, length: 2300 * 0x1000)
      for space in machine.spaces { #expect(missing(mirror, in: space) == 0) }
      expectOneKernelHalf()
    }
    expectOneKernelHalf()
    #expect(MemoryPicture(machine.memory) == before)
  }

  @Test func spacesMadeLaterHaveTheKernelHalfAndKeepIt() throws {
    let mapping = try buffer(2300)
    let mirror = try machine.mirror(mapping, offset: 0, length: 2300 * 0x1000)
    let spaceNumber = try machine.addProcess(named: "late")
    #expect(machine.spaces.count == 5 && machine.spaces[spaceNumber].name == "late")
    #expect(missing(mirror, in: machine.spaces[spaceNumber]) == 0)
    expectOneKernelHalf()
    let second = try machine.mirror(mapping, offset: 0x1000, length: 1200 * 0x1000)
    #expect(missing(second, in: machine.spaces[spaceNumber]) == 0)
    expectOneKernelHalf()
    _ = consume mirror
    expectOneKernelHalf()
    #expect(missing(second, in: machine.spaces[spaceNumber]) == 0)
    _ = consume second
    expectOneKernelHalf()
    // Its own land is its own.
    try machine.map(try buffer(2), access: .all, in: spaceNumber)
    #expect(machine.spaces[1].translate(VirtualAddress(0x5000_0000), in: machine.memory).page == nil)
    #expect(
      machine.spaces[spaceNumber].translate(VirtualAddress(0xffff_f000), in: machine.memory).page?.physical
        == machine.spaces[spaceNumber].root)
  }

  @Test func tablesOfKernelLandAreNotTheUsers() throws {
    let mirror = try machine.mirror(try buffer(1200), offset: 0, length: 1200 * 0x1000)
    for entry in kernelEntries(machine.spaces[2]) { #expect((entry ?? 4) & 4 == 0) }
    #expect(missing(mirror, in: machine.spaces[3]) == 0)
    // Those of user land are (`create_child_table`).
    let user = machine.spaces[2].translate(VirtualAddress(0x40_0000), in: machine.memory).steps
    #expect(user[0].raw & 0xfff == 7)
  }

  // MARK: User land alone

  @Test(arguments: [0xc002_0000, 0x1000, 0x1f_f000, 0xffc0_0000, 0xffff_f000, 0xc000_0000] as [UInt64])
  func userMappingsLieInUserLandAlone(address: UInt64) throws {
    let mapping = try buffer(1, at: address)
    let before = MemoryPicture(machine.memory)
    #expect(throws: SimulationError.land(.outsideUserLand(VirtualAddress(address), length: 0x1000))) {
      try machine.map(mapping, access: .all, in: 1)
    }
    #expect(throws: SimulationError.land(.outsideUserLand(VirtualAddress(address), length: 0x1000))) {
      try machine.unmap(mapping, in: 1)
    }
    #expect(MemoryPicture(machine.memory) == before)
  }

  @Test func userMappingsDoNotRunOverTheLandsEnds() throws {
    for (address, pages) in [(0x1f_f000, 2), (0xbfff_f000, 2)] as [(UInt64, Int)] {
      let length = UInt64(pages) * 0x1000
      #expect(throws: SimulationError.land(.outsideUserLand(VirtualAddress(address), length: length))) {
        try machine.map(try buffer(pages, at: address), access: .all, in: 1)
      }
    }
    try machine.map(try buffer(1, at: 0x20_0000), access: .all, in: 1)
    try machine.map(try buffer(3, at: 0xbfff_c000), access: .all, in: 1)
  }

  @Test func whatIsTakenIsRefusedThoughTheTablesDoNotSayIt() throws {
    let reserved = try Mapping(
      address: VirtualAddress(0x6000_0000), length: 0x4000, frames: .none(.reserved))
    try machine.map(reserved, access: [], in: 1)
    // In the middle of it, which the original would not notice.
    #expect(throws: SimulationError.land(.taken(VirtualAddress(0x6000_1000)))) {
      try machine.map(try buffer(1, at: 0x6000_1000), access: .all, in: 1)
    }
    #expect(throws: SimulationError.land(.taken(VirtualAddress(0x6000_0000)))) {
      try machine.map(try buffer(2, at: 0x5fff_f000), access: .all, in: 1)
    }
    try machine.map(try buffer(1, at: 0x6000_1000), access: .all, in: 2)
    try machine.unmap(reserved, in: 1)
    try machine.map(try buffer(1, at: 0x6000_1000), access: .all, in: 1)
  }

  @Test func mappingsAreUnmappedInWhole() throws {
    let mapping = try buffer(4)
    try machine.map(mapping, access: .all, in: 1)
    let part = try Mapping(address: mapping.address, length: 0x1000, frames: mapping.frames)
    #expect(
      throws: SimulationError.land(.wrongLength(mapping.address, length: 0x1000, mapped: 0x4000))
    ) { try machine.unmap(part, in: 1) }
    let inside = try Mapping(
      address: VirtualAddress(0x5000_1000), length: 0x1000, frames: mapping.frames)
    #expect(throws: SimulationError.land(.vacant(VirtualAddress(0x5000_1000)))) {
      try machine.unmap(inside, in: 1)
    }
    try machine.unmap(mapping, in: 1)
    #expect(throws: SimulationError.land(.vacant(mapping.address))) { try machine.unmap(mapping, in: 1) }
  }

  @Test func spacesThatThereAreNotAreAnError() throws {
    let mapping = try buffer(1)
    for spaceNumber in [-1, 4, .max] {
      #expect(throws: SimulationError.noSuchSpace(spaceNumber)) {
        try machine.map(mapping, access: .all, in: spaceNumber)
      }
      #expect(throws: SimulationError.noSuchSpace(spaceNumber)) {
        try machine.unmap(mapping, in: spaceNumber)
      }
      #expect(throws: SimulationError.noSuchSpace(spaceNumber)) { try machine.process(spaceNumber) }
      #expect(throws: SimulationError.noSuchSpace(spaceNumber)) {
        try machine.usage(of: SimulatedMachine.userLand, in: spaceNumber)
      }
    }
  }

  @Test func aLargeGuardOfUserLandIsOneEntry() throws {
    let wide = try Mapping(
      address: VirtualAddress(0x7000_0000), length: 0x80_0000, frames: .none(.guarded), type: .unmapped)
    let before = MemoryPicture(machine.memory)
    try machine.map(wide, access: [], in: 1)
    let steps = machine.spaces[1].translate(VirtualAddress(0x7041_2345), in: machine.memory).steps
    // AVL bit 9 of an entry of the root that is not present; no table behind it.
    #expect(steps.map(\.raw) == [0x200])
    try machine.unmap(wide, in: 1)
    #expect(MemoryPicture(machine.memory) == before)
  }

  // MARK: Books

  @Test func theBooksSayWhatIsUsedAndWhatIsFree() throws {
    let land = SimulatedMachine.userLand
    let spaceNumber = try machine.addProcess(named: "new")
    // 3 GiB without the first 2 MiB.
    #expect(try machine.usage(of: land, in: spaceNumber).free == 0xbfe0_0000)
    let mapping = try buffer(3)
    try machine.map(mapping, access: .all, in: spaceNumber)
    #expect(try machine.usage(of: land, in: spaceNumber).used == 0x3000)
    #expect(try machine.process(spaceNumber).book.mapping(at: VirtualAddress(0x5000_2fff))?.length == 0x3000)
    #expect(try machine.process(spaceNumber).book.mapping(at: VirtualAddress(0x5000_3000)) == nil)
    try machine.unmap(mapping, in: spaceNumber)
    #expect(try machine.usage(of: land, in: spaceNumber).used == 0)
    let recursive = try machine.usage(of: SimulatedMachine.recursiveTablesLand, in: spaceNumber)
    #expect(recursive.used == 0x40_0000 && recursive.free == 0)
  }

  @Test func kernelLandsBookIsItsTables() throws {
    let land = SimulatedMachine.kernelLand
    let before = try machine.usage(of: land, in: 1)
    #expect(before.used + before.free == 0x3fc0_0000)
    // 12 + 4 pages, the screen, 8 of heap, three stacks of 4 with two guards each, and three of the mirror.
    #expect(before.used == (16 + 1 + 8 + 18 + 3) * 0x1000)
    let mirror = try machine.mirror(try buffer(5), offset: 0, length: 0x5000)
    #expect(try machine.usage(of: land, in: 3).used == before.used + 0x5000)
    _ = consume mirror
    #expect(try machine.usage(of: land, in: 0) == before)
    let guards = machine.kernelStretches.filter { $0.state == .guarded }
    #expect(guards.count == 6 && guards.allSatisfy { $0.length == 0x1000 })
  }

  @Test func freeStretchesOfUserLandAreFoundByTheBook() throws {
    let spaceNumber = try machine.addProcess(named: "new")
    #expect(try machine.process(spaceNumber).book.freeStretch(length: 0x1000).value == 0x20_0000)
    try machine.map(try buffer(1, at: 0x20_0000), access: .all, in: spaceNumber)
    try machine.map(try buffer(1, at: 0x20_4000), access: .all, in: spaceNumber)
    let book = try machine.process(spaceNumber).book
    #expect(try book.freeStretch(length: 0x3000).value == 0x20_1000)
    #expect(try book.freeStretch(length: 0x4000).value == 0x20_5000)
    #expect(try book.freeStretch(length: 0x1000, alignment: 0x2000).value == 0x20_2000)
    #expect(try book.freeStretch(length: 0x1000, alignment: 0x40_0000).value == 0x40_0000)
    #expect(try book.freeStretch(length: 0xbfdf_b000).value == 0x20_5000)
    for (length, alignment) in [
      (0, 0x1000), (0xbfdf_c000, 0x1000), (0x1000, 0x3000), (0x1000, 0), (0x800, 0x1000), (0x1000, 1 << 63),
      (.max & ~0xfff, 0x1000),
    ] as [(UInt64, UInt64)] {
      #expect(throws: LandError.noFreeStretch(length: length)) {
        try book.freeStretch(length: length, alignment: alignment)
      }
    }
  }

  // MARK: Mirroring by address

  @Test func mirroringByAddressFindsTheMappingThatHasIt() throws {
    // The buffer as `shell` maps it: from its second page on.
    let mirror = try machine.mirror(at: VirtualAddress(0x1000_4804), length: 0x900, in: 3)
    #expect(mirror.address.value & 0xfff == 0x804 && mirror.length == 0x900)
    let page = machine.spaces[3].translate(VirtualAddress(0x1000_4804), in: machine.memory).page
    #expect(machine.spaces[1].translate(mirror.address, in: machine.memory).page?.physical == page?.physical)
    #expect(mirror.frames.count == 2)
  }

  @Test func mirroringByAddressRefusesWhatIsOwnedAndWhatIsNotMapped() throws {
    let before = MemoryPicture(machine.memory)
    func expect(_ error: MirrorError, _ address: UInt64, _ length: UInt64) {
      do throws(SimulationError) {
        _ = try machine.mirror(at: VirtualAddress(address), length: length, in: 2)
        Issue.record("no error where \(error) is due")
      } catch let thrown {
        #expect(thrown == .mirror(error))
      }
      #expect(MemoryPicture(machine.memory) == before)
    }
    // Private data of `vi`, whose frames are its own.
    expect(.notShared(VirtualAddress(0x3000_0000)), 0x3000_1000, 0x1000)
    // The guard below the stack has no frames.
    expect(.notShared(VirtualAddress(0xbfff_7000)), 0xbfff_7000, 1)
    expect(.notMapped(VirtualAddress(0x7000_0000)), 0x7000_0000, 1)
    expect(.outsideUserLand(VirtualAddress(0xc000_0000)), 0xc000_0000, 1)
    expect(.outsideUserLand(VirtualAddress(0x1000)), 0x1000, 1)
    expect(.empty, 0x2000_0000, 0)
    expect(.beyondMapping(end: 0x5001, length: 0x5000), 0x2000_4fff, 2)
    expect(.overflows(offset: 0x1000, length: .max), 0x2000_1000, .max)
  }
}
