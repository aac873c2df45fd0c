import Guests

/// What a guest, or the list of a capture of one, tells an export besides the names of spaces.
package struct ExportNames {
  let guest: LinuxGuest?
  let users: SpaceUsers?
  let names: (FoundSpace) -> AddressNames?

  /// - Parameter names: what the addresses of a space are called; nil where nothing is known.
  package init(_ guest: LinuxGuest?, names: @escaping (FoundSpace) -> AddressNames?) {
    self.guest = guest
    users = guest.flatMap(SpaceUsers.init)
    self.names = names
  }
}
