/// A supervisor mapping of frames that user space also maps, outside the kernel's direct map.
public struct Mirror: Hashable, Sendable {
  /// The space of the user side, by its place in the order given.
  public let place: Int
  /// The first byte on the user side; page-aligned.
  public let userVA: VirtualAddress
  /// The first byte on the kernel side; page-aligned.
  public let kernelVA: VirtualAddress
  /// Bytes, whole pages, contiguous on both sides; no frame comes twice.
  public let length: UInt64
  /// The frame of the first page.
  public let physical: PhysicalAddress
  /// The space of the kernel side, by place: the first that has it.
  public let kernelPlace: Int
  /// How many user mappings, over all spaces, the first page has.
  public let userMappings: UInt64

  /// A mirror of `length` bytes, a multiple of the smallest page.
  public init(
    place: Int, userVA: VirtualAddress, kernelVA: VirtualAddress, length: UInt64, physical: PhysicalAddress,
    kernelPlace: Int, userMappings: UInt64
  ) {
    self.place = place
    self.userVA = userVA
    self.kernelVA = kernelVA
    self.length = length
    self.physical = physical
    self.kernelPlace = kernelPlace
    self.userMappings = userMappings
  }
}
