/// Builds the simulated machine step by step: what the small kernel would have done until now.
struct SimulatedMachineBuilder {
  private static let userCode: Access = [.user, .execute]
  private static let userData: Access = [.user, .write, .execute]
  private static let kernelCode: Access = [.execute]
  private static let kernelData: Access = [.write, .execute]
  private static let kernelStacks: UInt64 = 0xc080_0000
  private static let mirrorWindow: UInt64 = 0xc0c0_0000

  let memory: OverlayMemory
  private(set) var spaces: [AddressSpace] = []
  private(set) var holds: [FrameHold] = []

  private static let names = ["kernel", "sm", "vi", "shell"]
  private static let scheme = SimulatedMachine.scheme

  init() throws(SimulationError) {
    // 16 MiB, with the hole of a PC below 1 MiB.
    let ram = PhysicalRanges([
      PhysicalRange(PhysicalAddress(0), PhysicalAddress(0xa_0000)),
      PhysicalRange(PhysicalAddress(0x10_0000), PhysicalAddress(0x100_0000)),
    ])
    memory = OverlayMemory(
      over: MemoryBlock(emptyMachineWith: ram), allocatingFrom: PhysicalAddress(0x10_0000))
    for name in SimulatedMachineBuilder.names {
      let root = try allocate(1)[0]
      spaces.append(AddressSpace(name: name, root: root.start, scheme: SimulatedMachineBuilder.scheme))
    }
  }

  var kernelLand: KernelLand {
    get throws(SimulationError) {
      let land = SimulatedMachine.kernelLand
      guard let kernelLand = KernelLand(of: spaces[0], from: land.first, through: land.last) else {
        throw .writing(.outsideAddressSpace(land.first))
      }
      return kernelLand
    }
  }

  /// The kernel's code, data, screen and stacks, and an empty table for mirrors.
  mutating func buildKernel() throws(SimulationError) {
    let kernel = spaces[0]
    try add(0xc000_0000, pages: 12, SimulatedMachineBuilder.kernelCode, "kernel code", to: 0)
    try add(0xc000_c000, pages: 4, SimulatedMachineBuilder.kernelData, "kernel data", to: 0)
    // The text screen of a PC, which is device memory.
    try writing { () throws(WritingError) in
      try kernel.map(
        VirtualAddress(0xc00b_8000), to: [PhysicalAddress(0xb_8000).frame],
        access: SimulatedMachineBuilder.kernelData, in: memory)
    }
    try add(0xc040_0000, pages: 8, SimulatedMachineBuilder.kernelData, "kernel heap", to: 0)
    for process in 1..<SimulatedMachineBuilder.names.count as Range<Int> {
      let stack = SimulatedMachineBuilder.kernelStacks + UInt64(process) * 0x1_0000
      try guardPages(stack, 1, in: 0)
      try add(
        stack + 0x1000, pages: 4, SimulatedMachineBuilder.kernelData,
        "kernel stack of \(SimulatedMachineBuilder.names[process])", to: 0)
      try guardPages(stack + 0x5000, 1, in: 0)
    }
    try writing { () throws(WritingError) in
      try kernel.makeTable(at: VirtualAddress(SimulatedMachineBuilder.mirrorWindow), level: 1, in: memory)
    }
    try addRecursiveSlot(to: 0)
  }

  /// Code, data and stack of each process, the kernel's tables in all of them, and a library table in two.
  mutating func buildProcesses() throws(SimulationError) {
    for process in 1..<spaces.count as Range<Int> {
      let name = SimulatedMachineBuilder.names[process]
      for address in [0xc000_0000, 0xc040_0000, SimulatedMachineBuilder.kernelStacks] as [UInt64] {
        try link(process, address, to: 0, address)
      }
      try link(process, SimulatedMachineBuilder.mirrorWindow, to: 0, SimulatedMachineBuilder.mirrorWindow)
      try addRecursiveSlot(to: process)
      let extra = UInt64(process)
      try add(0x0040_0000, pages: 3 + extra, SimulatedMachineBuilder.userCode, "\(name) code", to: process)
      try add(0x0050_0000, pages: 1 + extra, SimulatedMachineBuilder.userData, "\(name) data", to: process)
      try guardPages(0xbfff_7000, 1, in: process)
      try add(0xbfff_8000, pages: 4, SimulatedMachineBuilder.userData, "\(name) stack", to: process)
    }
    try add(0x0800_0000, pages: 10, SimulatedMachineBuilder.userCode, "shared library", to: 1)
    try link(3, 0x0840_0000, to: 1, 0x0800_0000)
  }

  /// Four pages that `vi` and `shell` both map, at different addresses; their frames lie apart.
  mutating func shareBuffer() throws(SimulationError) -> Mapping {
    let frames = try allocate(9)
    let hold = FrameHold(
      adopting: frames.enumerated().filter { $0.offset % 2 == 0 }.map(\.element), in: memory)
    let others = FrameHold(
      adopting: frames.enumerated().filter { $0.offset % 2 == 1 }.map(\.element), in: memory)
    try label(hold.frames, "shared buffer")
    try label(others.frames, "private data")
    holds.append(others)
    let first = try mapping(0x2000_0000, offset: 0, length: 0x5000, .shared(hold))
    let second = try mapping(0x1000_3000, offset: 0x1000, length: 0x4000, .shared(hold))
    try spaces[2].map(first, access: SimulatedMachineBuilder.userData, in: memory)
    try spaces[3].map(second, access: [.user, .execute], in: memory)
    let own = try mapping(0x3000_0000, offset: 0, length: 0x4000, .owned(others))
    try spaces[2].map(own, access: SimulatedMachineBuilder.userData, in: memory)
    return first
  }

  /// A ring of four pages that `vi` maps twice back to back, so that a message may run over its end.
  mutating func buildRing() throws(SimulationError) {
    let hold = FrameHold(adopting: try allocate(4), in: memory)
    holds.append(hold)
    try label(hold.frames, "ring")
    for address in [0x4000_0000, 0x4000_4000] as [UInt64] {
      let ring = try mapping(address, offset: 0, length: 0x4000, .shared(hold))
      try spaces[2].map(ring, access: SimulatedMachineBuilder.userData, in: memory)
    }
  }

  // MARK: Parts

  private mutating func add(
    _ address: UInt64, pages: UInt64, _ access: Access, _ text: String, to place: Int
  ) throws(SimulationError) {
    let hold = FrameHold(adopting: try allocate(Int(truncatingIfNeeded: pages)), in: memory)
    holds.append(hold)
    try label(hold.frames, text)
    let mapping = try mapping(address, offset: 0, length: pages * Frame.size, .owned(hold))
    try spaces[place].map(mapping, access: access, in: memory)
  }

  private func guardPages(_ address: UInt64, _ pages: UInt64, in place: Int) throws(SimulationError) {
    let mapping = try mapping(address, offset: 0, length: pages * Frame.size, .none(.guarded))
    try spaces[place].map(mapping, access: [], in: memory)
  }

  /// The root's last entry points at the root, for the supervisor alone: the window shows all tables.
  private func addRecursiveSlot(to place: Int) throws(SimulationError) {
    let space = spaces[place]
    let level = space.scheme.levels[0]
    let slot = level.slot(of: SimulatedMachine.recursiveTablesLand.first)
    try writing { () throws(WritingError) in
      let raw: UInt64
      do throws(EncodingError) {
        raw = try level.format.entry(
          pointingAt: space.root, access: level.format.leastAccess(allowing: .write))
      } catch {
        throw .encoding(error)
      }
      let size = level.format.entrySize
      do throws(MissingPage) {
        try memory.write([EntryWrite(raw, size: size, at: space.root.advanced(by: UInt64(slot * size)))])
      } catch {
        throw .missingTable(space.root, error)
      }
    }
    memory.hold([space.root.frame])
  }

  private mutating func link(
    _ place: Int, _ ourVA: UInt64, to owner: Int, _ theirVA: UInt64
  ) throws(SimulationError) {
    let reference = SpaceReferenceMapping(
      depth: 1, owner: owner, space: spaces[owner].root, ourVA: VirtualAddress(ourVA),
      theirVA: VirtualAddress(theirVA), length: spaces[owner].scheme.levels[0].span,
      table: TableReference(address: spaces[owner].root, level: 1))
    var space = spaces[place]
    try writing { () throws(WritingError) in
      try space.link(reference, roots: spaces.map(\.root), in: memory)
    }
    spaces[place] = space
  }

  private func mapping(
    _ address: UInt64, offset: UInt64, length: UInt64, _ frames: Mapping.Frames
  ) throws(SimulationError) -> Mapping {
    do throws(MappingError) {
      return try Mapping(
        address: VirtualAddress(address), offset: offset, length: length, frames: frames,
        highest: SimulatedMachine.recursiveTablesLand.last)
    } catch {
      throw .mapping(error)
    }
  }

  private func allocate(_ count: Int) throws(SimulationError) -> [Frame] {
    do throws(OutOfFrames) {
      return try memory.allocateFrames(count, below: PhysicalAddress(0x100_0000))
    } catch {
      throw .writing(.outOfFrames(error))
    }
  }

  /// Writes what a frame is for at its start, so that a person who looks at its bytes sees it.
  private func label(_ frames: [Frame], _ text: String) throws(SimulationError) {
    var writes: [EntryWrite] = []
    for (index, frame) in frames.enumerated() {
      let bytes = Array("\(text), page \(index)".utf8)
      for start in stride(from: 0, to: bytes.count, by: 8) {
        let word = bytes[start..<min(start + 8, bytes.count)].reversed().reduce(0 as UInt64) {
          $0 << 8 | UInt64($1)
        }
        writes.append(EntryWrite(word, size: 8, at: frame.start.advanced(by: UInt64(start))))
      }
    }
    try writing { () throws(WritingError) in
      do throws(MissingPage) {
        try memory.write(writes)
      } catch {
        throw .missingTable(frames[0].start, error)
      }
    }
  }

  private func writing(_ work: () throws(WritingError) -> Void) throws(SimulationError) {
    do throws(WritingError) {
      try work()
    } catch {
      throw .writing(error)
    }
  }
}
