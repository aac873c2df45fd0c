/// Why there cannot be such a mapping.
public enum MappingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The address is not page-aligned.
  case misalignedAddress(VirtualAddress)
  /// The offset into the frames is not page-aligned.
  case misalignedOffset(UInt64)
  /// The length is not a multiple of the page size.
  case misalignedLength(UInt64)
  /// The length is 0.
  case empty
  /// The last address lies beyond the highest one.
  case addressOverflows(VirtualAddress, length: UInt64)
  /// Offset and length together do not fit 64 bits.
  case offsetOverflows(UInt64, length: UInt64)
  /// Fewer frames lie behind the offset than the length needs.
  case tooFewFrames(needed: UInt64, available: UInt64)

  public var description: String {
    switch self {
    case .misalignedAddress(let address): "a mapping cannot start at \(address.text); align it to a page"
    case .misalignedOffset(let offset):
      "a mapping cannot start \(AddressText.hex(offset)) bytes into its frames; align that to a page"
    case .misalignedLength(let length):
      "a mapping cannot be \(AddressText.hex(length)) bytes long; give whole pages"
    case .empty: "a mapping cannot be empty; give a length of at least one page"
    case .addressOverflows(let address, let length):
      "\(AddressText.hex(length)) bytes from \(address.text) on leave the address space; choose a lower one"
    case .offsetOverflows(let offset, let length):
      "an offset of \(AddressText.hex(offset)) and \(AddressText.hex(length)) bytes overflow; choose less"
    case .tooFewFrames(let needed, let available):
      "the mapping needs \(needed) frames and has \(available); give more frames or a smaller length"
    }
  }
}

/// A stretch of user land, and what lies behind it; the rules are those of SunriseOS.
///
/// Address, offset and length are multiples of the page size; the length is not 0; the last address does not
/// overflow, though the one behind it may; and there are enough frames behind the offset.
public struct Mapping: Sendable {
  /// Why a mapping has no frames.
  public enum Purpose: Sendable {
    /// Free for whoever asks.
    case available
    /// Kept free so that running into it is noticed.
    case guarded
    /// Not for user space at all.
    case reserved
  }

  /// What lies behind a mapping.
  public enum Frames: Sendable {
    /// Counted frames, which others may hold, too.
    case shared(FrameHold)
    /// Frames of this mapping alone.
    case owned(FrameHold)
    case none(Purpose)
  }

  public let address: VirtualAddress
  /// Bytes of the frames that come before the first one mapped.
  public let offset: UInt64
  public let length: UInt64
  public let frames: Frames

  /// - Parameter highest: the last address that there is, such as that of user land.
  /// - Throws: `MappingError`, the first that applies of: alignment of address, offset and length; length 0;
  ///   last address; offset; number of frames.
  public init(
    address: VirtualAddress, offset: UInt64 = 0, length: UInt64, frames: Frames,
    highest: VirtualAddress = VirtualAddress(.max)
  ) throws(MappingError) {
    let pageMask = Frame.size - 1
    guard address.value & pageMask == 0 else { throw .misalignedAddress(address) }
    guard offset & pageMask == 0 else { throw .misalignedOffset(offset) }
    guard length & pageMask == 0 else { throw .misalignedLength(length) }
    guard length > 0 else { throw .empty }
    let (last, addressOverflows) = address.value.addingReportingOverflow(length - 1)
    guard !addressOverflows, last <= highest.value else {
      throw .addressOverflows(address, length: length)
    }
    let (end, offsetOverflows) = offset.addingReportingOverflow(length)
    guard !offsetOverflows else { throw .offsetOverflows(offset, length: length) }
    switch frames {
    case .shared(let hold), .owned(let hold):
      let available = UInt64(hold.frames.count)
      guard end / Frame.size <= available else {
        throw .tooFewFrames(
          needed: length / Frame.size, available: available - min(available, offset / Frame.size))
      }
    case .none: break
    }
    self.address = address
    self.offset = offset
    self.length = length
    self.frames = frames
  }

  /// The frames that are mapped, page by page; empty where there are none.
  public var mappedFrames: ArraySlice<Frame> {
    switch frames {
    case .shared(let hold), .owned(let hold):
      let first = Int(truncatingIfNeeded: offset / Frame.size)
      return hold.frames[first..<first + Int(truncatingIfNeeded: length / Frame.size)]
    case .none: return []
    }
  }
}
