/// A byte address in physical memory.
public struct PhysicalAddress: Hashable, Comparable, Sendable {
  /// Bytes from the bottom of physical memory.
  public var value: UInt64

  /// Any 64 bits are an address: what a dump holds is not checked here.
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

  /// By number: lower addresses first.
  @inlinable
  public static func < (left: PhysicalAddress, right: PhysicalAddress) -> Bool {
    left.value < right.value
  }
}

extension PhysicalAddress: ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// `0x1000`, say: where the type is known, an integer literal is an address.
  @inlinable
  public init(integerLiteral value: UInt64) { self.init(value) }

  /// As people read it: `0x1a2c000`.
  public var description: String { AddressText.hex(value) }
}

/// The number of a 4 KiB page of physical memory.
public struct Frame: Hashable, Comparable, Sendable {
  /// log2 of the bytes in a frame.
  public static let shift = 12
  /// Bytes in a frame.
  public static let size: UInt64 = 4096

  /// Which frame, counted from the bottom of physical memory: the address divided by `Frame.size`.
  public var number: UInt64

  /// The frame of that number.
  @inlinable
  public init(_ number: UInt64) {
    self.number = number
  }

  /// The address of its first byte; the number's highest bits are lost where that needs more than 64.
  @inlinable
  public var start: PhysicalAddress { PhysicalAddress(number << UInt64(Frame.shift)) }

  /// By number.
  @inlinable
  public static func < (left: Frame, right: Frame) -> Bool { left.number < right.number }
}
