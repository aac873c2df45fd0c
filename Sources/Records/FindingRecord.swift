import Guests
import PageTables

/// A finding, as `pagewalk check` lists it.
package struct FindingRecord: Record {
  /// `writable-executable`, `user-kernel-memory`, `malformed-entry`, `reserved-bits`, `table-outside-dump`,
  /// `user-writable-table`.
  package let kind: String
  /// The id of the first affected space: its root.
  package let space: Hex
  package let spaceName: String
  package let va: Hex
  /// Bytes of address space.
  package let length: UInt64
  package let write: Bool
  package let user: Bool
  package let execute: Bool
  /// What the supervisor may and what the user may, `rwx/rw-`, where the three above do not say it; else nil.
  package let rights: String?
  /// How many spaces have it.
  package let spaces: Int
  /// The level of the entries.
  package let level: String
  /// The table of the first entry.
  package let table: Hex
  package let slot: Int
  /// The first raw entry.
  package let entry: Hex
  /// The bits set in it that the manual reserves; nil where there are none.
  package let reservedBits: Hex?
  /// The region of the guest that contains the address.
  package let region: String?

  package init(_ finding: Finding, in index: SpaceIndex, region: NamedRegion? = nil) {
    self.region = region?.title
    let space = index.spaces[finding.spaceNumber]
    kind = finding.kind.rawValue
    self.space = Hex(space.root)
    spaceName = space.name
    va = Hex(finding.virtual)
    length = finding.length
    write = finding.access.contains(.write)
    user = finding.access.contains(.user)
    execute = finding.access.contains(.execute)
    rights = space.windows[finding.window].scheme.shown(finding.rights).apart
    spaces = finding.spaces
    level = space.windows[finding.window].scheme.levels[finding.table.level].name
    table = Hex(finding.table.address)
    slot = finding.slot
    entry = Hex(finding.raw)
    let reserved = space.windows[finding.window].scheme.levels[finding.table.level].reservedBitsSet(
      in: finding.raw)
    reservedBits = reserved == 0 ? nil : Hex(reserved)
  }

  package func write(to json: inout JSONLine) {
    json.field("kind", kind)
    json.field("space", space)
    json.field("spaceName", spaceName)
    json.field("va", va)
    json.field("length", length)
    json.field("write", write)
    json.field("user", user)
    json.field("execute", execute)
    if let rights { json.field("rights", rights) }
    json.field("spaces", spaces)
    json.field("level", level)
    json.field("table", table)
    json.field("slot", slot)
    json.field("entry", entry)
    if let reservedBits { json.field("reservedBits", reservedBits) }
    if let region { json.field("region", region) }
  }

  package static var columns: [Column] {
    [
      Column("FINDING", width: 19), Column("SPACE", width: 14), Column("VIRTUAL ADDRESS", width: 18),
      Column("LENGTH", width: 6, rightAligned: true), Column("ACCESS", width: 6), Column("IN", width: 10),
      Column("ENTRY", width: 36), Column("REGION", width: 10),
    ]
  }

  package var cells: [String] {
    let access = rights ?? Access(write: write, user: user, execute: execute).letters
    return [
      kind, nameCell(spaceName), va.description, ByteText.rounded(length), access,
      "\(spaces) space\(spaces == 1 ? "" : "s")",
      "\(level) \(table)[\(slot)] = \(entry)" + (reservedBits.map { ", reserved \($0)" } ?? ""),
      region.map(printable) ?? "",
    ]
  }
}
