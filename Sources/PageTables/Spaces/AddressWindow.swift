/// A part of a space's virtual addresses that one root translates.
///
/// x86 and RISC-V have one window; AArch64 has two, each with its own root, size and granule (Arm ARM, "The two VA
/// ranges").
public struct AddressWindow: Hashable, Sendable {
  /// The table at level 0.
  public var root: PhysicalAddress
  /// The scheme of the root and all tables below it.
  public var scheme: PagingScheme
  /// The lowest translated address. 0 where the scheme sign-extends: its upper half belongs to the same root.
  public var first: VirtualAddress

  /// A window that begins at `first`, 0 by default; its size follows from the number of address bits of the scheme.
  public init(root: PhysicalAddress, scheme: PagingScheme, first: VirtualAddress = VirtualAddress(0)) {
    self.root = root
    self.scheme = scheme
    self.first = first
  }

  /// The last translated address.
  public var last: VirtualAddress { virtual(scheme.lastOffset) }

  /// Bytes of addresses that the root translates, in both halves together where addresses are sign-extended.
  package var translatedBytes: UInt64 { scheme.lastOffset &+ 1 }

  /// The address at an offset from the bottom of the translated bits. Offsets are in the same order as addresses.
  package func virtual(_ offset: UInt64) -> VirtualAddress {
    VirtualAddress(first.value &+ scheme.canonical(offset).value)
  }

  /// Whether the root translates an address.
  public func contains(_ address: VirtualAddress) -> Bool {
    scheme.isCanonical(VirtualAddress(address.value &- first.value))
  }

  /// The translated bits of an address.
  package func offset(of address: VirtualAddress) -> UInt64 {
    (address.value &- first.value) & scheme.lastOffset
  }

  /// Whether `length` bytes (at least 1) from `first` on lie in the window and are consecutive, without the gap
  /// between the halves.
  func canSpan(_ first: VirtualAddress, length: UInt64) -> Bool {
    !first.value.addingReportingOverflow(length &- 1).overflow
      && scheme.canSpan(VirtualAddress(first.value &- self.first.value), length: length)
  }

  /// The index that an address selects in a table of one of the scheme's levels.
  func slot(of address: VirtualAddress, level: Int) -> Int {
    scheme.levels[level].slot(of: VirtualAddress(offset(of: address)))
  }

  /// The table at level 0, at the address that the processor takes from the root.
  var rootTable: TableReference { TableReference(address: scheme.aligned(root: root), level: 0) }

  /// The offsets of the translated addresses between two addresses, both inclusive; nil where there are none.
  ///
  /// A bound that no root translates is replaced by the nearest translated address inside the range.
  func offsets(from low: VirtualAddress?, through high: VirtualAddress?) -> ClosedRange<UInt64>? {
    let begin = low.map { lowestOffset(from: $0) } ?? .some(0)
    let end = high.map { highestOffset(through: $0) } ?? .some(scheme.lastOffset)
    guard let begin, let end, begin <= end else { return nil }
    return begin...end
  }

  private func lowestOffset(from address: VirtualAddress) -> UInt64? {
    if contains(address) { return offset(of: address) }
    // In the gap between the two halves.
    if scheme.isSignExtended { return offset(of: VirtualAddress(first.value &+ scheme.upperHalf.value)) }
    return address < first ? 0 : nil
  }

  private func highestOffset(through address: VirtualAddress) -> UInt64? {
    if contains(address) { return offset(of: address) }
    if scheme.isSignExtended { return offset(of: VirtualAddress(first.value &+ scheme.upperHalf.value)) &- 1 }
    return address < first ? nil : scheme.lastOffset
  }
}
