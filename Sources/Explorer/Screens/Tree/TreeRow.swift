import PageTables

/// Which space a row belongs to, whatever its place in the list: the root, and a number that tells spaces with
/// one root apart.
public struct SpaceID: Hashable, Sendable {
  /// The physical address of the root.
  public let root: PhysicalAddress
  /// 0 for the first space with this root.
  public let ordinal: Int
}

/// Which row it is, whatever its place on the screen. Survives opening, closing, filtering and new spaces.
public struct RowID: Hashable, Sendable {
  /// The space that the row lies in.
  public let space: SpaceID
  /// What the row shows.
  public let kind: TreeRow.Kind
  /// The level of the table that the entry lies in; -1 for a space.
  public let level: Int
  /// The first virtual address below the row.
  public let virtual: VirtualAddress
}

/// One row of the tree. A plain value of numbers, so that many can be moved at once.
public struct TreeRow: Hashable, Sendable {
  /// What a row shows.
  public enum Kind: UInt8, Sendable {
    /// An address space.
    case space
    /// One entry of a table.
    case entry
    /// All the neighbours that read like the entry before them; absent entries are always shown this way.
    case fold
    /// A remark in place of entries.
    case note
  }

  /// Why there are no entries below an open row.
  public enum Note: UInt8, Sendable {
    case none, tableNotInDump, tableOutsideMemory, empty, filtered
  }

  /// What the row shows.
  public var kind: Kind
  /// Steps from the left edge; a space has 0.
  public var indent: UInt8
  /// The level of the table that the entry lies in, -1 for a space.
  public var level: Int8
  /// Whether the rows below it are shown.
  public var isOpen = false
  /// Whether it is the rest of a run whose first entry is the row before it.
  var isAlike = false
  /// Why nothing is there, for a note.
  public var note = Note.none
  /// What the whole path down to this entry allows.
  public var access: Access
  /// What the entry is; a space counts as a table.
  public var entryKind: EntryKind
  /// The level of the table on the row's own path that the entry points back at; -1 for none.
  public var recursionLevel: Int8 = -1
  /// An index into the tree's spaces.
  public var space: Int32
  /// The first entry's index in its table.
  public var slot: Int32
  /// Entries that the row stands for.
  public var count: Int32
  /// The first entry's value.
  public var raw: UInt64
  /// The first virtual address below.
  public var virtual: VirtualAddress
  /// The table that the entry lies in; for a space, its root.
  public var table: PhysicalAddress
  /// What the first entry points at.
  public var address: PhysicalAddress
  /// The distance between the addresses of a fold's entries.
  public var stride: UInt64

  /// Whether there can be rows below it.
  public var isOpenable: Bool {
    switch kind {
    case .space: true
    case .entry: entryKind == .table
    case .fold: entryKind != .absent
    case .note: false
    }
  }

  /// Whether it points at a table or a frame: absent and malformed entries do not, nor does all that is marked.
  var hasAddress: Bool {
    switch entryKind {
    case .table, .leaf: true
    case .marked: address.value != 0
    case .absent, .malformed: false
    }
  }

  /// Whether it is the row with an identity; `space` is where the identity's space stands in the list.
  func isRow(_ id: RowID, ofSpace space: Int) -> Bool {
    virtual == id.virtual && Int(level) == id.level && kind == id.kind && Int(self.space) == space
  }

  /// Whether it is an entry, or several.
  public var isEntry: Bool { kind == .entry || kind == .fold }
}
