/// What pages are to be: the kinds of hyperlight's `MappingKind` (`hyperlight_common`, `vmem.rs`).
public enum PageKind: Hashable, Sendable {
  /// Mapped, and allowing what is given.
  case basic(Access)
  /// Mapped, never writable whatever the access says, and with the bits set by which the software knows a page that is
  /// copied at the first write.
  case copyOnWrite(Access, BitTest)
  /// Not mapped.
  case unmapped
}

/// What becomes of pages that are mapped where others are to be.
public enum ExistingPages: Hashable, Sendable {
  /// They stay, and mapping over them is an error: as SunriseOS has it (`map_to_from_iterator`).
  case refused
  /// The new ones take their place, as hyperlight has it (`map`); the frames stay with whoever holds them. A huge page
  /// or mark that is replaced in part is split. What is malformed is never replaced.
  case replaced
}

/// How pages are mapped, besides what they are.
public struct MapOptions: Hashable, Sendable {
  /// What becomes of pages that are there already.
  public var existing = ExistingPages.refused
  /// Whether leaves are written as accessed and dirty, and tables as accessed, where their level has such a bit: the
  /// processor then need not write to them (hyperlight's `map_page` and `pte_for_table`). SunriseOS leaves them clear.
  public var setsAccessed = true
  /// What the tables allow that are made on the way. Those of a kernel's half leave `.user` out
  /// (`create_child_table` of SunriseOS). Where a level's entries cannot forbid anything, they allow all.
  public var tableAccess = Access.all

  /// Refuses to replace, sets the accessed and dirty bits, and makes tables that allow everything.
  public init() {}

  /// As the small kernel writes its own half: nothing accessed yet, and no table for the user.
  static let kernelLand: MapOptions = {
    var options = MapOptions()
    options.setsAccessed = false
    options.tableAccess = [.write, .execute]
    return options
  }()

  /// As the small kernel writes user land: nothing accessed yet.
  static let userLand: MapOptions = {
    var options = MapOptions()
    options.setsAccessed = false
    return options
  }()
}
