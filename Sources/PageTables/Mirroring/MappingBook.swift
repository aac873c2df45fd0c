/// A record of what is mapped in one process's address space, which the kernel keeps in addition to the tables
/// (`UserspaceBookkeeping` of SunriseOS): all mappings, by address. Everything between them is free.
///
/// The other lands are recorded as reserved. A range counts as taken if any byte of it is; the original checks only
/// whether a mapping begins in it.
public struct MappingBook: Sendable {
  /// Where mappings may lie.
  public let land: Land
  /// All mappings, ascending, including reserved ranges.
  public private(set) var mappings: [Mapping] = []

  /// Creates a book of an empty land.
  ///
  /// - Parameter reserved: the other lands, in any order; they must not overlap.
  /// - Throws: `MappingError` for lands that do not consist of whole pages.
  init(of land: Land, reserving reserved: [Land]) throws(MappingError) {
    self.land = land
    for other in reserved.sorted(by: { $0.first < $1.first }) {
      mappings.append(
        try Mapping(address: other.first, length: other.length, frames: .none(.reserved)))
    }
  }

  // MARK: Lookup

  /// The mapping that contains an address; nil where the address is free (`occupied_mapping_at`).
  public func mapping(at address: VirtualAddress) -> Mapping? {
    let after = mappings.partitioningIndex { $0.address > address }
    guard after > 0, address <= mappings[after - 1].last else { return nil }
    return mappings[after - 1]
  }

  /// The first mapping that contains any of the `length` bytes from an address on; nil where all are free or
  /// `length` is 0.
  public func firstMapping(in address: VirtualAddress, length: UInt64) -> Mapping? {
    guard length > 0 else { return nil }
    let (sum, overflow) = address.value.addingReportingOverflow(length - 1)
    let last = VirtualAddress(overflow ? .max : sum)
    let next = mappings.partitioningIndex { $0.last >= address }
    guard next < mappings.count, mappings[next].address <= last else { return nil }
    return mappings[next]
  }

  /// Finds the lowest free stretch of `length` bytes in the land (`find_available_space`).
  ///
  /// - Parameters:
  ///   - length: bytes, whole pages.
  ///   - alignment: in bytes, for the address: a power of two, at least a page.
  /// - Throws: `LandError.noFreeStretch`, also for any other length or alignment.
  public func freeStretch(
    length: UInt64, alignment: UInt64 = Frame.size
  ) throws(LandError) -> VirtualAddress {
    guard length > 0, length % Frame.size == 0, alignment >= Frame.size, alignment & (alignment - 1) == 0
    else { throw .noFreeStretch(length: length) }
    var start = land.first.value
    while true {
      let (rounded, overflow) = start.addingReportingOverflow(alignment - 1)
      start = rounded & ~(alignment - 1)
      guard !overflow, land.contains(VirtualAddress(start), length: length) else {
        throw .noFreeStretch(length: length)
      }
      guard let taken = firstMapping(in: VirtualAddress(start), length: length) else {
        return VirtualAddress(start)
      }
      guard taken.last.value < .max else { throw .noFreeStretch(length: length) }
      start = taken.last.value + 1
    }
  }

  /// How much of a land is taken by mappings and reserved ranges.
  public func usage(of land: Land) -> LandUsage {
    var used: UInt64 = 0
    for mapping in mappings where mapping.address <= land.last && mapping.last >= land.first {
      used += min(mapping.last, land.last).value - max(mapping.address, land.first).value + 1
    }
    return LandUsage(used: used, free: land.length - used)
  }

  // MARK: Changes

  /// Whether a mapping can be added (`check_contains_region` and `check_vacant`).
  func check(_ mapping: Mapping) throws(LandError) {
    guard land.contains(mapping.address, length: mapping.length) else {
      throw .outsideUserLand(mapping.address, length: mapping.length)
    }
    if let other = firstMapping(in: mapping.address, length: mapping.length) {
      throw .taken(max(other.address, mapping.address))
    }
  }

  mutating func add(_ mapping: Mapping) throws(LandError) {
    try check(mapping)
    mappings.insert(mapping, at: mappings.partitioningIndex { $0.address > mapping.address })
  }

  /// The mapping with exactly this address and length (`remove_mapping`, which never splits one).
  func mapping(at address: VirtualAddress, length: UInt64) throws(LandError) -> Mapping {
    guard length > 0, land.contains(address, length: length) else {
      throw .outsideUserLand(address, length: length)
    }
    guard let mapping = mapping(at: address), mapping.address == address else { throw .vacant(address) }
    guard mapping.length == length else {
      throw .wrongLength(address, length: length, mapped: mapping.length)
    }
    return mapping
  }

  mutating func remove(_ mapping: Mapping) {
    mappings.removeAll { $0.address == mapping.address }
  }
}
