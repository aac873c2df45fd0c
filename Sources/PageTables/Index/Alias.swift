/// One way to a frame: a virtual address in a space.
public struct Alias: Hashable, Sendable {
  /// The space, by its number in the order given.
  public let spaceNumber: Int
  /// The virtual address of the requested byte; canonical.
  public let virtual: VirtualAddress
  /// What the whole path allows.
  public let rights: Rights
  /// The space's window that the address lies in, by number.
  public let window: Int

  /// A way to a frame through space number `spaceNumber`.
  public init(spaceNumber: Int, virtual: VirtualAddress, rights: Rights, window: Int = 0) {
    self.spaceNumber = spaceNumber
    self.virtual = virtual
    self.rights = rights
    self.window = window
  }

  /// What the whole path allows, in the short form.
  public var access: Access { rights.access }
}

/// What kind of way to a frame an entry provides.
public enum AliasKind: String, Sendable, CaseIterable {
  /// An entry that only one space reaches, at one address; its copies under page-table isolation are one space.
  case entry
  /// An entry of a table that several spaces reach, or one at several addresses.
  case sharedTable = "shared-table"
  /// The kernel's linear map of all memory.
  case directMap = "direct-map"
  /// A supervisor mapping of a frame that user space maps, too.
  case mirror
  /// An entry reached through another one that points back at a table above.
  case recursive
}

/// All ways to a frame that end in the same entry of the same table.
public struct AliasGroup: Hashable, Sendable {
  /// What kind of way it is.
  public let kind: AliasKind
  /// The table that holds the entry.
  public let table: TableReference
  /// The entry's index in its table.
  public let slot: Int
  /// The entry's value.
  public let raw: UInt64
  /// Bytes that the entry maps.
  public let pageSize: UInt64
  /// How many spaces reach the entry.
  public let spaces: Int
  /// How many (space, virtual address) pairs reach the entry; saturating.
  public let count: UInt64
  /// The first alias: in the first space, at its lowest address.
  public let first: Alias
}
