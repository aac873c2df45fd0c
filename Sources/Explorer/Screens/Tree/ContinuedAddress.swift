import PageTables

extension PagingScheme {
  /// An address that was counted on from the first one of a window. Where one root translates all addresses, the bits
  /// above the translated ones follow from these; in one of two windows they are there already.
  func continued(_ address: UInt64) -> VirtualAddress {
    upperRootRegister == nil ? canonical(address) : VirtualAddress(address)
  }
}
