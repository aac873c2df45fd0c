import PageTables

/// The paging schemes of all spaces, numbered: numbers are compared faster.
struct SchemeNumbers: Sendable {
  private(set) var all: [PagingScheme] = []
  /// The scheme of each space's windows, by number.
  private var ofWindows: [[Int]] = []

  init(_ spaces: [AddressSpace]) {
    for space in spaces {
      var numbers: [Int] = []
      for scheme in space.windows.map(\.scheme) {
        let number = all.firstIndex(of: scheme) ?? all.count
        if number == all.count { all.append(scheme) }
        numbers.append(number)
      }
      ofWindows.append(numbers)
    }
  }

  /// The number of the scheme by which a window of a space is read.
  func number(in spaceNumber: Int, window: Int) -> Int { ofWindows[spaceNumber][window] }

  func number(of scheme: PagingScheme) -> Int { all.firstIndex(of: scheme) ?? 0 }

  /// Where a table begins; roots are given with bits that are no address.
  func aligned(_ table: TableReference, _ scheme: Int) -> PhysicalAddress {
    table.level == 0
      ? PhysicalAddress(table.address.value & ~(all[scheme].rootAlignment &- 1)) : table.address
  }
}
