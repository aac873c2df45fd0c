import Guests
import PageTables

/// One way to a frame, as `pagewalk aliases` lists it: a virtual address in a space.
package struct AliasRecord: Record {
  /// The requested byte.
  package let pa: Hex
  /// The id of the space: its root.
  package let space: Hex
  package let spaceName: String
  package let pid: Int?
  package let va: Hex
  /// `entry`, `shared-table`, `direct-map`, `mirror`, `recursive`.
  package let kind: String
  /// The region of the guest that contains the address.
  package let region: String?
  /// The guest's use of the frame, and the file or the slab's cache.
  package let frameKind: FrameUse.Kind?
  package let frameDetail: String?
  /// How many spaces reach the same entry.
  package let sharedBy: Int
  /// How many (space, virtual address) pairs reach it; saturating at 2^64 - 1.
  package let sharedPaths: UInt64
  package let pageSize: UInt64
  package let write: Bool
  package let user: Bool
  package let execute: Bool
  /// What the supervisor may and what the user may, `rwx/rw-`, where the three above do not say it; else nil.
  package let rights: String?
  /// Where the entry stands.
  package let table: Hex
  package let slot: Int
  /// The raw entry.
  package let entry: Hex

  package init(
    _ alias: Alias, of group: AliasGroup, mapping pa: PhysicalAddress, space: AddressSpace, pid: Int?,
    region: NamedRegion? = nil, frame: FrameUse? = nil
  ) {
    self.region = region?.title
    frameKind = frame?.kind
    frameDetail = frame?.detail
    self.pa = Hex(pa)
    self.space = Hex(space.root)
    spaceName = space.name
    self.pid = pid
    va = Hex(alias.virtual)
    kind = group.kind.rawValue
    sharedBy = group.spaces
    sharedPaths = group.count
    pageSize = group.pageSize
    write = alias.access.contains(.write)
    user = alias.access.contains(.user)
    execute = alias.access.contains(.execute)
    rights = space.windows[alias.window].scheme.shown(alias.rights).apart
    table = Hex(group.table.address)
    slot = group.slot
    entry = Hex(group.raw)
  }

  package func write(to json: inout JSONLine) {
    json.field("pa", pa)
    json.field("space", space)
    json.field("spaceName", spaceName)
    json.field("pid", pid)
    json.field("va", va)
    json.field("kind", kind)
    json.field("sharedBy", sharedBy)
    json.field("sharedPaths", sharedPaths)
    json.field("pageSize", pageSize)
    json.field("write", write)
    json.field("user", user)
    json.field("execute", execute)
    if let rights { json.field("rights", rights) }
    json.field("table", table)
    json.field("slot", slot)
    json.field("entry", entry)
    if let region { json.field("region", region) }
    if let frameKind { json.field("frameKind", frameKind.rawValue) }
    if let frameDetail { json.field("frameDetail", frameDetail) }
  }

  private static var ownColumns: [Column] {
    [
      Column("KIND", width: 12), Column("SPACE", width: 14), Column("PID", width: 6, rightAligned: true),
      Column("VIRTUAL ADDRESS", width: 18), Column("ACCESS", width: 6),
      Column("PAGE", width: 4, rightAligned: true), Column("ENTRY", width: 17),
    ]
  }

  package static var columns: [Column] { ownColumns + [Column("REGION", width: 10)] }

  package var cells: [String] { ownCells + [regionCell] }

  private var regionCell: String { region.map(printable) ?? "" }

  private var ownCells: [String] {
    let access = rights ?? Access(write: write, user: user, execute: execute).letters
    return [
      kind, nameCell(spaceName), pid.map(String.init) ?? "-", va.description, access,
      ByteText.rounded(pageSize),
      "\(table)[\(slot)]",
    ]
  }

  /// The columns of `groupCells`.
  package static var groupColumns: [Column] {
    ownColumns + [Column("REGION", width: 20), Column("SHARED", width: 6)]
  }

  /// The line for all ways through this record's entry, of which this is the first.
  package var groupCells: [String] {
    let others = sharedBy - 1
    var more: [String] = []
    if others > 0 { more.append("and \(others) more space\(others == 1 ? "" : "s")") }
    if sharedPaths > UInt64(sharedBy) { more.append("\(sharedPaths) addresses in all") }
    return ownCells + [regionCell, more.joined(separator: ", ")]
  }
}
