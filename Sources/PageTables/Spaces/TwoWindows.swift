extension PagingScheme {
  /// The lowest address of the window at the top, where a space has one by this scheme; nil where one root translates
  /// all addresses.
  public var firstAddressOfUpperWindow: VirtualAddress? {
    upperRootRegister == nil ? nil : VirtualAddress(~lastOffset)
  }
}

extension AddressWindow {
  /// The window at the top of all addresses, its root being in the scheme's second register.
  ///
  /// Precondition: the scheme has such a register.
  public init(upperRoot root: PhysicalAddress, scheme: PagingScheme) {
    guard let first = scheme.firstAddressOfUpperWindow else {
      preconditionFailure("the scheme has one root for all addresses")
    }
    self.init(root: root, scheme: scheme, first: first)
  }

  /// The register that the root is in.
  public var rootRegister: String {
    first == scheme.firstAddressOfUpperWindow
      ? scheme.upperRootRegister ?? scheme.rootRegister : scheme.rootRegister
  }
}

extension AddressSpace {
  /// The register that would hold the root for an address, where that is one which the space has no root of; nil where
  /// the address lies in a window, or beside the one that it could lie in. How large a window without a root is, nobody
  /// tells: it is taken to be as large as the other.
  public func missingRoot(for address: VirtualAddress) -> String? {
    guard let upper = scheme.upperRootRegister, let tags = scheme.pointerTags, window(of: address) == nil
    else { return nil }
    let isUpper = address.value >> UInt64(tags.selectingBit) & 1 == 1
    guard (isUpper ? ~address.value : address.value) <= scheme.lastOffset else { return nil }
    let selected = isUpper ? upper : scheme.rootRegister
    return windows.contains { $0.rootRegister == selected } ? nil : selected
  }
}
