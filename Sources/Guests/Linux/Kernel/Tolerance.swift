/// How many of the samples that a guess is checked against may be corrupt.
enum Tolerance: CaseIterable {
  /// None: tried first, as it is least likely to mislead.
  case none
  /// One in four.
  case some

  /// Whether a guess holds for all samples, or for as many as required.
  func accepts<Items: Collection>(_ items: Items, _ holds: (Items.Element) -> Bool) -> Bool {
    var left = self == .none ? 0 : items.count / 4
    for item in items where !holds(item) {
      guard left > 0 else { return false }
      left -= 1
    }
    return true
  }
}
