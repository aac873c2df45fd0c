/// A part of a space's virtual addresses that one root translates.
///
/// x86 and RISC-V have one window; AArch64 two, with a root, a size and a granule each (Arm ARM, "The two VA ranges").
public struct AddressWindow: Hashable, Sendable {
  /// The table at level 0.
  public var root: PhysicalAddress
  /// What the root and all tables below it are read by.
  public var scheme: PagingScheme
  /// The lowest address that is translated. 0 where the scheme sign-extends: its upper half belongs to the same root.
  public var first: VirtualAddress

  /// A window that begins at `first`, by default at the bottom, and is as large as the scheme's addresses have bits.
  public init(root: PhysicalAddress, scheme: PagingScheme, first: VirtualAddress = VirtualAddress(0)) {
    self.root = root
    self.scheme = scheme
    self.first = first
  }

  /// The last address that is translated.
  public var last: VirtualAddress { virtual(scheme.lastOffset) }

  /// The address at an offset from the bottom of the translated bits: the order of these offsets is the order of
  /// addresses.
  func virtual(_ offset: UInt64) -> VirtualAddress {
    VirtualAddress(first.value &+ scheme.canonical(offset).value)
  }

  /// Whether the root translates an address.
  public func contains(_ address: VirtualAddress) -> Bool {
    scheme.isCanonical(VirtualAddress(address.value &- first.value))
  }

  /// The translated bits of an address.
  func offset(of address: VirtualAddress) -> UInt64 { (address.value &- first.value) & scheme.lastOffset }

  /// The table at level 0, as the processor takes the root.
  var rootTable: TableReference { TableReference(address: scheme.aligned(root: root), level: 0) }

  /// The offsets of what lies between two addresses, both included; nil where that is nothing.
  ///
  /// What no root translates counts as the nearest translated address inside.
  func offsets(from low: VirtualAddress?, through high: VirtualAddress?) -> ClosedRange<UInt64>? {
    let begin = low.map { lowestOffset(from: $0) } ?? .some(0)
    let end = high.map { highestOffset(through: $0) } ?? .some(scheme.lastOffset)
    guard let begin, let end, begin <= end else { return nil }
    return begin...end
  }

  private func lowestOffset(from address: VirtualAddress) -> UInt64? {
    if contains(address) { return offset(of: address) }
    // The gap between two halves.
    if scheme.isSignExtended { return offset(of: VirtualAddress(first.value &+ scheme.upperHalf.value)) }
    return address < first ? 0 : nil
  }

  private func highestOffset(through address: VirtualAddress) -> UInt64? {
    if contains(address) { return offset(of: address) }
    if scheme.isSignExtended { return offset(of: VirtualAddress(first.value &+ scheme.upperHalf.value)) &- 1 }
    return address < first ? nil : scheme.lastOffset
  }
}
