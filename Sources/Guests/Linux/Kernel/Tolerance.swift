/// How much of what a guess is held against may be destroyed.
enum Tolerance: CaseIterable {
  /// Nothing: tried first, as it leads least astray.
  case none
  /// One in four.
  case some

  /// Whether a guess holds for all, or for as many as it must.
  func accepts<Items: Collection>(_ items: Items, _ holds: (Items.Element) -> Bool) -> Bool {
    var left = self == .none ? 0 : items.count / 4
    for item in items where !holds(item) {
      guard left > 0 else { return false }
      left -= 1
    }
    return true
  }
}
