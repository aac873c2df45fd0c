import PageTables

/// What the lists need of a space: its label, and how its addresses are written.
struct ListSpaces: Sendable {
  let labels: [String]
  let schemes: [PagingScheme]

  init(_ spaces: [TreeSpace]) {
    labels = spaces.map(\.label)
    schemes = spaces.map(\.scheme)
  }

  /// What a path of a space allows, as people read it.
  func letters(_ rights: Rights, in spaceNumber: Int) -> String {
    schemes[spaceNumber].shown(rights).letters
  }

  func address(_ virtual: VirtualAddress, in spaceNumber: Int) -> String {
    Numbers.grouped(virtual, in: schemes[spaceNumber])
  }
}

extension ListContent {
  /// What stands in a list until its content is known.
  static func awaited(_ title: String, _ text: String) -> ListContent {
    ListContent(title: title, columns: [], count: 0, target: { _ in nil }, emptyText: text)
  }
}
