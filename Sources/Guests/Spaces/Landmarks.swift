import MemoryImages
import PageTables

/// Places in the kernel that all of its roots map to the same frames, even if every root has its own tables for
/// them.
struct Landmarks: Sendable {
  private struct Landmark {
    let virtual: VirtualAddress
    /// The frame that holds the place.
    let frame: PhysicalAddress
  }

  private let scheme: PagingScheme
  private let lookup: AddressLookup
  private let all: [Landmark]
  /// How many of the all must match.
  private let needed: Int

  /// The number of samples from a kernel's part, used where no processor's registers give landmarks.
  private static let sampleCount: UInt64 = 24
  /// The most ranges examined for samples.
  private static let rangeLimit = 1 << 16

  /// What a processor needs in every root that it may run on: its descriptor tables, and the code that it just
  /// executed. Places open to user space are not landmarks, unless all are open to it.
  ///
  /// Nil where `space` maps nothing that the registers point at.
  init?(_ cpu: CPUState, in space: AddressSpace, _ memory: any PhysicalMemory) {
    var closed: [Landmark] = []
    var open: [Landmark] = []
    Landmarks.look(
      at: [cpu.interruptTable, cpu.segmentTable, cpu.taskState], space, memory, closed: &closed, open: &open)
    // Other spaces need not have code that user space executes. Stacks may differ between processes, even in the
    // kernel.
    var running: [Landmark] = []
    Landmarks.look(at: [cpu.instructionPointer], space, memory, closed: &closed, open: &running)
    let required = closed.isEmpty ? open : closed
    guard !required.isEmpty else { return nil }
    scheme = space.scheme
    lookup = AddressLookup(space)
    all = required
    needed = all.count
  }

  /// Samples of what only the supervisor can access in `space`: most roots have most of them.
  ///
  /// Nil where there is nothing of the kind.
  init?(sampling space: AddressSpace, from first: VirtualAddress?, _ memory: any PhysicalMemory) {
    let physical = memory.extent.physical
    let recursive = SelfReference(space, in: memory).slots
    let root = space.scheme.levels[0]
    var ranges: [(virtual: UInt64, physical: UInt64, length: UInt64)] = []
    var total: UInt64 = 0
    var looks = 0
    _ = space.forEachRange(in: memory, from: first) { range in
      looks += 1
      if !range.access.contains(.user), !range.isOneFrame, !recursive.contains(root.slot(of: range.virtual)),
        let whole = physical.range(containing: range.physical)
      {
        let length = min(range.length, whole.end.value &- range.physical.value)
        ranges.append((range.virtual.value, range.physical.value, length))
        total &+= length
      }
      return looks < Landmarks.rangeLimit
    }
    guard total >= Frame.size else { return nil }
    let step = max(total / Landmarks.sampleCount, Frame.size)
    var all: [Landmark] = []
    var (next, passed) = (UInt64(0), UInt64(0))
    for range in ranges {
      while next < passed &+ range.length, all.count < Int(Landmarks.sampleCount) {
        let within = (next &- passed) & ~(Frame.size - 1)
        all.append(
          Landmark(
            virtual: VirtualAddress(range.virtual &+ within),
            frame: PhysicalAddress(range.physical &+ within).frameStart))
        next &+= step
      }
      passed &+= range.length
    }
    scheme = space.scheme
    lookup = AddressLookup(space)
    self.all = all
    needed = (all.count * 3 + 3) / 4
  }

  /// The root's slot for so many of the all that too few can match without it; nil where there is none.
  var requiredSlot: Int? {
    var counts: [Int: Int] = [:]
    for landmark in all { counts[scheme.levels[0].slot(of: landmark.virtual), default: 0] += 1 }
    let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return most.flatMap { all.count - $0.value < needed ? $0.key : nil }
  }

  /// The addresses of the all, as places where the kernel is known to be.
  var addresses: [VirtualAddress] { all.map(\.virtual) }

  /// A quick negative test: whether the entries of a possible root lead anywhere for as many all as needed.
  @inline(__always)
  func mayHold(_ page: RawSpan, at offset: Int, _ shape: RootShape) -> Bool {
    let level = scheme.levels[0]
    var missing = 0
    for landmark in all {
      let raw = shape.entry(level.slot(of: landmark.virtual), in: page, at: offset)
      switch shape.format.kind(of: raw) {
      case .table, .leaf: break
      case .absent, .marked, .malformed:
        missing += 1
        if missing > all.count - needed { return false }
      }
    }
    return true
  }

  /// Whether a root leads to the same frames.
  func hold(in root: PhysicalAddress, _ memory: any PhysicalMemory) -> Bool {
    var right = 0
    for (index, landmark) in all.enumerated() {
      if frame(of: landmark.virtual, from: root, memory) == landmark.frame { right += 1 }
      guard right + all.count - index - 1 >= needed else { return false }
    }
    return true
  }

  /// The frame for an address, looked up from a root, with minimal work: called for every page that could be a
  /// root.
  private func frame(
    of virtual: VirtualAddress, from root: PhysicalAddress, _ memory: any PhysicalMemory
  ) -> PhysicalAddress? {
    lookup.physical(of: virtual, from: root, in: memory)?.frameStart
  }

  /// Appends a landmark for each address that `space` maps, classified by whether user space may access it.
  private static func look(
    at addresses: [UInt64], _ space: AddressSpace, _ memory: any PhysicalMemory, closed: inout [Landmark],
    open: inout [Landmark]
  ) {
    // 0 is the value of a register that was never set.
    for address in addresses where address != 0 {
      let virtual = VirtualAddress(address)
      guard let page = space.translate(virtual, in: memory).page else { continue }
      let landmark = Landmark(virtual: virtual, frame: page.physical.frameStart)
      if page.access.contains(.user) { open.append(landmark) } else { closed.append(landmark) }
    }
  }
}
