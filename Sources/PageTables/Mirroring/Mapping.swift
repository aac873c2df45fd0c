/// Why a mapping is invalid.
public enum MappingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The address is not page-aligned.
  case misalignedAddress(VirtualAddress)
  /// The offset into the frames is not page-aligned.
  case misalignedOffset(UInt64)
  /// The length is not a multiple of the page size.
  case misalignedLength(UInt64)
  /// The length is 0.
  case empty
  /// The last address lies beyond the highest allowed one.
  case addressOverflows(VirtualAddress, length: UInt64)
  /// The sum of offset and length does not fit into 64 bits.
  case offsetOverflows(UInt64, length: UInt64)
  /// There are fewer frames after the offset than the length needs.
  case tooFewFrames(needed: UInt64, available: UInt64)
  /// A mapping of the type cannot have frames of this kind: counted types need shared frames, others owned frames,
  /// and only a few types may have none.
  case framesDoNotFit(MemoryType)

  /// One line: what is wrong, and what to give instead.
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
    case .framesDoNotFit(let type):
      type.isCounted
        ? "a mapping of type \(type) has counted frames; share them"
        : "a mapping of type \(type) has frames of its own" + (type.canBeEmpty ? " or none" : "")
          + "; choose another type"
    }
  }
}

/// A range of user land, and what backs it; the rules are those of SunriseOS (`Mapping::new`). Its pages are frames,
/// of `Frame.size` bytes.
///
/// Address, offset and length are multiples of the page size; the length is not 0; the last address does not
/// overflow, though the one after it may; there are enough frames after the offset; and the frames fit the type.
public struct Mapping: Sendable {
  /// Why a mapping has no frames.
  public enum Purpose: Sendable {
    /// Free for anyone to use.
    case available
    /// Kept unmapped so that overruns fault.
    case guarded
    /// Not available to user space at all.
    case reserved
  }

  /// What backs a mapping.
  public enum Frames: Sendable {
    /// Counted frames, which others may hold, too.
    case shared(FrameHold)
    /// Frames that only this mapping uses.
    case owned(FrameHold)
    /// No frames, and why.
    case none(Purpose)

    /// The default type for such frames.
    fileprivate var plainType: MemoryType {
      switch self {
      case .shared: .heap
      case .owned: .normal
      case .none(.available): .unmapped
      case .none(.guarded): .kernelStack
      case .none(.reserved): .reserved
      }
    }

    fileprivate func fit(_ type: MemoryType) -> Bool {
      switch self {
      case .shared: type.isCounted
      case .owned: !type.isCounted
      case .none(.available): type == .unmapped
      case .none(.guarded): type.canBeEmpty
      case .none(.reserved): type == .reserved
      }
    }
  }

  /// The first byte; a multiple of the page size.
  public let address: VirtualAddress
  /// Bytes to skip at the start of the frames.
  public let offset: UInt64
  /// Bytes; whole pages, at least one.
  public let length: UInt64
  /// What backs it.
  public let frames: Frames
  /// Its purpose.
  public let type: MemoryType

  /// - Parameters:
  ///   - address: the first byte.
  ///   - offset: bytes to skip at the start of the frames.
  ///   - length: bytes.
  ///   - type: by default the simplest that fits the frames: heap, normal, unmapped, kernel stack (a guard),
  ///     reserved.
  ///   - highest: the highest allowed address, such as that of user land.
  /// - Throws: `MappingError`, the first that applies of: alignment of address, offset and length; length 0; last
  ///   address; offset; number of frames; type.
  public init(
    address: VirtualAddress, offset: UInt64 = 0, length: UInt64, frames: Frames, type: MemoryType? = nil,
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
    let type = type ?? frames.plainType
    guard frames.fit(type) else { throw .framesDoNotFit(type) }
    self.address = address
    self.offset = offset
    self.length = length
    self.frames = frames
    self.type = type
  }

  /// The last byte.
  public var last: VirtualAddress { address.advanced(by: length - 1) }

  /// The mapped frames, one per page; empty where there are none.
  public var mappedFrames: ArraySlice<Frame> {
    switch frames {
    case .shared(let hold), .owned(let hold):
      let first = Int(truncatingIfNeeded: offset / Frame.size)
      return hold.frames[first..<first + Int(truncatingIfNeeded: length / Frame.size)]
    case .none: return []
    }
  }
}
