/// The number of a 4 KiB page of physical memory.
public struct Frame: Hashable, Comparable, Sendable {
  /// log2 of the bytes in a frame.
  public static let shift = 12
  /// Bytes in a frame.
  public static let size: UInt64 = 4096

  /// Which frame, counted from the bottom of physical memory: the address divided by `Frame.size`.
  public var number: UInt64

  /// The frame with that number.
  @inlinable
  public init(_ number: UInt64) {
    self.number = number
  }

  /// The address of its first byte; high bits of the number are lost where the address would exceed 64 bits.
  @inlinable
  public var start: PhysicalAddress { PhysicalAddress(number << UInt64(Frame.shift)) }

  /// By number.
  @inlinable
  public static func < (left: Frame, right: Frame) -> Bool { left.number < right.number }
}
