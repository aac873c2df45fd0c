extension Array where Element == AddressSpace {
  /// The places of the spaces of each paging scheme, in the order in which the schemes come first: spaces of
  /// different schemes have no table in common, since the same bytes read differently.
  public func placesByScheme() -> [(scheme: PagingScheme, places: [Int])] {
    var groups: [(scheme: PagingScheme, places: [Int])] = []
    for (place, space) in enumerated() {
      if let group = groups.firstIndex(where: { $0.scheme == space.scheme }) {
        groups[group].places.append(place)
      } else {
        groups.append((space.scheme, [place]))
      }
    }
    return groups
  }
}

/// The same as `forEachSpaceItem(of:scheme:in:)` over spaces of any schemes, scheme by scheme; places and owners are
/// those in `spaces`.
///
/// - Returns: each space, in the order given, without its items.
public func forEachSpaceItem(
  of spaces: [AddressSpace], in memory: any PhysicalMemory, isCancelled: () -> Bool = { false },
  _ body: (_ place: Int, _ item: SpaceItem) -> Bool
) -> [SharedSpace] {
  var result = spaces.map { SharedSpace(root: $0.scheme.aligned(root: $0.root)) }
  var goesOn = true
  for (scheme, places) in spaces.placesByScheme() where goesOn {
    let walked = forEachSpaceItem(
      of: places.map { spaces[$0].root }, scheme: scheme, in: memory, isCancelled: isCancelled
    ) { member, item in
      if case .reference(var reference, let entry, let access) = item {
        reference.owner = places[reference.owner]
        goesOn = body(places[member], .reference(reference, entry: entry, access: access))
      } else {
        goesOn = body(places[member], item)
      }
      return goesOn
    }
    for (member, place) in places.enumerated() { result[place] = walked[member] }
  }
  return result
}
