import PageTables

/// A space reference, as `pagewalk shared` lists it: a block of a space that belongs to another space's table.
package struct SharedRecord: Record {
  /// The id of the space: its root.
  package let space: Hex
  package let spaceName: String
  /// The id of the owner, the first space that reaches the table; the space's own id where it reaches the table
  /// twice.
  package let owner: Hex
  package let ownerName: String
  /// The shared table hangs below an entry of the table at `depth` - 1; 0 where the roots are the same.
  package let depth: Int
  /// The manual's name for the level of the shared table.
  package let level: String
  package let ourVA: Hex
  package let theirVA: Hex
  /// Bytes in the block; saturating at 2^64 - 1.
  package let length: UInt64
  package let table: Hex

  package init(_ reference: SpaceReferenceMapping, space: AddressSpace, owner: AddressSpace) {
    self.space = Hex(space.root)
    spaceName = space.name
    self.owner = Hex(reference.space)
    ownerName = owner.name
    depth = reference.depth
    level = space.scheme(at: reference.ourVA).levels[reference.table.level].name
    ourVA = Hex(reference.ourVA)
    theirVA = Hex(reference.theirVA)
    // The engine uses 0 for all of 2^64.
    length = reference.length == 0 ? .max : reference.length
    table = Hex(reference.table.address)
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("spaceName", spaceName)
    json.field("owner", owner)
    json.field("ownerName", ownerName)
    json.field("depth", depth)
    json.field("level", level)
    json.field("ourVA", ourVA)
    json.field("theirVA", theirVA)
    json.field("length", length)
    json.field("table", table)
  }

  package static var columns: [Column] {
    [
      Column("SPACE", width: 14), Column("VIRTUAL ADDRESS", width: 18),
      Column("LENGTH", width: 6, rightAligned: true), Column("LEVEL", width: 5), Column("TABLE", width: 12),
      Column("OWNER", width: 14), Column("OWNER'S ADDRESS", width: 18),
    ]
  }

  package var cells: [String] {
    [
      nameCell(spaceName), ourVA.description, length == .max ? "all" : ByteText.rounded(length), level,
      table.description, owner == space && depth > 0 ? "itself" : nameCell(ownerName),
      theirVA == ourVA ? "the same" : theirVA.description,
    ]
  }
}
