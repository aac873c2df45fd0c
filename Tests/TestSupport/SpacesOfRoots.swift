import PageTables

extension Array where Element == PhysicalAddress {
  /// A space without a name for each root.
  package func spaces(_ scheme: PagingScheme) -> [AddressSpace] {
    map { AddressSpace(name: "", root: $0, scheme: scheme) }
  }
}
