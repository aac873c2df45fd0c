/// Sums how much memory is mapped at each distance between virtual and physical address; a kernel's linear map
/// shows as the distance with the most.
package struct LinearTally: Sendable {
  /// The amount of memory that every kernel, even a 32-bit one, maps linearly if the machine has that much.
  package static let alwaysMapped: UInt64 = 256 << 20
  /// The most distances counted: a kernel has a handful, hostile tables may have one per leaf.
  private static let mostCounted = 1 << 18

  /// Bytes of existing memory, by distance modulo 2^64.
  package private(set) var covered: [UInt64: UInt64] = [:]
  private let existing: PhysicalRanges

  /// - Parameter existing: the memory that counts; a mapped range may extend beyond it, and device memory lies
  ///   outside it.
  package init(of existing: PhysicalRanges) { self.existing = existing }

  /// Adds `length` bytes mapped at `distance` above their physical address; bytes that do not exist are not
  /// counted.
  package mutating func add(_ distance: UInt64, from start: PhysicalAddress, length: UInt64) {
    guard covered.count < LinearTally.mostCounted || covered[distance] != nil else { return }
    let end = start.value.addingReportingOverflow(length)
    let mapped = PhysicalRange(start, PhysicalAddress(end.overflow ? .max : end.partialValue))
    let bytes = existing.overlappingBytes(mapped)
    if bytes > 0 { covered[distance, default: 0] &+= bytes }
  }

  /// The distance under which most memory is mapped; the lowest one if several tie.
  package var best: (distance: UInt64, bytes: UInt64)? {
    covered.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
  }
}
