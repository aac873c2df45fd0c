/// A column of the list of spaces, by which it can be sorted.
public enum SpaceColumn: String, CaseIterable, Hashable, Sendable {
  case name, pid, root, scheme, found

  /// The header.
  var title: String { self == .found ? "found by" : rawValue }
}

/// The list of spaces: an order, a filter, a selection. The spaces themselves belong to the tree.
struct SpacesList: Sendable {
  private(set) var column: SpaceColumn?
  private(set) var isReversed = false
  private(set) var filter = TreeFilter("")
  /// Indices into the tree's spaces, in the order shown.
  private(set) var order: [Int] = []
  /// A row.
  var selection = 0
  /// The first row on the screen.
  var top = 0

  init(_ spaces: [TreeSpace]) { update(spaces) }

  /// The selected space, an index into the tree's spaces.
  var selectedSpace: Int? { order.indices.contains(selection) ? order[selection] : nil }

  /// The same column again turns the order round.
  mutating func sort(by column: SpaceColumn, _ spaces: [TreeSpace]) {
    isReversed = self.column == column && !isReversed
    self.column = column
    update(spaces)
  }

  mutating func setFilter(_ filter: TreeFilter, _ spaces: [TreeSpace]) {
    self.filter = filter
    update(spaces)
  }

  /// Sorts and filters again; the selection stays on its space.
  mutating func update(_ spaces: [TreeSpace], selected id: SpaceID? = nil) {
    let wanted = id ?? selectedSpace.flatMap { spaces.indices.contains($0) ? spaces[$0].id : nil }
    var order = spaces.indices.filter { filter.accepts(space: spaces[$0].searchTexts) }
    if let column {
      // Equal ones stay in the order of listing, whichever way round.
      order.sort { left, right in
        if precedes(spaces[left], spaces[right], column) { return !isReversed }
        if precedes(spaces[right], spaces[left], column) { return isReversed }
        return left < right
      }
    }
    self.order = order
    selection = order.firstIndex { spaces[$0].id == wanted } ?? min(selection, max(0, order.count - 1))
  }

  private func precedes(_ left: TreeSpace, _ right: TreeSpace, _ column: SpaceColumn) -> Bool {
    switch column {
    case .name: left.name < right.name
    case .pid: left.found.pid ?? .max < right.found.pid ?? .max
    case .root: left.root < right.root
    case .scheme: left.scheme.title < right.scheme.title
    case .found: left.originText < right.originText
    }
  }

  /// What a row shows, by column.
  static func cells(_ space: TreeSpace) -> [String] {
    [
      space.name, space.pidText, Numbers.hex(space.root), space.scheme.title,
      space.originText + (space.found.isPossiblyStale ? ", possibly stale" : ""),
    ]
  }
}
