/// A byte address in physical memory.
public struct PhysicalAddress: Hashable, Comparable, Sendable {
  public var value: UInt64

  @inlinable
  public init(_ value: UInt64) {
    self.value = value
  }

  /// The page-grained frame that holds this byte.
  @inlinable
  public var frame: Frame { Frame(value >> UInt64(Frame.shift)) }

  /// The first byte of the frame that holds this byte.
  @inlinable
  public var frameStart: PhysicalAddress { PhysicalAddress(value & ~(Frame.size - 1)) }

  /// Offset within the frame, 0 to 4095.
  @inlinable
  public var offsetInFrame: Int { Int(truncatingIfNeeded: value & (Frame.size - 1)) }

  /// The address `bytes` further on, wrapping at 2^64: addresses in a dump are hostile and must not trap.
  @inlinable
  public func advanced(by bytes: UInt64) -> PhysicalAddress { PhysicalAddress(value &+ bytes) }

  @inlinable
  public static func < (left: PhysicalAddress, right: PhysicalAddress) -> Bool {
    left.value < right.value
  }
}

/// The number of a 4 KiB page of physical memory.
public struct Frame: Hashable, Comparable, Sendable {
  /// log2 of the bytes in a frame.
  public static let shift = 12
  /// Bytes in a frame.
  public static let size: UInt64 = 4096

  public var number: UInt64

  @inlinable
  public init(_ number: UInt64) {
    self.number = number
  }

  @inlinable
  public var start: PhysicalAddress { PhysicalAddress(number << UInt64(Frame.shift)) }

  @inlinable
  public static func < (left: Frame, right: Frame) -> Bool { left.number < right.number }
}
