import PageTables
import TestSupport
import Testing

/// Writing in spaces whose windows begin above 0, or that have two: the address chooses the window, and is counted
/// from its first address.
@Suite struct WritingWindowTests {
  /// Tables of 16 entries at three levels below, at two levels in the upper window: its root covers 1 MiB.
  private let lower = InventedScheme.splitRights.scheme(levels: 3)
  private let upper = InventedScheme.splitRights.scheme(levels: 2)
  private let top: UInt64 = 0xffff_ffff_fff0_0000
  /// The supervisor reads and writes.
  private let writable: UInt64 = 3

  private func memory() -> OverlayMemory {
    OverlayMemory(
      over: MemoryBlock(emptyMachineWith: PhysicalRanges([])), allocatingFrom: PhysicalAddress(0x10_0000))
  }

  private func root(_ memory: OverlayMemory) throws -> PhysicalAddress {
    try memory.allocateFrames(1, below: PhysicalAddress(1 << 32))[0].start
  }

  private func space(_ memory: OverlayMemory, _ name: String = "two") throws -> AddressSpace {
    AddressSpace(
      name: name,
      windows: [
        AddressWindow(root: try root(memory), scheme: lower),
        AddressWindow(root: try root(memory), scheme: upper, first: VirtualAddress(top)),
      ])
  }

  private func virtuals(_ space: AddressSpace, _ memory: any PhysicalMemory) -> [UInt64] {
    space.leaves(in: memory).map(\.virtual.value)
  }

  @Test func aWindowThatBeginsAboveIsWrittenAtItsAddresses() throws {
    let memory = memory()
    let kernel = AddressSpace(
      name: "kernel",
      windows: [AddressWindow(root: try root(memory), scheme: upper, first: VirtualAddress(top))])
    #expect(throws: WritingError.outsideAddressSpace(VirtualAddress(0x1000))) {
      try kernel.map(VirtualAddress(0x1000), to: [Frame(0x42)], access: .write, in: memory)
    }
    try kernel.map(VirtualAddress(top + 0x3_1000), to: [Frame(0x42)], access: .write, in: memory)
    #expect(virtuals(kernel, memory) == [top + 0x3_1000])
    let steps = kernel.translate(VirtualAddress(top + 0x3_1000), in: memory).steps
    #expect(steps.map(\.slot) == [3, 1])
    // The last page of all, and nothing behind it.
    try kernel.map(VirtualAddress(.max - 0xfff), to: [Frame(0x43)], access: .write, in: memory)
    #expect(throws: WritingError.outsideAddressSpace(VirtualAddress(.max - 0xfff))) {
      try kernel.unmap(VirtualAddress(.max - 0xfff), length: 0x2000, in: memory)
    }
    try kernel.unmap(VirtualAddress(top + 0x3_1000), length: 0x1000, in: memory)
    #expect(virtuals(kernel, memory) == [.max - 0xfff])
  }

  @Test func eachAddressIsWrittenInItsWindow() throws {
    let memory = memory()
    let space = try space(memory)
    try space.map(VirtualAddress(0x12_3000), to: [Frame(0x42)], access: .write, in: memory)
    try space.map(VirtualAddress(top + 0x2_3000), to: [Frame(0x43)], access: .write, in: memory)
    try space.makeTable(at: VirtualAddress(top + 0x5_0000), level: 1, in: memory)
    #expect(virtuals(space, memory) == [0x12_3000, top + 0x2_3000])
    #expect(space.translate(VirtualAddress(0x12_3000), in: memory).steps.map(\.slot) == [1, 2, 3])
    #expect(space.translate(VirtualAddress(top + 0x5_0000), in: memory).steps.count == 2)
    // The upper window has no third level, and between the windows is nothing.
    #expect(throws: WritingError.noSuchLevel(2)) {
      try space.makeTable(at: VirtualAddress(top), level: 2, in: memory)
    }
    #expect(throws: WritingError.outsideAddressSpace(VirtualAddress(0x100_0000))) {
      try space.map(VirtualAddress(0x100_0000), to: [Frame(1)], access: .write, in: memory)
    }
  }

  @Test func aReferenceOfTheUpperWindowIsLinkedThere() throws {
    let memory = memory()
    let owner = try space(memory, "owner")
    try owner.map(VirtualAddress(0x1000), to: [Frame(0x42)], access: .write, in: memory)
    try owner.map(VirtualAddress(top + 0x2_3000), to: [Frame(0x43)], access: .write, in: memory)
    let theirs = owner.windows[1].root
    // All of the upper window, as a walk over both would report it.
    var other = try space(memory, "other")
    let ours = other.windows[0].root
    let same = AddressSpace(
      name: "other",
      windows: [other.windows[0], AddressWindow(root: theirs, scheme: upper, first: VirtualAddress(top))])
    let walked = walkSpaces([owner, same], in: memory)
    let whole = try #require(walked.references(of: 1).first)
    #expect(whole.depth == 0 && whole.ourVA.value == top)
    try other.link(whole, spaces: [owner], in: memory)
    #expect(other.windows.map(\.root) == [ours, theirs])
    // One table of it.
    var third = try space(memory, "third")
    let part = SpaceReferenceMapping(
      depth: 1, owner: 0, space: owner.root, ourVA: VirtualAddress(top + 0x7_0000),
      theirVA: VirtualAddress(top + 0x2_0000), length: 0x1_0000,
      table: TableReference(address: PhysicalAddress(0), level: 1))
    try third.link(part, spaces: [owner], in: memory)
    #expect(virtuals(third, memory) == [top + 0x7_3000])
    #expect(throws: WritingError.outsideAddressSpace(VirtualAddress(0x100_0000))) {
      try third.link(
        at: VirtualAddress(0x100_0000), to: theirs, theirs: VirtualAddress(top), depth: 0, in: memory)
    }
  }

  @Test func kernelLandLiesInTheUpperWindow() throws {
    let memory = memory()
    let space = try space(memory)
    try space.map(VirtualAddress(top), to: [Frame(0x42)], access: .write, in: memory)
    let land = KernelLand(upperHalfOf: space)
    #expect(land.first.value == top && land.last.value == .max && !land.avoidsUserPages)
    #expect(land.freeStretch(pages: 2, in: memory)?.value == top + 0x1000)
    let user = AddressSpace(name: "user", windows: [space.windows[0]])
    #expect(KernelLand(of: user, from: VirtualAddress(top), through: VirtualAddress(.max)) == nil)
    // Root entries of the upper window map 64 KiB each.
    #expect(KernelHalf(of: space, from: VirtualAddress(top), through: VirtualAddress(.max)) != nil)
    #expect(KernelHalf(of: space, from: VirtualAddress(top + 0x1000), through: VirtualAddress(.max)) == nil)
  }
}
