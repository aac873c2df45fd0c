/// A small machine with 4-level paging that runs through a story of a few events, each of which changes its page tables
/// as an operating system does: pages are touched, protected, copied at a write, swapped out; a process forks, starts
/// another program, and exits. After the last event it starts again. All instances are identical.
package struct ChangingMachine: Sendable {
  /// The name of the mark for pages that were swapped out: bit 9 of an entry that is not present.
  package static let swapMark = "swap"

  static let scheme = X86.paging4Level().keeping([
    SoftwareMark(name: swapMark, test: BitTest(mask: 1 << 9 | 1, value: 1 << 9)), .software,
  ])

  /// Its processes, by their names; each is an address space of its own.
  package enum Process: String, Sendable {
    case shell, editor
    /// What the shell forks.
    case child
    /// What the child becomes.
    case list = "ls"
  }

  let memory: OverlayMemory
  let kernel: AddressSpace
  let half: KernelHalf
  /// In the order in which they began.
  var processes: [(process: Process, space: AddressSpace)] = []
  /// An aligned run of frames for a huge page.
  let hugeFrame: Frame
  /// Where the kernel keeps the mirror of the editor's buffer while it has one.
  static let mirrorAddress = VirtualAddress(0xffff_c900_0000_0000)

  /// How many events took place since the machine started.
  package private(set) var eventCount = 0
  /// The last event, in a few words; nil before the first.
  package private(set) var lastEvent: String?
  /// What the processor runs.
  package internal(set) var running = Process.shell

  /// Starts the machine.
  package init() throws(SimulationError) {
    memory = OverlayMemory(
      over: MemoryBlock(emptyMachineWith: PhysicalRanges([Self.ram])), allocatingFrom: Self.ram.start)
    hugeFrame = try Self.allocate(runs: [Self.hugePages], in: memory)[0]
    kernel = AddressSpace(
      name: "kernel", root: try Self.allocate(runs: [1], in: memory)[0].start, scheme: Self.scheme)
    guard
      let half = KernelHalf(
        of: kernel, from: VirtualAddress(0xffff_8000_0000_0000), through: VirtualAddress(.max))
    else { throw .writing(.outsideAddressSpace(VirtualAddress(.max))) }
    self.half = half
    try buildKernel()
    try addProcess(.shell, libraryOf: nil)
    try addProcess(.editor, libraryOf: .shell)
  }

  /// The kernel, which owns what all spaces share, then the processes that live.
  package var spaces: [AddressSpace] { [kernel] + processes.map(\.space) }

  /// Its memory as it is now, which does not change any more.
  package func moment() -> any PhysicalMemory { memory.moment() }

  /// Has the next event of the story take place; after the last one the machine starts again.
  package mutating func advance() throws(SimulationError) {
    guard eventCount < Self.story.count else {
      self = try ChangingMachine()
      lastEvent = "the machine starts again"
      return
    }
    let event = Self.story[eventCount]
    try event.happen(&self)
    eventCount += 1
    lastEvent = event.text
  }

  /// Where the processor is: an address of the code of what runs, and its stack pointer.
  package var processor: (root: PhysicalAddress, instruction: VirtualAddress, stack: VirtualAddress) {
    let space = processes.first { $0.process == running }?.space ?? kernel
    return (space.root, Place.code.start.advanced(by: 0x1a0), Place.stack.start.advanced(by: 0x3f00))
  }

  func space(_ process: Process) throws(SimulationError) -> AddressSpace {
    guard let found = processes.first(where: { $0.process == process }) else {
      throw .noSuchSpace(processes.count)
    }
    return found.space
  }
}

// MARK: How it is built

extension ChangingMachine {
  /// Where things lie in each process.
  struct Place {
    let start: VirtualAddress
    let access: Access
    /// How many pages a process begins with.
    let pages: Int
    let text: String

    static let code = Place(
      start: VirtualAddress(0x40_0000), access: [.user, .execute], pages: 4, text: "code")
    static let data = Place(
      start: VirtualAddress(0x60_0000), access: [.user, .write], pages: 2, text: "data")
    static let heap = Place(
      start: VirtualAddress(0x55_5555_6000), access: [.user, .write], pages: 4, text: "heap")
    static let library = Place(
      start: VirtualAddress(0x7fff_f7c0_0000), access: [.user, .execute], pages: 16, text: "library")
    static let stack = Place(
      start: VirtualAddress(0x7fff_ffff_a000), access: [.user, .write], pages: 4, text: "stack")

    /// What a process has for itself, and writes to.
    static let own = [data, heap, stack]
  }

  private static let ram = PhysicalRange(PhysicalAddress(0x20_0000), PhysicalAddress(0xa0_0000))
  private static let hugePages = 512
  private static let directMap = VirtualAddress(0xffff_8880_0000_0000)
  private static let kernelText = VirtualAddress(0xffff_ffff_8100_0000)
  static let kernelOptions: MapOptions = {
    var options = MapOptions()
    options.tableAccess = [.write, .execute]
    return options
  }()

  /// The direct map of all memory in huge pages, the kernel's image, and an empty table for mirrors.
  private func buildKernel() throws(SimulationError) {
    let (first, end) = (Self.ram.start.frame.number, Self.ram.end.frame.number)
    let huge = stride(from: first, to: end, by: Self.hugePages).map { Frame($0) }
    let image = try frames(8, "kernel")
    try writing { () throws(WritingError) in
      try kernel.map(
        Self.directMap.advanced(by: Self.ram.start.value), to: huge, as: .basic(.write), level: 2,
        options: Self.kernelOptions, in: memory)
      try kernel.map(
        Self.kernelText, to: Array(image.prefix(6)), as: .basic(.execute), options: Self.kernelOptions,
        in: memory)
      try kernel.map(
        Self.kernelText.advanced(by: 6 * Frame.size), to: Array(image.suffix(2)), as: .basic(.write),
        options: Self.kernelOptions, in: memory)
      try kernel.makeTable(at: Self.mirrorAddress, level: 3, options: Self.kernelOptions, in: memory)
    }
    // The tables belong to the kernel permanently, whether or not they map anything.
    memory.hold(kernel.translate(Self.mirrorAddress, in: memory).steps.map(\.table.frame))
  }

  /// A process with everything that one begins with; the library is that of another, where one is named.
  mutating func addProcess(_ process: Process, libraryOf owner: Process?) throws(SimulationError) {
    try addSpace(process)
    try share(.library, of: owner, with: process)
    for place in [Place.code] + Place.own {
      try map(place.start, place.pages, place.access, "\(process.rawValue) \(place.text)", in: process)
    }
  }

  /// A space that maps the kernel alone.
  mutating func addSpace(_ process: Process) throws(SimulationError) {
    let root = try Self.allocate(runs: [1], in: memory)[0].start
    try writing { () throws(WritingError) in try half.join(root, in: memory) }
    processes.append((process, AddressSpace(name: process.rawValue, root: root, scheme: Self.scheme)))
  }

  /// Lets a process have the page table that another has for a place; without another, a new one.
  mutating func share(
    _ place: Place, of owner: Process?, with process: Process
  ) throws(SimulationError) {
    guard let owner else {
      try map(place.start, place.pages, place.access, place.text, in: process)
      return
    }
    var space = try space(process)
    let theirs = try self.space(owner).root
    try writing { () throws(WritingError) in
      try space.link(at: place.start, to: theirs, theirs: place.start, depth: 3, in: memory)
    }
  }

  /// Maps new pages.
  func map(
    _ start: VirtualAddress, _ pages: Int, _ access: Access, _ text: String, in process: Process
  ) throws(SimulationError) {
    let frames = try frames(pages, text)
    try map(start, to: frames, access, in: process)
  }

  /// Maps frames, whatever was mapped there.
  func map(
    _ start: VirtualAddress, to frames: [Frame], _ access: Access, in process: Process
  ) throws(SimulationError) {
    let space = try space(process)
    var options = MapOptions()
    options.existing = .replaced
    try writing { () throws(WritingError) in
      try space.map(start, to: frames, as: .basic(access), options: options, in: memory)
    }
  }

  /// The frames that a process has from an address on.
  func frames(of process: Process, at start: VirtualAddress, _ pages: Int) throws(SimulationError) -> [Frame]
  {
    let space = try space(process)
    return (0..<pages).compactMap { page in
      space.translate(start.advanced(by: UInt64(page) * Frame.size), in: memory).page?.physical.frame
    }
  }

  /// New frames with their purpose written into them.
  func frames(_ count: Int, _ text: String) throws(SimulationError) -> [Frame] {
    let frames = try Self.allocate(runs: Array(repeating: 1, count: count), in: memory)
    try memory.label(frames, text)
    return frames
  }

  private static func allocate(runs: [Int], in memory: OverlayMemory) throws(SimulationError) -> [Frame] {
    do throws(OutOfFrames) {
      return try memory.allocate(runs: runs, below: ram.end)
    } catch {
      throw .writing(.outOfFrames(error))
    }
  }

  func writing(_ work: () throws(WritingError) -> Void) throws(SimulationError) {
    do throws(WritingError) {
      try work()
    } catch {
      throw .writing(error)
    }
  }
}
