/// A byte address in an address space. Sign-extended where the paging scheme sign-extends.
public struct VirtualAddress: Hashable, Comparable, Sendable {
  /// The address as an unsigned number.
  public var value: UInt64

  /// Any 64-bit value is accepted; the paging scheme decides which are canonical.
  @inlinable
  public init(_ value: UInt64) {
    self.value = value
  }

  /// The address plus `bytes`, wrapping at 2^64.
  @inlinable
  public func advanced(by bytes: UInt64) -> VirtualAddress { VirtualAddress(value &+ bytes) }

  /// By number: lower addresses first, so an upper half follows the lower half.
  @inlinable
  public static func < (left: VirtualAddress, right: VirtualAddress) -> Bool {
    left.value < right.value
  }
}

extension VirtualAddress: ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Allows an integer literal, such as `0x1000`, where this type is expected.
  @inlinable
  public init(integerLiteral value: UInt64) { self.init(value) }

  /// In hexadecimal: `0x1a2c000`.
  public var description: String { AddressText.hex(value) }
}
