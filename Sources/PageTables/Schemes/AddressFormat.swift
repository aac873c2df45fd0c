/// How an entry holds a physical address: one or two groups of bits, each shifted into place.
///
/// The second group serves formats that store high address bits separately, as PSE-36 does (Intel SDM Vol. 3A,
/// Table 4-4).
public struct AddressFormat: Hashable, Sendable {
  /// The bits of an entry that hold the address, or its lower part.
  public let mask: UInt64
  /// Left shift of the bits under `mask`.
  public let shift: UInt64
  /// The bits of an entry that hold the upper part of the address; 0 where there is none.
  public let highMask: UInt64
  /// Left shift of the bits under `highMask`.
  public let highShift: UInt64

  /// An address in one or two groups of bits.
  public init(mask: UInt64, shift: UInt64 = 0, highMask: UInt64 = 0, highShift: UInt64 = 0) {
    self.mask = mask
    self.shift = shift
    self.highMask = highMask
    self.highShift = highShift
  }

  /// Every bit of the entry that belongs to the address.
  @inlinable
  public var allBits: UInt64 { mask | highMask }

  /// The address that an entry holds.
  @inlinable
  public func address(in raw: UInt64) -> PhysicalAddress {
    PhysicalAddress(((raw & mask) &<< shift) | ((raw & highMask) &<< highShift))
  }
}
