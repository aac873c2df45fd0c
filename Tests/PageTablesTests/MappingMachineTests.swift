import PageTables
import Testing

/// The simulated machine: what one can see in it, and that it can be worked on.
@Suite struct MappingMachineTests {
  private let machine: SimulatedMachine

  init() throws {
    machine = try SimulatedMachine()
  }

  private func page(_ address: UInt64, _ spaceNumber: Int) -> MappedPage? {
    machine.spaces[spaceNumber].translate(VirtualAddress(address), in: machine.memory).page
  }

  @Test func allProcessesShareTheKernelsTables() {
    for address in [0xc000_0000, 0xc040_0000, 0xc080_0000, 0xc0c0_0000] as [UInt64] {
      let tables = machine.spaces.map { space in
        let steps = space.translate(VirtualAddress(address), in: machine.memory).steps
        return steps.count == 2 ? steps[1].table : nil
      }
      #expect(tables[0] != nil)
      #expect(tables.allSatisfy { $0 == tables[0] })
    }
  }

  @Test func theRecursiveSlotReachesTheRootAndTheTables() {
    for (spaceNumber, space) in machine.spaces.enumerated() {
      #expect(page(0xffff_f000, spaceNumber)?.physical == space.root)
      // The table of 0xc0000000 shows as page 0x300 of the land.
      let table = space.translate(VirtualAddress(0xc000_0000), in: machine.memory).steps[1].table
      #expect(page(0xffc0_0000 + 0x300 * 0x1000, spaceNumber)?.physical == table)
    }
  }

  @Test func kernelStacksHaveGuardPages() {
    for address in [0xc081_0000, 0xc081_5000, 0xc083_0000] as [UInt64] {
      let outcome = machine.spaces[2].translate(VirtualAddress(address), in: machine.memory).outcome
      guard case .fault(.marked(let mark)) = outcome else {
        Issue.record("no guard page at \(address)")
        continue
      }
      #expect(mark?.name == "guard")
    }
    #expect(page(0xc081_1000, 1)?.access == [.write, .execute])
  }

  @Test func theBufferIsInTwoProcessesAndMirroredInKernelLand() {
    for index in 1..<5 as Range<UInt64> {
      let frame = page(0x2000_0000 + index * 0x1000, 2)?.physical
      #expect(frame != nil)
      #expect(page(0x1000_2000 + index * 0x1000, 3)?.physical == frame)
    }
    // The mirror starts 0x1800 bytes into the buffer, and is in every process.
    let buffer = page(0x2000_1800, 2)?.physical
    #expect(machine.spaces.indices.allSatisfy { page(machine.sessionAddress.value, $0)?.physical == buffer })
    #expect(machine.sessionAddress.value & 0xfff == 0x800)
    #expect(page(machine.sessionAddress.value, 0)?.access.contains(.user) == false)
  }

  @Test func theRingIsThereTwiceBackToBack() {
    let frames = (0..<8 as Range<UInt64>).map { page(0x4000_0000 + $0 * 0x1000, 2)?.physical }
    #expect(Set(frames).count == 4 && !frames.contains(nil))
    #expect(Array(frames[..<4]) == Array(frames[4...]))
  }

  @Test func theLibrarysTableIsSharedAtTwoAddresses() {
    let walk = walkSpaces(machine.spaces.map(\.root).spaces(SimulatedMachine.scheme), in: machine.memory)
    let reference = walk.references(of: 3).first { $0.ourVA.value == 0x0840_0000 }
    #expect(reference?.owner == 1)
    #expect(reference?.theirVA.value == 0x0800_0000)
    #expect(reference?.depth == 1)
    #expect(walk.spaces.allSatisfy { $0.summary.missingTables == 0 && $0.summary.malformedEntries == 0 })
  }

  @Test func everyMachineIsTheSameAndSmall() throws {
    let one = machine.snapshot()
    let two = try SimulatedMachine().snapshot()
    #expect(one.length == two.length)
    #expect(one.length > 200 << 10 && one.length < 1 << 20)
    for offset in stride(from: 0, to: one.length, by: 8) {
      let address = one.start.advanced(by: offset)
      let same = try one.read(at: address, size: 8) == two.read(at: address, size: 8)
      #expect(same)
      if !same { break }
    }
  }

  @Test func theSnapshotTranslatesAsTheMachineDoes() {
    let snapshot = machine.snapshot()
    for space in machine.spaces {
      #expect(space.leaves(in: snapshot) == space.leaves(in: machine.memory))
    }
  }

  @Test func buffersCanBeMappedMirroredAndDropped() throws {
    let hold = FrameHold(
      adopting: try machine.memory.allocateFrames(2, below: PhysicalAddress(0x100_0000)), in: machine.memory)
    let mapping = try Mapping(
      address: VirtualAddress(0x5000_0000), length: 0x2000, frames: .shared(hold),
      highest: SimulatedMachine.userLand.last)
    try machine.map(mapping, access: .all, in: 1)
    let before = MemoryPicture(machine.memory)
    do {
      let mirror = try machine.mirror(mapping, offset: 0x1004, length: 4)
      #expect(SimulatedMachine.kernelLand.contains(mirror.address))
      #expect(page(mirror.address.value, 3)?.physical == page(0x5000_1004, 1)?.physical)
    }
    #expect(MemoryPicture(machine.memory) == before)
    try machine.unmap(mapping, in: 1)
    #expect(page(0x5000_0000, 1) == nil)
  }

  @Test func guardsAreInTheWayOfMappings() throws {
    let hold = FrameHold(holding: [Frame(0x200)], in: machine.memory)
    let mapping = try Mapping(address: VirtualAddress(0xbfff_7000), length: 0x1000, frames: .shared(hold))
    #expect(throws: SimulationError.writing(.occupied(VirtualAddress(0xbfff_7000), .marked))) {
      try machine.map(mapping, access: .all, in: 1)
    }
  }
}
