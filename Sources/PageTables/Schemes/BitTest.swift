/// A test on some bits of an entry: whether the bits under `mask` equal `value`, or, inverted, differ from it.
public struct BitTest: Hashable, Sendable {
  /// The bits tested.
  public let mask: UInt64
  /// The value that they are compared with.
  public let value: UInt64
  /// Whether the test holds where the bits differ from `value`.
  public let isInverted: Bool

  /// Tests whether the bits under `mask` equal `value`, or, inverted, differ from it.
  @inlinable
  public init(mask: UInt64, value: UInt64, isInverted: Bool = false) {
    self.mask = mask
    self.value = value
    self.isInverted = isInverted
  }

  /// Whether an entry passes.
  @inlinable
  public func matches(_ raw: UInt64) -> Bool { (raw & mask == value) != isInverted }

  /// Holds for every entry.
  public static let always = BitTest(mask: 0, value: 0)
  /// Holds for no entry.
  public static let never = BitTest(mask: 0, value: 1)

  /// Bit number `bit` is 1.
  public static func set(_ bit: Int) -> BitTest { BitTest(mask: 1 &<< UInt64(bit), value: 1 &<< UInt64(bit)) }
  /// Bit number `bit` is 0.
  public static func clear(_ bit: Int) -> BitTest { BitTest(mask: 1 &<< UInt64(bit), value: 0) }
  /// One or more of the bits under `mask` are 1. For example, an EPT entry is present if it allows anything (Intel
  /// SDM Vol. 3C, 29.3.2).
  public static func any(of mask: UInt64) -> BitTest { BitTest(mask: mask, value: 0, isInverted: true) }

  /// The test that holds where both hold; neither may be inverted.
  public func and(_ other: BitTest) -> BitTest {
    precondition(!isInverted && !other.isInverted, "what differs in one place or another is no single test")
    // Two contradictory tests never hold together.
    guard (value ^ other.value) & mask & other.mask == 0 else { return .never }
    return BitTest(mask: mask | other.mask, value: value | other.value)
  }
}

/// A mask of the bits `low` to `high`, both inclusive.
func bits(_ low: Int, through high: Int) -> UInt64 {
  guard low <= high, low < 64 else { return 0 }
  let upper: UInt64 = high >= 63 ? .max : (1 << UInt64(high + 1)) - 1
  return upper & ~((1 << UInt64(low)) - 1)
}
