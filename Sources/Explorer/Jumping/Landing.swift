import PageTables

/// Where a jump ended: the row, and the address inside of it that was asked for.
struct Landing: Equatable, Sendable {
  let row: RowID
  let virtual: VirtualAddress
}

extension Explorer {
  /// What a row is about: the address that the last jump asked for, as long as its row is selected, or else the
  /// first one of the row.
  func virtualAddress(of row: TreeRow) -> VirtualAddress {
    guard let landing, row.isEntry, landing.row == tree.id(of: row) else { return row.virtual }
    let span = tree.spaces[Int(row.space)].scheme(at: row.virtual).levels[Int(row.level)].span
    let isInside = landing.virtual.value &- row.virtual.value < span &* UInt64(row.count)
    return isInside ? landing.virtual : row.virtual
  }

  /// The memory behind that address; of a table, its start.
  func physicalAddress(of row: TreeRow) -> PhysicalAddress {
    guard row.kind == .entry, row.entryKind == .leaf else { return row.address }
    return row.address.advanced(by: virtualAddress(of: row).value &- row.virtual.value)
  }

  /// Forgets the address that was gone to once the selection is elsewhere; a tree that is being built has not
  /// found its selection yet.
  mutating func settleLanding() {
    guard let landing, !tree.isBuilding, slices.awaited == nil else { return }
    if selectedRow.map({ tree.id(of: $0) }) != landing.row { self.landing = nil }
  }
}
