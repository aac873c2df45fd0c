/// Why the simulated machine could not do something; nothing was changed then.
public enum SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
  case writing(WritingError)
  case mapping(MappingError)
  case mirror(MirrorError)

  public var description: String {
    switch self {
    case .writing(let error): error.description
    case .mapping(let error): error.description
    case .mirror(let error): error.description
    }
  }
}

/// A part of the address space that has one purpose; both ends included.
public struct Land: Hashable, Sendable {
  public let first: VirtualAddress
  public let last: VirtualAddress

  init(_ first: UInt64, _ last: UInt64) {
    self.first = VirtualAddress(first)
    self.last = VirtualAddress(last)
  }

  public func contains(_ address: VirtualAddress) -> Bool { first <= address && address <= last }
}

/// A small i386 machine in the shape of SunriseOS, with page tables worth looking at: user land, kernel land
/// and recursive-tables land; tables that all spaces share; a library table that two spaces hold at different
/// addresses; a buffer shared between two processes and mirrored in kernel land; kernel stacks with guard
/// pages; a ring mapped twice back to back. Every machine is the same.
public final class SimulatedMachine: Sendable {
  public static let userLand = Land(0x0020_0000, 0xbfff_ffff)
  public static let kernelLand = Land(0xc000_0000, 0xffbf_ffff)
  /// Reaches the tables themselves, by the root's last entry, which points at the root.
  public static let recursiveTablesLand = Land(0xffc0_0000, 0xffff_ffff)
  /// The name of the mark of a guard page: AVL bit 9 of an entry that is not present.
  public static let guardMark = "guard"

  /// 32-bit paging with the marks of this machine's kernel.
  public static let scheme = X86.paging32().keeping([
    SoftwareMark(name: guardMark, test: BitTest(mask: 1 << 9 | 1, value: 1 << 9)), .software,
  ])

  /// The machine's memory; the explorer may put an overlay over it or change it in place.
  public let memory: OverlayMemory
  /// The kernel first, which owns what all share, then the processes.
  public let spaces: [AddressSpace]
  /// The buffer that two processes share, as the first of them maps it.
  public let sharedBuffer: Mapping
  /// The mirror of the buffer that the kernel works with.
  private let session: MirrorKeeper
  /// What else keeps frames in use.
  private let holds: [FrameHold]

  /// Builds the machine.
  public init() throws(SimulationError) {
    var builder = try SimulatedMachineBuilder()
    try builder.buildKernel()
    try builder.buildProcesses()
    memory = builder.memory
    spaces = builder.spaces
    sharedBuffer = try builder.shareBuffer()
    try builder.buildRing()
    holds = builder.holds
    let kernelLand = try builder.kernelLand
    do throws(MirrorError) {
      session = MirrorKeeper(
        try CrossProcessMapping.mirror(sharedBuffer, offset: 0x1800, length: 0x2800, in: kernelLand))
    } catch {
      throw .mirror(error)
    }
  }

  /// Where the kernel may place mirrors; its tables are shared, so all processes see them.
  public var mirrorLand: KernelLand? {
    KernelLand(
      of: spaces[0], from: SimulatedMachine.kernelLand.first, through: SimulatedMachine.kernelLand.last)
  }

  /// Where the kernel's own mirror of the shared buffer lies.
  public var sessionAddress: VirtualAddress { session.mirror.address }

  /// The machine as a dump would have it: all its memory in one piece, which never changes.
  public func snapshot() -> MemoryBlock {
    let readable = memory.extent.readable
    return MemoryBlock(
      copying: memory, PhysicalRange(readable.ranges.first?.start ?? PhysicalAddress(0), readable.end))
  }

  /// Maps a mapping into the user land of a process: its frames with `access`, or guard marks.
  public func map(_ mapping: Mapping, access: Access, in place: Int) throws(SimulationError) {
    try spaces[place].map(mapping, access: access, in: memory)
  }

  /// Takes a mapping out of the user land of a process; the frames stay with whoever holds them.
  public func unmap(_ mapping: Mapping, in place: Int) throws(SimulationError) {
    do throws(WritingError) {
      try spaces[place].unmap(mapping.address, length: mapping.length, in: memory)
    } catch {
      throw .writing(error)
    }
  }

  /// Mirrors a part of a mapping into kernel land.
  public func mirror(
    _ mapping: Mapping, offset: UInt64, length: UInt64
  ) throws(SimulationError) -> CrossProcessMapping {
    guard let mirrorLand else { throw .mirror(.noFreeStretch(pages: 0)) }
    do throws(MirrorError) {
      return try CrossProcessMapping.mirror(mapping, offset: offset, length: length, in: mirrorLand)
    } catch {
      throw .mirror(error)
    }
  }
}

extension AddressSpace {
  /// Maps the frames of a mapping, or guard marks where it is guarded; others without frames map nothing.
  func map(
    _ mapping: Mapping, access: Access, in memory: any WritableMemory
  ) throws(SimulationError) {
    do throws(WritingError) {
      switch mapping.frames {
      case .shared, .owned:
        try map(mapping.address, to: Array(mapping.mappedFrames), access: access, in: memory)
      case .none(.guarded):
        let pages = Int(truncatingIfNeeded: mapping.length / Frame.size)
        try map(mapping.address, entries: Array(repeating: try guardEntry(), count: pages), in: memory)
      case .none(.available), .none(.reserved): return
      }
    } catch {
      throw .writing(error)
    }
  }

  private func guardEntry() throws(WritingError) -> UInt64 {
    do throws(EncodingError) {
      return try scheme.entry(marked: SimulatedMachine.guardMark)
    } catch {
      throw .encoding(error)
    }
  }
}
