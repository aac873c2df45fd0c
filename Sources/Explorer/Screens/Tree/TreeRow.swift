import PageTables

/// Which space a row belongs to, whatever its place in the list: the root, and a number that tells spaces with
/// one root apart.
package struct SpaceID: Hashable, Sendable {
  /// The physical address of the root.
  package let root: PhysicalAddress
  /// 0 for the first space with this root.
  package let ordinal: Int
}

/// Which row it is, whatever its place on the screen. Survives opening, closing, filtering and new spaces.
package struct RowID: Hashable, Sendable {
  /// The space that the row lies in.
  package let space: SpaceID
  /// What the row shows.
  package let kind: TreeRow.Kind
  /// The level of the table that the entry lies in; -1 for a space.
  package let level: Int
  /// The first virtual address below the row.
  package let virtual: VirtualAddress
}

/// One row of the tree. A plain value of numbers, so that many can be moved at once.
package struct TreeRow: Hashable, Sendable {
  /// What a row shows.
  package enum Kind: UInt8, Sendable {
    /// An address space.
    case space
    /// One entry of a table.
    case entry
    /// All the neighbours that read like the entry before them; absent entries are always shown this way.
    case fold
    /// Neighbouring entries that everybody has.
    case everybodys
    /// A remark in place of entries.
    case note
    /// Leaves that belong together: a contiguous run, or one page that several entries map.
    case contiguous
  }

  /// Why there are no entries below an open row.
  package enum Note: UInt8, Sendable {
    case none, tableNotInDump, tableOutsideMemory, empty, filtered
  }

  /// What the row shows.
  package var kind: Kind
  /// Steps from the left edge; a space has 0.
  package var indent: UInt8
  /// The level of the table that the entry lies in, -1 for a space.
  package var level: Int8
  /// Whether the rows below it are shown.
  package var isOpen = false
  /// Whether it is the rest of a run whose first entry is the row before it.
  var isAlike = false
  /// Why nothing is there, for a note.
  package var note = Note.none
  /// What the whole path down to this entry allows.
  package var rights: Rights
  /// What the entry is; a space counts as a table.
  package var entryKind: EntryKind
  /// The level of the table on the row's own path that the entry points back at; -1 for none.
  package var recursionLevel: Int8 = -1
  /// An index into the tree's spaces.
  package var space: Int32
  /// The first entry's index in its table.
  package var slot: Int32
  /// Entries that the row stands for.
  package var count: Int32
  /// The first entry's value.
  package var raw: UInt64
  /// The first virtual address below.
  package var virtual: VirtualAddress
  /// The table that the entry lies in; for a space, its root.
  package var table: PhysicalAddress
  /// What the first entry points at.
  package var address: PhysicalAddress
  /// The distance between the addresses of a fold's entries.
  package var stride: UInt64
  /// How many of its entries at a time belong together; 1 where they do not.
  var groupLength: Int32 = 1
  /// Tables that the row's entries point at, and those of them that map nothing; 0 where nobody has counted.
  var tables: Int32 = 0
  var emptyTables: Int32 = 0

  /// The same in the short form.
  package var access: Access { rights.access }

  /// Whether there can be rows below it.
  package var isOpenable: Bool {
    switch kind {
    case .space: true
    case .entry: entryKind == .table
    case .fold: entryKind != .absent
    case .everybodys, .contiguous: true
    case .note: false
    }
  }

  /// Whether it stands for neighbouring entries, which it shows one by one when it is opened.
  var isGroup: Bool { kind == .fold || kind == .everybodys || kind == .contiguous }

  /// Whether it stands for neighbouring entries that are alike.
  var isFolded: Bool { (kind == .fold || kind == .contiguous) && count > 1 }

  /// Whether its entries are alike only in that their tables map nothing.
  var mapsNothing: Bool { entryKind == .table && tables > 0 && emptyTables == tables }

  /// Whether it points at a table or a frame: absent and malformed entries do not, nor does all that is marked.
  var hasAddress: Bool {
    switch entryKind {
    case .table, .leaf: kind != .everybodys
    case .marked: address.value != 0
    case .absent, .malformed: false
    }
  }

  /// Whether it is the row with an identity; `space` is where the identity's space stands in the list.
  func isRow(_ id: RowID, ofSpace space: Int) -> Bool {
    virtual == id.virtual && Int(level) == id.level && kind == id.kind && Int(self.space) == space
  }

  /// Whether it is an entry, or several.
  package var isEntry: Bool { kind == .entry || isGroup }
}
