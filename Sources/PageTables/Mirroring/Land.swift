/// A part of the address space that has one purpose; both ends included (`VirtualSpaceLand` of SunriseOS).
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

  /// Whether `length` bytes from an address on lie in the land, all of them; none at all do not
  /// (`contains_region`, which panics there).
  public func contains(_ address: VirtualAddress, length: UInt64) -> Bool {
    let (end, overflow) = address.value.addingReportingOverflow(length &- 1)
    return length > 0 && !overflow && contains(address) && contains(VirtualAddress(end))
  }
}

/// What is used of a land and what is free, in bytes; together the land.
public struct LandUsage: Hashable, Sendable {
  /// Bytes that are mapped, guarded or reserved.
  public let used: UInt64
  /// Bytes that can still be mapped.
  public let free: UInt64
}

/// Why something cannot be done with a process's land; nothing was changed then.
public enum LandError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The range does not lie in user land, or not all of it.
  case outsideUserLand(VirtualAddress, length: UInt64)
  /// A mapping, or what is reserved, has the address already.
  case taken(VirtualAddress)
  /// No mapping begins at the address, or none has it.
  case vacant(VirtualAddress)
  /// The mapping that begins there has another length: mappings are taken away in whole.
  case wrongLength(VirtualAddress, length: UInt64, mapped: UInt64)
  /// User land has no free stretch of so many bytes, with the alignment asked for.
  case noFreeStretch(length: UInt64)
  /// The tables cannot be written.
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
