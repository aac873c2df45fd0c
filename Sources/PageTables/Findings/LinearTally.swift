/// Adds up how much memory lies under each distance between virtual and physical address: by that a kernel's linear map
/// is told, wherever it is looked for.
package struct LinearTally: Sendable {
  /// Memory that every kernel maps linearly, 32-bit ones included, if there is so much.
  package static let alwaysMapped: UInt64 = 256 << 20
  /// Distances that are added up: a kernel has a handful, hostile tables have one a leaf.
  private static let mostCounted = 1 << 18

  /// Bytes of existing memory, by distance modulo 2^64.
  package private(set) var covered: [UInt64: UInt64] = [:]
  private let existing: PhysicalRanges

  /// - Parameter existing: the memory that counts: a window may be larger than the memory is, and a device's lies
  ///   outside.
  package init(of existing: PhysicalRanges) { self.existing = existing }

  /// Adds `length` bytes that are mapped `distance` above where they lie; what does not exist does not count.
  package mutating func add(_ distance: UInt64, from start: PhysicalAddress, length: UInt64) {
    guard covered.count < LinearTally.mostCounted || covered[distance] != nil else { return }
    let end = start.value.addingReportingOverflow(length)
    let mapped = PhysicalRange(start, PhysicalAddress(end.overflow ? .max : end.partialValue))
    let bytes = existing.overlappingBytes(mapped)
    if bytes > 0 { covered[distance, default: 0] &+= bytes }
  }

  /// The distance that most memory lies under; of several the lowest.
  package var best: (distance: UInt64, bytes: UInt64)? {
    covered.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
  }
}
