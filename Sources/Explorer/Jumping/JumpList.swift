/// Where jumps began, as editors keep it: back and forward.
struct JumpList: Equatable, Sendable {
  private var places: [RowID] = []
  /// How many of the places lie behind.
  private var position = 0

  private static let limit = 200

  var canGoBack: Bool { position > 0 }
  var canGoForward: Bool { position + 1 < places.count }

  /// Remembers where a jump begins; what lay ahead is forgotten.
  mutating func push(_ place: RowID) {
    places.removeSubrange(position...)
    if places.last != place { places.append(place) }
    if places.count > JumpList.limit { places.removeFirst() }
    position = places.count
  }

  /// The place before; `current` is what `forward` comes back to.
  mutating func back(from current: RowID) -> RowID? {
    guard canGoBack else { return nil }
    if position == places.count { places.append(current) }
    position -= 1
    return places[position]
  }

  mutating func forward() -> RowID? {
    guard canGoForward else { return nil }
    position += 1
    return places[position]
  }
}
