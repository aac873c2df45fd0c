/// Whether a mapping is a plain one, or stands for a page that is copied at the first write.
public enum MappingKind: Hashable, Sendable {
  case plain
  /// Marked by software, according to the convention that the caller named.
  case copyOnWrite
}

/// A table of a space's own, and the entry that leads to it.
public struct OwnTable: Hashable, Sendable {
  /// Where it lies, and the level at which it is read.
  public let table: TableReference
  /// Start of the part of its block that the walk covers; canonical.
  public let virtual: VirtualAddress
  /// The raw entry in the table above; 0 for a root.
  public let entry: UInt64

  /// A table, the first address walked in its block, and the entry that leads to it.
  public init(table: TableReference, virtual: VirtualAddress, entry: UInt64) {
    self.table = table
    self.virtual = virtual
    self.entry = entry
  }
}

/// What `walkSpaces` reports of a space, in ascending virtual address.
public enum SpaceItem: Hashable, Sendable {
  /// Leaves in the space's own tables.
  case mapping(MappedRange, MappingKind)
  /// A block that was walked earlier, in this space or another. `entry` is the raw entry in our table that points
  /// at the shared one (0 where the roots are the same). `rights` are what our path to the shared table allows,
  /// including that entry; they may differ from what the owner's path allows.
  case reference(SpaceReferenceMapping, entry: UInt64, rights: Rights)
  /// A table of the space's own begins here; only where the options ask for tables.
  case table(OwnTable)

  /// What our path to the mapping or to the shared table allows, in the short form; nil for a table of the space's
  /// own.
  public var access: Access? {
    switch self {
    case .mapping(let range, _): range.access
    case .reference(_, _, let rights): rights.access
    case .table: nil
    }
  }
}

/// One space of a walk over several.
public struct SharedSpace: Hashable, Sendable {
  /// The physical address of the root table: the space's id.
  public let root: PhysicalAddress
  /// Whether the root table could be read; if not, the space has no items.
  public internal(set) var isRootReadable = true
  /// Blocks that refer to tables of an owner.
  public internal(set) var references: UInt64 = 0
  /// Counts for the tables that the walk read for this space: `leaves`, `tables` and the rest exclude what lies
  /// below references. `isComplete` is false where the walk was told to stop before the end of the space.
  public internal(set) var summary = WalkSummary()

  init(root: PhysicalAddress) {
    self.root = root
  }
}

/// What `walkSpaces` gives: each space in the order given, with its items.
public struct SharedWalk: Hashable, Sendable {
  /// One for each space given.
  public internal(set) var spaces: [SharedSpace]
  /// The items of each space, by space number, in ascending virtual address.
  public internal(set) var items: [[SpaceItem]]

  /// False if the walk was told to stop and thus left out or cut short a space.
  public var isComplete: Bool { spaces.allSatisfy(\.summary.isComplete) }

  /// The references of space number `spaceNumber`, in ascending virtual address; none where there is no such space.
  public func references(of spaceNumber: Int) -> [SpaceReferenceMapping] {
    guard items.indices.contains(spaceNumber) else { return [] }
    return items[spaceNumber].compactMap { item in
      if case .reference(let reference, _, _) = item { reference } else { nil }
    }
  }
}
