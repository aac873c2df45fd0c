import PageTables

/// The paging schemes of all spaces, numbered: numbers are compared faster.
struct SchemeNumbers: Sendable {
  private(set) var all: [PagingScheme] = []
  /// The scheme of each space, by number.
  private(set) var ofSpaces: [Int] = []

  init(_ spaces: [AddressSpace]) {
    for space in spaces {
      let number = all.firstIndex(of: space.scheme) ?? all.count
      if number == all.count { all.append(space.scheme) }
      ofSpaces.append(number)
    }
  }

  func number(of scheme: PagingScheme) -> Int { all.firstIndex(of: scheme) ?? 0 }

  /// Where a table begins; roots are given with bits that are no address.
  func aligned(_ table: TableReference, _ scheme: Int) -> PhysicalAddress {
    table.level == 0
      ? PhysicalAddress(table.address.value & ~(all[scheme].rootAlignment &- 1)) : table.address
  }
}
