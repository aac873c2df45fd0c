/// Builds the simulated machine step by step, as the small kernel would have done.
struct SimulatedMachineBuilder {
  private static let userCode: Access = [.user, .execute]
  private static let userData: Access = [.user, .write, .execute]
  private static let kernelCode: Access = [.execute]
  private static let kernelData: Access = [.write, .execute]
  private static let kernelStacks: UInt64 = 0xc080_0000
  private static let mirrorWindow: UInt64 = 0xc0c0_0000

  let memory: OverlayMemory
  /// All of kernel land, which all spaces share.
  let kernelLand: KernelLand
  private(set) var processes: [ProcessMemory] = []
  private(set) var holds: [FrameHold] = []

  private static let names = ["kernel", "sm", "vi", "shell"]
  private static let memoryEnd = PhysicalAddress(0x100_0000)

  init() throws(SimulationError) {
    // 16 MiB, with a PC's hole below 1 MiB.
    let ram = PhysicalRanges([
      PhysicalRange(PhysicalAddress(0), PhysicalAddress(0xa_0000)),
      PhysicalRange(PhysicalAddress(0x10_0000), SimulatedMachineBuilder.memoryEnd),
    ])
    memory = OverlayMemory(
      over: MemoryBlock(emptyMachineWith: ram), allocatingFrom: PhysicalAddress(0x10_0000))
    let land = SimulatedMachine.kernelLand
    let kernel = try SimulatedMachineBuilder.makeProcess(
      named: SimulatedMachineBuilder.names[0], half: nil, in: memory)
    guard let half = KernelHalf(of: kernel.space, from: land.first, through: land.last),
      let kernelLand = KernelLand(of: kernel.space, from: land.first, through: land.last, half: half)
    else { throw .writing(.outsideAddressSpace(land.first)) }
    self.kernelLand = kernelLand
    processes = [kernel]
    for name in SimulatedMachineBuilder.names.dropFirst() {
      processes.append(try SimulatedMachineBuilder.makeProcess(named: name, half: half, in: memory))
    }
  }

  /// A space with the kernel's half, the recursive slot, and an empty user land (`InactiveHierarchy::new` and
  /// `UserspaceBookkeeping::new`).
  static func makeProcess(
    named name: String, half: KernelHalf?, in memory: OverlayMemory
  ) throws(SimulationError) -> ProcessMemory {
    let root = try allocate(1, in: memory)[0]
    let space = AddressSpace(name: name, root: root.start, scheme: SimulatedMachine.scheme)
    do throws(WritingError) {
      try half?.join(space.root, in: memory)
    } catch {
      memory.release([root])
      throw .writing(error)
    }
    try addRecursiveSlot(to: space, in: memory)
    do throws(MappingError) {
      let book = try MappingBook(
        of: SimulatedMachine.userLand,
        reserving: [SimulatedMachine.kernelLand, SimulatedMachine.recursiveTablesLand])
      return ProcessMemory(space: space, book: book, guardMark: SimulatedMachine.guardMark, in: memory)
    } catch {
      throw .mapping(error)
    }
  }

  /// Points the root's last entry at the root, for the supervisor only: that window of addresses shows all tables.
  private static func addRecursiveSlot(
    to space: AddressSpace, in memory: OverlayMemory
  ) throws(SimulationError) {
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

  // MARK: Building

  /// The kernel's code, data, screen and stacks, and an empty table for mirrors.
  mutating func buildKernel() throws(SimulationError) {
    try addKernel(0xc000_0000, pages: 12, SimulatedMachineBuilder.kernelCode, "kernel code")
    try addKernel(0xc000_c000, pages: 4, SimulatedMachineBuilder.kernelData, "kernel data")
    // A PC's text screen, which is device memory.
    try mapKernel(0xc00b_8000, [PhysicalAddress(0xb_8000).frame], SimulatedMachineBuilder.kernelData)
    try addKernel(0xc040_0000, pages: 8, SimulatedMachineBuilder.kernelData, "kernel heap")
    for process in 1..<SimulatedMachineBuilder.names.count as Range<Int> {
      let stack = SimulatedMachineBuilder.kernelStacks + UInt64(process) * 0x1_0000
      try guardKernel(stack)
      try addKernel(
        stack + 0x1000, pages: 4, SimulatedMachineBuilder.kernelData,
        "kernel stack of \(SimulatedMachineBuilder.names[process])")
      try guardKernel(stack + 0x5000)
    }
    let window = VirtualAddress(SimulatedMachineBuilder.mirrorWindow)
    try SimulatedMachineBuilder.writing { () throws(WritingError) in
      try kernelLand.space.makeTable(
        at: window, level: 1, options: .kernelLand, half: kernelLand.half, in: memory)
    }
    // The table belongs to the kernel permanently, whether or not it holds a mirror.
    memory.hold(kernelLand.space.translate(window, in: memory).steps.suffix(1).map(\.table.frame))
  }

  /// Builds code, data and stack of each process, and a library table that two of them share.
  mutating func buildProcesses() throws(SimulationError) {
    for process in 1..<processes.count as Range<Int> {
      let name = SimulatedMachineBuilder.names[process]
      let extra = UInt64(process)
      try add(
        0x0040_0000, pages: 3 + extra, SimulatedMachineBuilder.userCode, .codeStatic, "\(name) code",
        to: process)
      try add(
        0x0050_0000, pages: 1 + extra, SimulatedMachineBuilder.userData, .codeMutable, "\(name) data",
        to: process)
      let guardPage = try mapping(0xbfff_7000, length: 0x1000, .none(.guarded), .unmapped)
      try map(guardPage, [], process)
      try add(0xbfff_8000, pages: 4, SimulatedMachineBuilder.userData, .stack, "\(name) stack", to: process)
    }
    let library = try add(
      0x0800_0000, pages: 10, SimulatedMachineBuilder.userCode, .moduleCodeStatic, "shared library", to: 1)
    var reader = processes[3].space
    try SimulatedMachineBuilder.writing { () throws(WritingError) in
      try reader.link(
        at: VirtualAddress(0x0840_0000), to: processes[1].space.root, theirs: library.address, depth: 1,
        in: memory)
    }
    let same = try mapping(0x0840_0000, length: library.length, library.frames, .moduleCodeStatic)
    try landing { () throws(LandError) in try processes[3].keep(same) }
  }

  /// Maps four pages in both `vi` and `shell`, at different addresses; their frames are scattered.
  mutating func shareBuffer() throws(SimulationError) -> Mapping {
    let frames = try SimulatedMachineBuilder.allocate(9, in: memory)
    let hold = FrameHold(
      adopting: frames.enumerated().filter { $0.offset % 2 == 0 }.map(\.element), in: memory)
    let others = FrameHold(
      adopting: frames.enumerated().filter { $0.offset % 2 == 1 }.map(\.element), in: memory)
    try memory.label(hold.frames, "shared buffer")
    try memory.label(others.frames, "private data")
    let first = try mapping(0x2000_0000, length: 0x5000, .shared(hold), .sharedMemory)
    let second = try mapping(0x1000_3000, offset: 0x1000, length: 0x4000, .shared(hold), .sharedMemory)
    try map(first, SimulatedMachineBuilder.userData, 2)
    try map(second, [.user, .execute], 3)
    let own = try mapping(0x3000_0000, length: 0x4000, .owned(others), .normal)
    try map(own, SimulatedMachineBuilder.userData, 2)
    return first
  }

  /// A ring of four pages that `vi` maps twice back to back, so that a message may wrap around its end.
  mutating func buildRing() throws(SimulationError) {
    let hold = FrameHold(adopting: try SimulatedMachineBuilder.allocate(4, in: memory), in: memory)
    try memory.label(hold.frames, "ring")
    for address in [0x4000_0000, 0x4000_4000] as [UInt64] {
      let ring = try mapping(address, length: 0x4000, .shared(hold), .sharedMemory)
      try map(ring, SimulatedMachineBuilder.userData, 2)
    }
  }

  // MARK: Parts

  @discardableResult
  private mutating func add(
    _ address: UInt64, pages: UInt64, _ access: Access, _ type: MemoryType, _ text: String,
    to spaceNumber: Int
  ) throws(SimulationError) -> Mapping {
    let frames = try SimulatedMachineBuilder.allocate(Int(truncatingIfNeeded: pages), in: memory)
    let hold = FrameHold(adopting: frames, in: memory)
    try memory.label(hold.frames, text)
    let mapping = try mapping(address, length: pages * Frame.size, .shared(hold), type)
    try map(mapping, access, spaceNumber)
    return mapping
  }

  private mutating func map(
    _ mapping: Mapping, _ access: Access, _ spaceNumber: Int
  ) throws(SimulationError) {
    try landing { () throws(LandError) in try processes[spaceNumber].map(mapping, access: access) }
  }

  private mutating func addKernel(
    _ address: UInt64, pages: UInt64, _ access: Access, _ text: String
  ) throws(SimulationError) {
    let frames = try SimulatedMachineBuilder.allocate(Int(truncatingIfNeeded: pages), in: memory)
    holds.append(FrameHold(adopting: frames, in: memory))
    try memory.label(frames, text)
    try mapKernel(address, frames, access)
  }

  private func mapKernel(
    _ address: UInt64, _ frames: [Frame], _ access: Access
  ) throws(SimulationError) {
    try SimulatedMachineBuilder.writing { () throws(WritingError) in
      try kernelLand.space.map(
        VirtualAddress(address), to: frames, as: .basic(access), options: .kernelLand, half: kernelLand.half,
        in: memory)
    }
  }

  private func guardKernel(_ address: UInt64) throws(SimulationError) {
    try SimulatedMachineBuilder.writing { () throws(WritingError) in
      try kernelLand.space.guardPages(
        VirtualAddress(address), length: Frame.size, mark: SimulatedMachine.guardMark, options: .kernelLand,
        half: kernelLand.half, in: memory)
    }
  }

  private func mapping(
    _ address: UInt64, offset: UInt64 = 0, length: UInt64, _ frames: Mapping.Frames, _ type: MemoryType
  ) throws(SimulationError) -> Mapping {
    do throws(MappingError) {
      return try Mapping(
        address: VirtualAddress(address), offset: offset, length: length, frames: frames, type: type,
        highest: SimulatedMachine.userLand.last)
    } catch {
      throw .mapping(error)
    }
  }

  private static func allocate(_ count: Int, in memory: OverlayMemory) throws(SimulationError) -> [Frame] {
    do throws(OutOfFrames) {
      return try memory.allocateFrames(count, below: memoryEnd)
    } catch {
      throw .writing(.outOfFrames(error))
    }
  }

  private static func writing(_ work: () throws(WritingError) -> Void) throws(SimulationError) {
    do throws(WritingError) {
      try work()
    } catch {
      throw .writing(error)
    }
  }

  private func landing(_ work: () throws(LandError) -> Void) throws(SimulationError) {
    do throws(LandError) {
      try work()
    } catch {
      throw SimulationError(error)
    }
  }
}
