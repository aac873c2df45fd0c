import PageTables

/// A distinct table, as `pagewalk tables` lists it.
package struct TableRecord: Record {
  package let table: Hex
  /// The level, counted from the root, which is 0.
  package let depth: Int
  /// The manual's name for the level.
  package let level: String
  /// How many spaces reach it.
  package let spaces: Int
  /// Entries that point at it.
  package let parents: Int
  /// How many (space, virtual address) pairs lead to it; saturating at 2^64 - 1.
  package let paths: UInt64
  /// Leaves in it and below, counted once per path from it; saturating at 2^64 - 1.
  package let leaves: UInt64
  /// Whether several spaces reach it.
  package let shared: Bool
  /// The id of the first space that reaches it.
  package let owner: Hex
  package let ownerName: String

  package init(_ table: SpaceIndex.IndexedTable, in index: SpaceIndex) {
    let owner = index.spaces[table.sharing.owner]
    self.table = Hex(table.table.address)
    depth = table.table.level
    level = table.scheme.levels[table.table.level].name
    spaces = table.sharing.spaces
    parents = table.sharing.parents
    paths = table.sharing.paths
    leaves = table.leaves
    shared = table.sharing.spaces > 1
    self.owner = Hex(owner.root)
    ownerName = owner.name
  }

  package func write(to json: inout JSONLine) {
    json.field("table", table)
    json.field("depth", depth)
    json.field("level", level)
    json.field("spaces", spaces)
    json.field("parents", parents)
    json.field("paths", paths)
    json.field("leaves", leaves)
    json.field("shared", shared)
    json.field("owner", owner)
    json.field("ownerName", ownerName)
  }

  package static var columns: [Column] {
    [
      Column("TABLE", width: 12), Column("DEPTH", width: 5, rightAligned: true), Column("LEVEL", width: 5),
      Column("SPACES", width: 6, rightAligned: true), Column("PARENTS", width: 7, rightAligned: true),
      Column("PATHS", width: 6, rightAligned: true), Column("LEAVES", width: 9, rightAligned: true),
      Column("OWNER", width: 10),
    ]
  }

  package var cells: [String] {
    [
      table.description, "\(depth)", level, "\(spaces)", "\(parents)", "\(paths)", "\(leaves)",
      nameCell(ownerName),
    ]
  }
}
