import MemoryImages
import PageTables

/// Where the kernel's part of the address space begins, as far as tables tell: 32-bit kernels choose it freely,
/// small 64-bit ones may run in the lower half.
struct KernelStart {
  private let scheme: PagingScheme
  private let usual: UInt64
  /// Address ranges open to the supervisor only, and those open to user space; both ascending.
  private var supervisor: [ClosedRange<UInt64>] = []
  private var user: [ClosedRange<UInt64>] = []

  /// The most ranges visited: hostile tables never end.
  private static let rangeLimit = 1 << 16
  /// The most spaces examined.
  private static let spaceLimit = 16

  private init(_ space: AddressSpace, _ memory: any PhysicalMemory) {
    scheme = space.scheme
    usual = space.scheme.usualKernelStart.value
    let recursive = SelfReference(space, in: memory).slots
    let root = space.scheme.levels[0]
    var looks = 0
    var (supervisor, user) = (self.supervisor, self.user)
    let last = scheme.isSignExtended ? VirtualAddress(scheme.upperHalf.value &- 1) : nil
    _ = space.forEachRange(in: memory, through: last.map { scheme.nearestCanonical(to: $0) }) { range in
      looks += 1
      if range.length > 0, !recursive.contains(root.slot(of: range.virtual)) {
        let addresses = range.virtual.value...(range.virtual.value &+ (range.length - 1))
        if range.access.contains(.user) { user.append(addresses) } else { supervisor.append(addresses) }
      }
      return looks < KernelStart.rangeLimit
    }
    self.supervisor = supervisor
    self.user = user
  }

  /// Where the kernel of one space begins: at the usual place, unless the tables show otherwise.
  ///
  /// - Parameter landmarks: addresses at which the kernel is known to be.
  static func find(
    in space: AddressSpace, landmarks: [VirtualAddress], _ memory: any PhysicalMemory
  ) -> VirtualAddress {
    let lowest = landmarks.map(\.value).min()
    // The upper half belongs to the kernel alone.
    if space.scheme.isSignExtended, let lowest, lowest >= space.scheme.upperHalf.value {
      return space.scheme.usualKernelStart
    }
    let look = KernelStart(space, memory)
    return VirtualAddress(look.lowered(lowest) ?? look.raised(lowest) ?? look.usual)
  }

  /// The same from several spaces of one kernel: the most frequent result other than the usual place.
  static func find(
    in spaces: [AddressSpace], landmarks: [VirtualAddress], _ memory: any PhysicalMemory
  ) -> VirtualAddress? {
    var votes: [VirtualAddress: Int] = [:]
    for space in spaces.prefix(spaceLimit) {
      let start = find(in: space, landmarks: landmarks, memory)
      if start != space.scheme.usualKernelStart { votes[start, default: 0] += 1 }
    }
    return votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? spaces.first?.scheme.usualKernelStart
  }

  /// The start, if the kernel lies below the usual place, and above all of user space.
  private func lowered(_ landmark: UInt64?) -> UInt64? {
    if let landmark {
      guard landmark < usual else { return nil }
    } else {
      // A root without user memory, such as one that a kernel boots with, does not show where user memory ends.
      guard !scheme.isSignExtended, user.contains(where: { $0.lowerBound < usual }) else { return nil }
    }
    let below = landmark ?? usual
    let userEnd = user.last { $0.lowerBound < below }.map(\.upperBound) ?? 0
    guard let start = supervisor.first(where: { $0.lowerBound > userEnd }).map({ blockStart($0.lowerBound) }),
      start > userEnd, start > 0, start <= below, start < usual,
      // If there is user space above the kernel, the kernel has no part with a definite start.
      !user.contains(where: { $0.lowerBound >= start && $0.lowerBound < usual })
    else { return nil }
    return start
  }

  /// The start, if user space extends beyond the usual start of the kernel, and nothing of the kernel lies below
  /// its end.
  private func raised(_ landmark: UInt64?) -> UInt64? {
    guard !scheme.isSignExtended, let first = supervisor.first(where: { $0.upperBound >= usual }) else {
      return nil
    }
    let start = blockStart(min(max(first.lowerBound, usual), landmark ?? .max))
    guard start > usual, user.contains(where: { $0.lowerBound < start && $0.upperBound >= usual }) else {
      return nil
    }
    return start
  }

  /// The start of the block covered by a table of the last level: kernels share whole tables.
  private func blockStart(_ address: UInt64) -> UInt64 {
    address & ~(scheme.spanOfLastTables - 1)
  }
}

extension SpaceSearch {
  /// Where the kernel's part begins in spaces of a scheme: as given by `--kernel-start`, otherwise from the tables
  /// of these spaces.
  ///
  /// - Parameter isLinux: whether a guest named these spaces; Linux begins at the usual place.
  package func kernelStart(
    of spaces: [AddressSpace], _ scheme: PagingScheme, isLinux: Bool
  ) -> VirtualAddress {
    if let given = options.kernelStart { return scheme.canonical(given.value) }
    guard !isLinux, image.vmcoreinfo == nil else { return scheme.usualKernelStart }
    let same = spaces.filter { $0.scheme == scheme }
    let running = Set(image.cpus.filter(\.isPagingOn).map { $0.root(in: scheme) })
    let onCPU = same.filter { running.contains($0.root) }
    return KernelStart.find(
      in: onCPU + same.filter { !running.contains($0.root) },
      landmarks: onCPU.flatMap { self.landmarks(in: $0).flatMap(\.addresses) }, image.memory)
      ?? scheme.usualKernelStart
  }

  /// The same for spaces that a guest may have named.
  package func kernelStart(of found: [FoundSpace], _ scheme: PagingScheme) -> VirtualAddress {
    let live = found.filter { !$0.isPossiblyStale }
    return kernelStart(
      of: live.map(\.space), scheme, isLinux: live.contains { $0.namedBy != nil })
  }

  /// One line for each scheme of the spaces that cannot have the address that the person gave.
  func kernelStartWarnings(_ found: FoundSpaces) -> [String] {
    guard let given = options.kernelStart else { return [] }
    var schemes: [PagingScheme] = []
    for space in found.spaces.map(\.space) where !schemes.contains(space.scheme) {
      schemes.append(space.scheme)
    }
    return schemes.compactMap { scheme in
      let start = scheme.canonical(given.value)
      return start == given
        ? nil
        : "--kernel-start \(AddressText.hex(given.value)) is not an address of \(scheme.name): read as \(AddressText.hex(start.value))"
    }
  }

  /// What the processors that run on a space require of every root.
  func landmarks(in space: AddressSpace) -> [Landmarks] {
    image.cpus.compactMap { cpu in
      guard cpu.isPagingOn, cpu.root(in: space.scheme) == space.root else { return nil }
      return Landmarks(cpu, in: space, image.memory)
    }
  }
}
