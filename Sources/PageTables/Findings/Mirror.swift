/// A supervisor mapping of frames that user space also maps, outside the kernel's direct map.
public struct Mirror: Hashable, Sendable {
  /// How frames come to be mapped on both sides.
  public enum Kind: String, Hashable, Sendable {
    /// The kernel maps memory of user space, or lends it memory of its own.
    case mirror
    /// A page of the kernel's image that was given back after boot, and now belongs to user space: the mapping was
    /// left in place, and nobody uses it.
    case givenBack = "given-back"
  }

  /// The space of the user side, by its number in the order given.
  public let spaceNumber: Int
  /// The first byte on the user side; page-aligned.
  public let userVA: VirtualAddress
  /// The first byte on the kernel side; page-aligned.
  public let kernelVA: VirtualAddress
  /// Bytes, whole pages, contiguous on both sides; no frame appears twice.
  public let length: UInt64
  /// The frame of the first page.
  public let physical: PhysicalAddress
  /// The space of the kernel side, by its number in the order given: the first space that has the mapping.
  public let kernelSpaceNumber: Int
  /// How many user mappings the first page has, over all spaces.
  public let userMappings: UInt64
  /// How the frames come to be mapped on both sides.
  public let kind: Kind
  /// Whether the kernel side lies in the mapping of the kernel's image: what the kernel shows everybody there, such
  /// as a page of zeroes, or what was given back. False where the tables do not tell where the image lies.
  public let isImage: Bool

  /// Creates a mirror of `length` bytes, a multiple of the smallest page size.
  public init(
    spaceNumber: Int, userVA: VirtualAddress, kernelVA: VirtualAddress, length: UInt64,
    physical: PhysicalAddress,
    kernelSpaceNumber: Int, userMappings: UInt64, kind: Kind = .mirror, isImage: Bool = false
  ) {
    self.spaceNumber = spaceNumber
    self.userVA = userVA
    self.kernelVA = kernelVA
    self.length = length
    self.physical = physical
    self.kernelSpaceNumber = kernelSpaceNumber
    self.userMappings = userMappings
    self.kind = kind
    self.isImage = isImage
  }

  /// Whether the kernel maps what is user space's in particular: no page of its own image.
  public var isParticular: Bool { kind == .mirror && !isImage }
}
