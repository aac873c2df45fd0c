import Synchronization

/// Why an operation on the simulated machine failed; nothing was changed.
public enum SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The tables could not be written.
  case writing(WritingError)
  /// The mapping is invalid.
  case mapping(MappingError)
  /// The mapping could not be mirrored.
  case mirror(MirrorError)
  /// The range is not free in user land, or not in user land at all; or there is no such mapping.
  case land(LandError)
  /// The machine has no space with that number.
  case noSuchSpace(Int)

  init(_ error: LandError) {
    if case .writing(let reason) = error { self = .writing(reason) } else { self = .land(error) }
  }

  /// One line: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .writing(let error): error.description
    case .mapping(let error): error.description
    case .mirror(let error): error.description
    case .land(let error): error.description
    case .noSuchSpace(let spaceNumber): "the machine has no space \(spaceNumber); count them in its list"
    }
  }
}

/// A small i386 machine in the style of SunriseOS, whose page tables show a variety of features: user land, kernel
/// land and recursive-tables land; tables that all spaces share; a library table that two spaces hold at different
/// addresses; a buffer shared between two processes and mirrored in kernel land; kernel stacks with guard pages; a
/// ring mapped twice back to back. All instances are identical.
///
/// All spaces always have the same kernel half. The mappings in a process's user land are recorded in its book;
/// nothing is mapped for the process anywhere else.
public final class SimulatedMachine: Sendable {
  /// The part that each process has for itself (`UserLand`); nothing below it is ever mapped.
  public static let userLand = Land(0x0020_0000, 0xbfff_ffff)
  /// The kernel's part, the same in all spaces (`KernelLand`).
  public static let kernelLand = Land(0xc000_0000, 0xffbf_ffff)
  /// Maps the tables themselves, through the root's last entry, which points at the root (`RecursiveTablesLand`).
  public static let recursiveTablesLand = Land(0xffc0_0000, 0xffff_ffff)
  /// The name of the mark for guard pages: AVL bit 9 of an entry that is not present.
  public static let guardMark = "guard"

  /// 32-bit paging with the software marks of this machine's kernel.
  public static let scheme = X86.paging32().keeping([
    SoftwareMark(name: guardMark, test: BitTest(mask: 1 << 9 | 1, value: 1 << 9)), .software,
  ])

  /// The machine's memory; the explorer may put an overlay over it or change it in place.
  public let memory: OverlayMemory
  /// Where the kernel may place mirrors: anywhere in kernel land, which all spaces share.
  public let mirrorLand: KernelLand
  /// The buffer that two processes share, as mapped by the first of them.
  public let sharedBuffer: Mapping
  /// The kernel's own memory first, then the processes'.
  private let processes: Mutex<[ProcessMemory]>
  /// The kernel's own mirror of the shared buffer.
  private let session: MirrorKeeper
  /// Other holds on frames in use.
  private let holds: [FrameHold]

  /// Builds the machine.
  public init() throws(SimulationError) {
    var builder = try SimulatedMachineBuilder()
    try builder.buildKernel()
    try builder.buildProcesses()
    memory = builder.memory
    sharedBuffer = try builder.shareBuffer()
    try builder.buildRing()
    processes = Mutex(builder.processes)
    holds = builder.holds
    mirrorLand = builder.kernelLand
    do throws(MirrorError) {
      session = MirrorKeeper(
        try CrossProcessMapping.mirror(sharedBuffer, offset: 0x1800, length: 0x2800, in: mirrorLand))
    } catch {
      throw .mirror(error)
    }
  }

  /// The kernel, which owns what all spaces share, then the processes.
  public var spaces: [AddressSpace] { processes.withLock { $0.map(\.space) } }

  /// Where the kernel's own mirror of the shared buffer lies.
  public var sessionAddress: VirtualAddress { session.mirror.address }

  /// The machine as it would appear in a dump: all its memory in one block, which never changes.
  public func snapshot() -> MemoryBlock {
    let memory = memory.moment()
    let extent = memory.extent
    let first = extent.readable.ranges.first?.start ?? PhysicalAddress(0)
    return MemoryBlock(
      copyingMoment: memory, PhysicalRange(first, extent.readable.end), extent: extent)
  }

  // MARK: Processes

  /// Starts a process: a space with the kernel's half, the recursive slot, and an empty user land.
  ///
  /// - Returns: its space number, an index into `spaces`.
  /// - Throws: `SimulationError` when out of memory.
  public func addProcess(named name: String) throws(SimulationError) -> Int {
    let new = try SimulatedMachineBuilder.makeProcess(named: name, half: mirrorLand.half, in: memory)
    return processes.withLock { processes in
      processes.append(new)
      return processes.count - 1
    }
  }

  /// The memory of a space's process at this moment: its tables and the book of its user land.
  ///
  /// - Parameter spaceNumber: an index into `spaces`.
  /// - Throws: `SimulationError.noSuchSpace`.
  public func process(_ spaceNumber: Int) throws(SimulationError) -> ProcessMemory {
    try processes.withLock { processes throws(SimulationError) in
      guard processes.indices.contains(spaceNumber) else { throw .noSuchSpace(spaceNumber) }
      return processes[spaceNumber]
    }
  }

  /// How much of a land is used in a space. User land is computed from the process's book; kernel land from the
  /// tables, as in the original; recursive-tables land always counts as used.
  ///
  /// - Throws: `SimulationError.noSuchSpace`.
  public func usage(of land: Land, in spaceNumber: Int) throws(SimulationError) -> LandUsage {
    let process = try process(spaceNumber)
    guard land == SimulatedMachine.kernelLand else { return process.book.usage(of: land) }
    let free = process.space.stretches(of: land, in: memory).reduce(0 as UInt64) {
      $1.state == .available ? $0 + $1.length : $0
    }
    return LandUsage(used: land.length - free, free: free)
  }

  // MARK: Mappings

  /// Adds a mapping to the user land of a process: maps its frames with `access`, or writes guard marks.
  ///
  /// - Parameter spaceNumber: that of the process, an index into `spaces`.
  /// - Throws: `SimulationError` where any of it is outside user land, or not free; nothing is changed then.
  public func map(_ mapping: Mapping, access: Access, in spaceNumber: Int) throws(SimulationError) {
    try change(spaceNumber) { process throws(LandError) in try process.map(mapping, access: access) }
  }

  /// Removes a mapping from the user land of a process as a whole; its frames stay as long as others hold them.
  ///
  /// - Throws: `SimulationError` where there is no such mapping; nothing is changed then.
  public func unmap(_ mapping: Mapping, in spaceNumber: Int) throws(SimulationError) {
    try change(spaceNumber) { process throws(LandError) in
      try process.unmap(mapping.address, length: mapping.length)
    }
  }

  /// Mirrors a part of a mapping into kernel land, in all spaces.
  ///
  /// - Parameters:
  ///   - offset: bytes from the mapping's own start.
  ///   - length: bytes; whole pages are mapped.
  /// - Throws: `SimulationError.mirror`; nothing is changed then.
  public func mirror(
    _ mapping: Mapping, offset: UInt64, length: UInt64
  ) throws(SimulationError) -> CrossProcessMapping {
    do throws(MirrorError) {
      return try CrossProcessMapping.mirror(mapping, offset: offset, length: length, in: mirrorLand)
    } catch {
      throw .mirror(error)
    }
  }

  /// Mirrors a range of a process's user land into kernel land: looks up the mapping at the address
  /// (`ProcessMemory::mirror_mapping`).
  ///
  /// - Parameters:
  ///   - address: the first byte; need not be aligned.
  ///   - length: bytes; must lie in one mapping.
  ///   - spaceNumber: that of the process, an index into `spaces`.
  /// - Throws: `SimulationError`; nothing is changed then.
  public func mirror(
    at address: VirtualAddress, length: UInt64, in spaceNumber: Int
  ) throws(SimulationError) -> CrossProcessMapping {
    let process = try process(spaceNumber)
    do throws(MirrorError) {
      return try process.mirror(address, length: length, in: mirrorLand)
    } catch {
      throw .mirror(error)
    }
  }

  private func change(
    _ spaceNumber: Int, _ work: (inout ProcessMemory) throws(LandError) -> Void
  ) throws(SimulationError) {
    try processes.withLock { processes throws(SimulationError) in
      guard processes.indices.contains(spaceNumber) else { throw .noSuchSpace(spaceNumber) }
      do throws(LandError) {
        try work(&processes[spaceNumber])
      } catch {
        throw SimulationError(error)
      }
    }
  }
}
