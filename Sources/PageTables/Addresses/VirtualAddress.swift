/// A byte address in an address space. Sign-extended where the paging scheme sign-extends.
public struct VirtualAddress: Hashable, Comparable, Sendable {
  public var value: UInt64

  @inlinable
  public init(_ value: UInt64) {
    self.value = value
  }

  /// The address `bytes` further on, wrapping at 2^64.
  @inlinable
  public func advanced(by bytes: UInt64) -> VirtualAddress { VirtualAddress(value &+ bytes) }

  @inlinable
  public static func < (left: VirtualAddress, right: VirtualAddress) -> Bool {
    left.value < right.value
  }
}
