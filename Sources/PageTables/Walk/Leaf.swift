/// A leaf that a walk found.
public struct Leaf: Hashable, Sendable {
  /// The first address that it maps; canonical.
  public let virtual: VirtualAddress
  /// The start of the memory that it maps.
  public let physical: PhysicalAddress
  /// Index into the scheme's levels; the span of that level is the page size.
  public let level: Int
  /// The entry's value.
  public let raw: UInt64
  /// What the whole path allows.
  public let rights: Rights
  /// The space's window that it lies in, by number.
  public let window: Int

  /// What the whole path allows, in the short form.
  public var access: Access { rights.access }
}

/// An entry that is not present but in which software keeps something, found by a walk.
public struct Mark: Hashable, Sendable {
  /// The first address that the entry covers; canonical.
  public let virtual: VirtualAddress
  /// Index into the scheme's levels; the entry covers the span of that level.
  public let level: Int
  /// The entry's value.
  public let raw: UInt64
  /// The space's window that it lies in, by number.
  public let window: Int

  /// An entry at a level, and the first address that it covers.
  package init(virtual: VirtualAddress, level: Int, raw: UInt64, window: Int = 0) {
    self.virtual = virtual
    self.level = level
    self.raw = raw
    self.window = window
  }
}

/// Consecutive leaves with equal attributes.
public struct MappedRange: Hashable, Sendable {
  /// The first address; canonical.
  public var virtual: VirtualAddress
  /// The physical address of the first page.
  public var physical: PhysicalAddress
  /// Bytes, a multiple of the page size unless a bounded walk cut it.
  public var length: UInt64
  /// The level of all its leaves.
  public var level: Int
  /// The first leaf's raw entry; all others have the same bits outside the address.
  public var raw: UInt64
  /// What the whole path allows.
  public var rights: Rights
  /// The space's window that it lies in, by number.
  public var window: Int
  /// Whether all its pages map the one frame at `physical`. Used only where whole tables repeat (KASAN's shadow, a
  /// table that points at itself), with too many pages to list one by one.
  public var isOneFrame: Bool

  /// A range of `length` bytes whose leaves are at `level` of the window's scheme.
  public init(
    virtual: VirtualAddress, physical: PhysicalAddress, length: UInt64, level: Int, raw: UInt64,
    rights: Rights, window: Int = 0, isOneFrame: Bool = false
  ) {
    self.isOneFrame = isOneFrame
    self.window = window
    self.virtual = virtual
    self.physical = physical
    self.length = length
    self.level = level
    self.raw = raw
    self.rights = rights
  }

  /// The same, with the rights of the path given in the short form.
  public init(
    virtual: VirtualAddress, physical: PhysicalAddress, length: UInt64, level: Int, raw: UInt64,
    access: Access
  ) {
    self.init(
      virtual: virtual, physical: physical, length: length, level: level, raw: raw, rights: Rights(access))
  }

  /// What the whole path allows, in the short form.
  public var access: Access { rights.access }

  /// One past the last byte, wrapping to 0 at the top of the address space.
  public var end: UInt64 { virtual.value &+ length }
}

/// When two adjacent leaves with equal attributes are joined into one range.
public enum MergeRule: Sendable {
  /// Contiguous in virtual and in physical addresses.
  case virtualAndPhysical
  /// Contiguous in virtual addresses; the physical address is then that of the first page only.
  case virtualOnly
}

/// What a walk counted, including what it could not follow, so that nothing is skipped silently.
public struct WalkSummary: Hashable, Sendable {
  /// Leaves, counted once per path.
  public var leaves: UInt64 = 0
  /// Tables read, counted once per path.
  public var tables: UInt64 = 0
  /// Entries whose table cannot be read.
  public var missingTables: UInt64 = 0
  /// Present entries that the processor would fault on.
  public var malformedEntries: UInt64 = 0
  /// Entries that are not present but in which software keeps something.
  public var markedEntries: UInt64 = 0
  /// Whether the walk covered all of its range; false if it was told to stop.
  public var isComplete = true

  /// Adds the counts of another walk, saturating: repeated tables multiply the counts.
  mutating func add(_ other: WalkSummary) {
    func sum(_ one: UInt64, _ two: UInt64) -> UInt64 {
      let (sum, overflow) = one.addingReportingOverflow(two)
      return overflow ? .max : sum
    }
    leaves = sum(leaves, other.leaves)
    tables = sum(tables, other.tables)
    missingTables = sum(missingTables, other.missingTables)
    malformedEntries = sum(malformedEntries, other.malformedEntries)
    markedEntries = sum(markedEntries, other.markedEntries)
  }

  /// What was counted since `earlier`.
  func difference(from earlier: WalkSummary) -> WalkSummary {
    var difference = self
    difference.leaves &-= earlier.leaves
    difference.tables &-= earlier.tables
    difference.missingTables &-= earlier.missingTables
    difference.malformedEntries &-= earlier.malformedEntries
    difference.markedEntries &-= earlier.markedEntries
    return difference
  }
}
