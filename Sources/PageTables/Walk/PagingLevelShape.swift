/// What hot loops need of a level: a plain value, so that copying it needs no reference counting.
struct PagingLevelShape {
  let shift: UInt64
  let entryCount: Int
  let entrySize: Int
  let format: EntryFormat
  let leafAttributes: UInt64
  /// The bits that decide whether an entry is a leaf, its attributes and its rights: an entry that agrees with a
  /// leaf in these bits is a leaf of the same kind.
  let leafDecidingBits: UInt64
  /// The same for entries that point at tables: an entry that agrees with one in these bits also points at a table,
  /// with the same rights.
  let tableDecidingBits: UInt64
  /// Whether a path open to the user stays open to the user through a leaf that is open to the user.
  private let isOneForBoth: Bool
  /// Whether several entries of the level may together map one page.
  private let hasContiguous: Bool

  init(_ level: PagingLevel) {
    shift = UInt64(level.shift)
    entryCount = level.entryCount
    entrySize = level.format.entrySize
    format = level.format
    leafAttributes = level.leafAttributes
    isOneForBoth = format.rights.isOneForBoth
    hasContiguous = format.contiguous != nil
    leafDecidingBits =
      leafAttributes | format.present.mask | format.faulty.mask | format.pointsAtTable.mask
      | format.leafReserved | format.rights.leafMask | (format.contiguous?.test.mask ?? 0)
    tableDecidingBits =
      format.present.mask | format.faulty.mask | format.pointsAtTable.mask | format.tableReserved
      | format.rights.tableMask
  }

  /// Bytes that one entry covers.
  var span: UInt64 { 1 &<< shift }

  /// Where the memory starts that a leaf at `slot` maps.
  @inline(__always)
  func frame(of raw: UInt64, slot: Int) -> PhysicalAddress {
    hasContiguous
      ? format.frame(of: raw, slot: slot, shift: shift) : format.leafAddress.address(in: raw)
  }

  /// Whether some path through a leaf is open to the user; `paths` are those to its table.
  @inline(__always)
  func isOpenToUser(_ raw: UInt64, by paths: RightsSet) -> Bool {
    guard paths.hasUser else { return false }
    if isOneForBoth { return format.rights.userRead.leaf.matches(raw) }
    return paths.through(format.rights(of: raw, kind: .leaf)).hasUser
  }

  /// Whether some path through a leaf is open to the supervisor only.
  @inline(__always)
  func isClosedToUser(_ raw: UInt64, by paths: RightsSet) -> Bool {
    if paths.hasSupervisorOnly { return true }
    if isOneForBoth { return !format.rights.userRead.leaf.matches(raw) }
    return paths.through(format.rights(of: raw, kind: .leaf)).hasSupervisorOnly
  }
}
