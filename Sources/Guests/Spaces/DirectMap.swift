import PageTables

/// The kernel's linear map of all RAM, as far as one space shows it: the distance between virtual and physical
/// address that most bytes of the kernel's part have in common.
struct DirectMap: Hashable, Sendable {
  /// Virtual minus physical address, modulo 2^64.
  let offset: UInt64
  /// The first and the last byte with this distance.
  let bounds: ClosedRange<UInt64>
  /// Bytes of memory mapped with this distance.
  let bytes: UInt64
  private let space: AddressSpace

  /// The most ranges read before the result so far is taken: hostile tables never end.
  private static let rangeLimit = 1 << 16
  private static let samples: UInt64 = 64

  /// Nil when the kernel's part maps nothing.
  ///
  /// - Parameter start: where the kernel's part begins; nil for the usual place.
  init?(of space: AddressSpace, from start: VirtualAddress? = nil, in memory: any PhysicalMemory) {
    self.init(space, from: start ?? space.scheme.usualKernelStart, memory)
  }

  /// The same where the kernel's part may be anywhere: considers everything open to the supervisor only.
  init?(ofAll space: AddressSpace, in memory: any PhysicalMemory) {
    self.init(space, from: nil, memory)
  }

  private init?(_ space: AddressSpace, from start: VirtualAddress?, _ memory: any PhysicalMemory) {
    let physical = memory.extent.physical
    var tally = LinearTally(of: physical)
    var bounds: [UInt64: ClosedRange<UInt64>] = [:]
    var ranges = 0
    _ = space.forEachRange(in: memory, from: start) { range in
      ranges += 1
      if start == nil, range.access.contains(.user) { return ranges < DirectMap.rangeLimit }
      if physical.contains(range.physical) {
        let offset = range.virtual.value &- range.physical.value
        tally.add(
          offset, from: range.physical, length: range.isOneFrame ? space.scheme.pageSize : range.length)
        // Ranges come in ascending address.
        let first = bounds[offset]?.lowerBound ?? range.virtual.value
        bounds[offset] = first...max(first, range.virtual.value &+ (range.length - 1))
      }
      return ranges < DirectMap.rangeLimit
    }
    guard let best = tally.best, let bounds = bounds[best.distance] else { return nil }
    offset = best.distance
    bytes = best.bytes
    self.bounds = bounds
    self.space = space
  }

  /// Which fraction of some addresses spread over memory it maps correctly, 0 to 1; 0 where it does not map the
  /// root itself. Close to 1 only if root and scheme are right: a page misread as a root, at the wrong level, may
  /// map much, but not in order.
  func confidence(in memory: any PhysicalMemory) -> Double {
    guard maps(space.root, in: memory) else { return 0 }
    // The sampled bytes: the first ones that exist, wherever they lie.
    var ranges: [PhysicalRange] = []
    var total: UInt64 = 0
    for range in memory.extent.physical.ranges where total < LinearTally.alwaysMapped {
      let length = min(range.length, LinearTally.alwaysMapped - total)
      ranges.append(PhysicalRange(range.start, range.start.advanced(by: length)))
      total += length
    }
    let step = max(total / DirectMap.samples, Frame.size)
    var asked = 0
    var right = 0
    // Samples are spread over the bytes that exist, not over addresses: there may be large holes.
    var next: UInt64 = 0
    var passed: UInt64 = 0
    for range in ranges {
      while next < passed &+ range.length {
        let address = range.start.advanced(by: next &- passed).frameStart
        asked += 1
        if maps(address, in: memory) { right += 1 }
        next &+= step
      }
      passed &+= range.length
    }
    return asked == 0 ? 0 : Double(right) / Double(asked)
  }

  /// Whether the map contains a physical address at the expected virtual one.
  func maps(_ address: PhysicalAddress, in memory: any PhysicalMemory) -> Bool {
    let sum = address.value &+ offset
    // In the upper one of two windows all bits are there already.
    let virtual = space.scheme.upperRootRegister == nil ? space.scheme.canonical(sum) : VirtualAddress(sum)
    return space.translate(virtual, in: memory).page?.physical == address
  }
}
