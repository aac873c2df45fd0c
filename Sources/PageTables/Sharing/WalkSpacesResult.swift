/// Whether a mapping is what it looks like, or stands for a page that is copied at the first write.
public enum MappingKind: Hashable, Sendable {
  case plain
  /// Marked by software, by the convention that the caller named.
  case copyOnWrite
}

/// A table of a space's own, and the entry that leads to it.
public struct OwnTable: Hashable, Sendable {
  /// Where it lies, and at which level it is read.
  public let table: TableReference
  /// Start of the part of its block that the walk covers; canonical.
  public let virtual: VirtualAddress
  /// The raw entry in the table above; 0 for a root.
  public let entry: UInt64

  /// A table, the first address of its block that is walked, and the entry that leads to it.
  public init(table: TableReference, virtual: VirtualAddress, entry: UInt64) {
    self.table = table
    self.virtual = virtual
    self.entry = entry
  }
}

/// What `walkSpaces` tells of a space, in ascending virtual address.
public enum SpaceItem: Hashable, Sendable {
  /// Leaves in tables of the space's own.
  case mapping(MappedRange, MappingKind)
  /// A block that was walked earlier, in this space or another. `entry` is the raw entry in our table that points at the shared
  /// one (0 where the roots are the same), `access` what our path down to it allows, that entry included: it
  /// need not be what the owner's path allows.
  case reference(SpaceReferenceMapping, entry: UInt64, access: Access)
  /// A table of the space's own begins here; only where the options ask for tables.
  case table(OwnTable)
}

/// One space of a walk over several.
public struct SharedSpace: Hashable, Sendable {
  /// The physical address of the root table: the space's id.
  public let root: PhysicalAddress
  /// Whether the root table could be read; a space whose root could not has no items.
  public internal(set) var isRootReadable = true
  /// Blocks that belong to other tables' owners.
  public internal(set) var references: UInt64 = 0
  /// What the walk met in the tables that it read for this space: `leaves`, `tables` and the rest leave out
  /// what lies below references. `isComplete` is false where the walk was told to stop before the space's end.
  public internal(set) var summary = WalkSummary()

  init(root: PhysicalAddress) {
    self.root = root
  }
}

/// What `walkSpaces` gives: each space in the order given, with its items.
public struct SharedWalk: Hashable, Sendable {
  /// As many as roots were given.
  public internal(set) var spaces: [SharedSpace]
  /// The items of each space, by space number, in ascending virtual address.
  public internal(set) var items: [[SpaceItem]]

  /// Whether no space was left out or cut short because the walk was told to stop.
  public var isComplete: Bool { spaces.allSatisfy(\.summary.isComplete) }

  /// The references of the space of number `spaceNumber`, in ascending virtual address.
  public func references(of spaceNumber: Int) -> [SpaceReferenceMapping] {
    items[spaceNumber].compactMap { item in
      if case .reference(let reference, _, _) = item { reference } else { nil }
    }
  }
}
