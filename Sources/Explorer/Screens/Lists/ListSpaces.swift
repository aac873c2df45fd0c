import PageTables

/// What the lists need of a space: its label, and how its addresses are written.
struct ListSpaces: Sendable {
  let labels: [String]
  private let spaces: [AddressSpace]

  init(_ spaces: [TreeSpace]) {
    labels = spaces.map(\.label)
    self.spaces = spaces.map(\.found.space)
  }

  /// The number of the window of a space that an address lies in.
  func window(of address: VirtualAddress, in spaceNumber: Int) -> Int {
    spaces[spaceNumber].windowOrLowest(of: address)
  }

  /// The scheme by which a space translates an address.
  func scheme(at address: VirtualAddress, in spaceNumber: Int) -> PagingScheme {
    spaces[spaceNumber].scheme(at: address)
  }

  /// What the path to an address of a space allows, as people read it.
  func letters(_ rights: Rights, at address: VirtualAddress, in spaceNumber: Int) -> String {
    scheme(at: address, in: spaceNumber).shown(rights).letters
  }

  func address(_ virtual: VirtualAddress, in spaceNumber: Int) -> String {
    Numbers.grouped(virtual, in: scheme(at: virtual, in: spaceNumber))
  }
}

extension ListContent {
  /// What stands in a list until its content is known.
  static func awaited(_ title: String, _ text: String) -> ListContent {
    ListContent(title: title, columns: [], count: 0, target: { _ in nil }, emptyText: text)
  }
}
