/// A question about some bits of an entry: do the bits under `mask` equal `value`?
public struct BitTest: Hashable, Sendable {
  public let mask: UInt64
  public let value: UInt64

  @inlinable
  public init(mask: UInt64, value: UInt64) {
    self.mask = mask
    self.value = value
  }

  @inlinable
  public func matches(_ raw: UInt64) -> Bool { raw & mask == value }

  public static let always = BitTest(mask: 0, value: 0)
  public static let never = BitTest(mask: 0, value: 1)

  public static func set(_ bit: Int) -> BitTest { BitTest(mask: 1 << UInt64(bit), value: 1 << UInt64(bit)) }
  public static func clear(_ bit: Int) -> BitTest { BitTest(mask: 1 << UInt64(bit), value: 0) }
}

/// How an entry holds a physical address: one or two groups of bits, each shifted into place.
///
/// The second group serves formats that keep high address bits apart, as PSE-36 does (Intel SDM Vol. 3A,
/// Table 4-4).
public struct AddressFormat: Hashable, Sendable {
  public let mask: UInt64
  /// Left shift of the bits under `mask`.
  public let shift: UInt64
  public let highMask: UInt64
  /// Left shift of the bits under `highMask`.
  public let highShift: UInt64

  public init(mask: UInt64, shift: UInt64 = 0, highMask: UInt64 = 0, highShift: UInt64 = 0) {
    self.mask = mask
    self.shift = shift
    self.highMask = highMask
    self.highShift = highShift
  }

  /// Every bit of the entry that belongs to the address.
  @inlinable
  public var allBits: UInt64 { mask | highMask }

  @inlinable
  public func address(in raw: UInt64) -> PhysicalAddress {
    PhysicalAddress(((raw & mask) &<< shift) | ((raw & highMask) &<< highShift))
  }
}

/// The bits `low` to `high`, both included.
func bits(_ low: Int, through high: Int) -> UInt64 {
  guard low <= high, low < 64 else { return 0 }
  let upper: UInt64 = high >= 63 ? .max : (1 << UInt64(high + 1)) - 1
  return upper & ~((1 << UInt64(low)) - 1)
}
