/// A part of the address space that serves one purpose; both ends inclusive (`VirtualSpaceLand` of SunriseOS).
public struct Land: Hashable, Sendable {
  /// The lowest address of the land.
  public let first: VirtualAddress
  /// Its highest address.
  public let last: VirtualAddress

  init(_ first: UInt64, _ last: UInt64) {
    self.first = VirtualAddress(first)
    self.last = VirtualAddress(last)
  }

  /// Bytes in the land.
  public var length: UInt64 { last.value &- first.value &+ 1 }

  /// Whether the byte at an address lies in the land.
  public func contains(_ address: VirtualAddress) -> Bool { first <= address && address <= last }

  /// Whether all of the `length` bytes from `address` on lie in the land; false for a length of 0, for which the
  /// original (`contains_region`) panics.
  public func contains(_ address: VirtualAddress, length: UInt64) -> Bool {
    let (end, overflow) = address.value.addingReportingOverflow(length &- 1)
    return length > 0 && !overflow && contains(address) && contains(VirtualAddress(end))
  }
}

/// How much of a land is used and how much is free, in bytes; the sum is the size of the land.
public struct LandUsage: Hashable, Sendable {
  /// Bytes that are mapped, guarded or reserved.
  public let used: UInt64
  /// Bytes that can still be mapped.
  public let free: UInt64
}

/// Why an operation on a process's land failed; nothing was changed.
public enum LandError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The range does not lie completely in user land.
  case outsideUserLand(VirtualAddress, length: UInt64)
  /// The address is already part of a mapping or a reserved range.
  case taken(VirtualAddress)
  /// No mapping begins at the address, or none contains it.
  case vacant(VirtualAddress)
  /// The mapping that begins there has another length: mappings are only removed as a whole.
  case wrongLength(VirtualAddress, length: UInt64, mapped: UInt64)
  /// User land has no free stretch of that many bytes with the requested alignment.
  case noFreeStretch(length: UInt64)
  /// The tables could not be written.
  case writing(WritingError)

  /// One line: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .outsideUserLand(let address, let length):
      "\(AddressText.hex(length)) bytes at \(address.text) do not lie in user land; choose another place"
    case .taken(let address): "\(address.text) is taken by another mapping; unmap it or choose another place"
    case .vacant(let address): "no mapping is at \(address.text); name one that there is"
    case .wrongLength(let address, let length, let mapped):
      "the mapping at \(address.text) has \(AddressText.hex(mapped)) bytes, not \(AddressText.hex(length)); "
        + "take it away in whole"
    case .noFreeStretch(let length):
      "user land has no \(AddressText.hex(length)) free bytes in a row; unmap something or map less"
    case .writing(let error): error.description
    }
  }
}
