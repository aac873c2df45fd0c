/// Why a mapping could not be mirrored; nothing was changed.
public enum MirrorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The length is 0.
  case empty
  /// The sum of offset and length does not fit into 64 bits.
  case overflows(offset: UInt64, length: UInt64)
  /// Only shared (counted) frames can be mirrored; this mapping owns its frames, or has none.
  case notShared(VirtualAddress)
  /// The part ends beyond the end of the mapping.
  case beyondMapping(end: UInt64, length: UInt64)
  /// The sum of the mapping's own offset and that of the part does not fit into 64 bits.
  case physicalOffsetOverflows(mapping: UInt64, offset: UInt64)
  /// The smallest pages of kernel land have another size than frames.
  case pageSize(UInt64)
  /// Kernel land has no stretch of that many free pages.
  case noFreeStretch(pages: UInt64)
  /// The tables of kernel land could not be written.
  case writing(WritingError)
  /// The address is not in user land.
  case outsideUserLand(VirtualAddress)
  /// The user range leaves the address space.
  case outsideAddressSpace(VirtualAddress)
  /// The user range has a hole.
  case notMapped(VirtualAddress)
  /// The page is not accessible to user space.
  case supervisorOnly(VirtualAddress)
  /// The page's frame is not memory, as far as the source knows, so it cannot be counted.
  case noMemory(VirtualAddress, PhysicalAddress)
  /// More pages than the machine has frames.
  case tooLong(pages: UInt64, limit: UInt64)

  /// One line: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .empty: "nothing to mirror; give a length of at least one byte"
    case .overflows(let offset, let length):
      "an offset of \(AddressText.hex(offset)) and \(AddressText.hex(length)) bytes overflow; choose less"
    case .notShared(let address):
      "the frames of the mapping at \(address.text) are not shared; only counted frames can be mirrored"
    case .beyondMapping(let end, let length):
      "the part ends at \(AddressText.hex(end)) of a mapping of \(AddressText.hex(length)) bytes; choose less"
    case .physicalOffsetOverflows(let mapping, let offset):
      "offsets of \(AddressText.hex(mapping)) and \(AddressText.hex(offset)) overflow; choose a smaller one"
    case .pageSize(let size):
      "kernel land has pages of \(AddressText.hex(size)) bytes; choose one whose pages have "
        + AddressText.hex(Frame.size)
    case .noFreeStretch(let pages):
      "kernel land has no \(pages) free pages in a row; drop a mirror or mirror less"
    case .writing(let error): error.description
    case .outsideUserLand(let address): "\(address.text) is no address of user land; choose one that is"
    case .outsideAddressSpace(let address):
      "the range at \(address.text) leaves the address space; choose a canonical range in one half"
    case .notMapped(let address): "nothing is mapped at \(address.text); choose a range without holes"
    case .supervisorOnly(let address):
      "the page at \(address.text) is the kernel's own; choose pages that user space may access"
    case .noMemory(let address, let physical):
      "the page at \(address.text) maps \(AddressText.hex(physical.value)), which is no memory; leave it out"
    case .tooLong(let pages, let limit): "\(pages) pages are more than the machine's \(limit); choose less"
    }
  }
}

/// A part of a user mapping's frames, mapped a second time in kernel land, read-write for the supervisor, as a
/// kernel does to access a buffer of another process (`mirror_mapping` of SunriseOS).
///
/// It holds the frames, so it may outlive the user's mapping. When it ends, its pages are unmapped; the frames stay
/// as long as others hold them.
public struct CrossProcessMapping: ~Copyable, Sendable {
  /// The kernel address of the first byte requested, including its offset within the page.
  public let address: VirtualAddress
  /// Bytes, as requested; whole pages are mapped.
  public let length: UInt64
  /// The space that the kernel pages were mapped through.
  public let space: AddressSpace

  /// The other spaces that share the pages.
  private let half: KernelHalf?
  private let hold: FrameHold

  /// The frames, one per page.
  public var frames: [Frame] { hold.frames }

  /// The first page.
  public var firstPage: VirtualAddress { VirtualAddress(address.value & ~(Frame.size - 1)) }

  /// Maps a part of a mapping's frames into a free stretch of kernel land.
  ///
  /// - Parameters:
  ///   - offset: bytes from the mapping's own start, in addition to the offset that the mapping itself has.
  ///   - length: bytes; whole pages are mapped.
  /// - Throws: `MirrorError`, the first that applies of: length 0; `offset + length` overflows; frames not shared;
  ///   the part ends beyond the mapping; the offset into the frames overflows; the land's smallest pages have
  ///   another size than frames; no free stretch; the tables cannot be written.
  public static func mirror(
    _ mapping: Mapping, offset: UInt64, length: UInt64, in land: KernelLand
  ) throws(MirrorError) -> CrossProcessMapping {
    guard length > 0 else { throw .empty }
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow else { throw .overflows(offset: offset, length: length) }
    guard case .shared(let shared) = mapping.frames else { throw .notShared(mapping.address) }
    guard end <= mapping.length else { throw .beyondMapping(end: end, length: mapping.length) }
    let pages = try frameRange(mappingOffset: mapping.offset, offset: offset, length: length)
    let frames = Array(shared.frames[pages])
    // Mappings count frames, and each of them gets a leaf of its own.
    let pageSize = land.window.scheme.pageSize
    guard pageSize == Frame.size else { throw .pageSize(pageSize) }

    let memory = shared.memory
    guard let start = land.freeStretch(pages: UInt64(frames.count), in: memory) else {
      throw .noFreeStretch(pages: UInt64(frames.count))
    }
    let last = land.window.scheme.levels[land.window.scheme.levels.count - 1]
    do throws(WritingError) {
      try land.space.map(
        start, to: frames, as: .basic(last.format.leastAccess(allowing: .write)), options: .kernelLand,
        half: land.half, in: memory)
    } catch {
      throw .writing(error)
    }
    return CrossProcessMapping(
      address: start.advanced(by: offset & (Frame.size - 1)), length: length, land: land,
      hold: FrameHold(holding: frames, in: memory))
  }

  /// The frames of a part, as a range of indices into the mapping's frames; covers all pages of the part in full.
  package static func frameRange(
    mappingOffset: UInt64, offset: UInt64, length: UInt64
  ) throws(MirrorError) -> Range<Int> {
    let (start, startOverflows) = mappingOffset.addingReportingOverflow(offset)
    let (end, endOverflows) = start.addingReportingOverflow(length)
    let (rounded, roundingOverflows) = end.addingReportingOverflow(Frame.size - 1)
    guard !startOverflows, !endOverflows, !roundingOverflows else {
      throw .physicalOffsetOverflows(mapping: mappingOffset, offset: offset)
    }
    return Int(truncatingIfNeeded: start / Frame.size)..<Int(truncatingIfNeeded: rounded / Frame.size)
  }

  private init(address: VirtualAddress, length: UInt64, land: KernelLand, hold: FrameHold) {
    self.address = address
    self.length = length
    space = land.space
    half = land.half
    self.hold = hold
  }

  deinit {
    // Only pages that still map our frames: others may have unmapped some, and mapped other frames there.
    space.unmap(firstPage, ifMapping: hold.frames[...], half: half, in: hold.memory)
  }
}

/// Keeps a mirror for as long as it lives, because collections and copyable values cannot hold a noncopyable
/// mirror.
public final class MirrorKeeper: Sendable {
  /// The mirror that is kept.
  public let mirror: CrossProcessMapping

  /// Takes over a mirror.
  public init(_ mirror: consuming CrossProcessMapping) {
    self.mirror = mirror
  }
}
