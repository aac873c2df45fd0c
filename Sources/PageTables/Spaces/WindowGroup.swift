/// A window of one of several spaces.
package struct WindowMember: Sendable {
  /// The space, by its number in the order given.
  package let spaceNumber: Int
  /// The window, by its number in the space.
  package let number: Int
  package let window: AddressWindow
}

/// The windows that one paging scheme reads, ordered by space and address. Windows of different schemes have no
/// tables in common, since they read the same bytes differently.
package struct WindowGroup: Sendable {
  package let scheme: PagingScheme
  package fileprivate(set) var members: [WindowMember] = []
}

extension Array where Element == AddressSpace {
  /// The windows of all spaces, grouped by paging scheme, in the order in which the schemes first appear.
  package func windowsByScheme() -> [WindowGroup] {
    var groups: [WindowGroup] = []
    for (spaceNumber, space) in enumerated() {
      for (number, window) in space.windows.enumerated() {
        let member = WindowMember(spaceNumber: spaceNumber, number: number, window: window)
        if let group = groups.firstIndex(where: { $0.scheme == window.scheme }) {
          groups[group].members.append(member)
        } else {
          groups.append(WindowGroup(scheme: window.scheme, members: [member]))
        }
      }
    }
    return groups
  }
}
