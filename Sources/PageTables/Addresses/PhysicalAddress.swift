/// A byte address in physical memory.
public struct PhysicalAddress: Hashable, Comparable, Sendable {
  /// Bytes from the bottom of physical memory.
  public var value: UInt64

  /// Any 64-bit value is accepted; whether a dump holds the address is not checked here.
  @inlinable
  public init(_ value: UInt64) {
    self.value = value
  }

  /// The 4 KiB frame that holds this byte.
  @inlinable
  public var frame: Frame { Frame(value >> UInt64(Frame.shift)) }

  /// The first byte of the frame that holds this byte.
  @inlinable
  public var frameStart: PhysicalAddress { PhysicalAddress(value & ~(Frame.size - 1)) }

  /// Offset within the frame, 0 to 4095.
  @inlinable
  public var offsetInFrame: Int { Int(truncatingIfNeeded: value & (Frame.size - 1)) }

  /// The address plus `bytes`, wrapping at 2^64: addresses in a dump may be hostile and must not trap.
  @inlinable
  public func advanced(by bytes: UInt64) -> PhysicalAddress { PhysicalAddress(value &+ bytes) }

  /// By number: lower addresses first.
  @inlinable
  public static func < (left: PhysicalAddress, right: PhysicalAddress) -> Bool {
    left.value < right.value
  }
}

extension PhysicalAddress: ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Allows an integer literal, such as `0x1000`, where this type is expected.
  @inlinable
  public init(integerLiteral value: UInt64) { self.init(value) }

  /// In hexadecimal: `0x1a2c000`.
  public var description: String { AddressText.hex(value) }
}
