/// A byte address in an address space. Sign-extended where the paging scheme sign-extends.
public struct VirtualAddress: Hashable, Comparable, Sendable {
  /// Bytes from the bottom of the virtual addresses.
  public var value: UInt64

  /// Any 64 bits are an address: a paging scheme says which of them are canonical.
  @inlinable
  public init(_ value: UInt64) {
    self.value = value
  }

  /// The address `bytes` further on, wrapping at 2^64.
  @inlinable
  public func advanced(by bytes: UInt64) -> VirtualAddress { VirtualAddress(value &+ bytes) }

  /// By number: lower addresses first, so that an upper half comes behind the lower.
  @inlinable
  public static func < (left: VirtualAddress, right: VirtualAddress) -> Bool {
    left.value < right.value
  }
}

extension VirtualAddress: ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// `0x1000`, say: where the type is known, an integer literal is an address.
  @inlinable
  public init(integerLiteral value: UInt64) { self.init(value) }

  /// As people read it: `0x1a2c000`.
  public var description: String { AddressText.hex(value) }
}
