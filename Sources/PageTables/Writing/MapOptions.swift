/// What pages are to become: the kinds of hyperlight's `MappingKind` (`hyperlight_common`, `vmem.rs`).
public enum PageKind: Hashable, Sendable {
  /// Mapped with the given access.
  case basic(Access)
  /// Mapped, never writable whatever the access says, with the bits set by which the software marks a page that is
  /// copied at the first write.
  case copyOnWrite(Access, BitTest)
  /// Not mapped.
  case unmapped
}

/// How to treat pages that are already mapped where others are to be mapped.
public enum ExistingPages: Hashable, Sendable {
  /// They stay, and mapping over them is an error, as in SunriseOS (`map_to_from_iterator`).
  case refused
  /// The new pages replace them, as in hyperlight (`map`); the old frames stay as long as others hold them. A huge
  /// page or mark that is replaced in part is split, and so is a page that several entries map together. Malformed
  /// entries are never replaced.
  case replaced
}

/// How pages are mapped, besides what they are.
public struct MapOptions: Hashable, Sendable {
  /// How to treat pages that are already mapped.
  public var existing = ExistingPages.refused
  /// Whether leaves are written as accessed and dirty, and tables as accessed, where their level has such a bit, so
  /// that the processor need not set them (hyperlight's `map_page` and `pte_for_table`). SunriseOS leaves them
  /// clear.
  public var setsAccessed = true
  /// What new intermediate tables allow. Those of a kernel's half omit `.user` (`create_child_table` of SunriseOS).
  /// Where entries of a level cannot forbid something, they allow it.
  public var tableAccess = Access.all

  /// The defaults: refuse to replace, set the accessed and dirty bits, and create tables that allow everything.
  public init() {}

  /// How the small kernel writes its own half: not accessed, and tables closed to the user.
  static let kernelLand: MapOptions = {
    var options = MapOptions()
    options.setsAccessed = false
    options.tableAccess = [.write, .execute]
    return options
  }()

  /// How the small kernel writes user land: not accessed.
  static let userLand: MapOptions = {
    var options = MapOptions()
    options.setsAccessed = false
    return options
  }()
}
