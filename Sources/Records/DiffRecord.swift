import Guests
import PageTables

/// What changed of a space between two moments, as `pagewalk diff` lists it: a range of addresses, or the whole space
/// that came or went.
package struct DiffRecord: Record {
  /// What the entries of the range mapped or kept at one of the moments. Where they mapped, `pa` and what follows it are
  /// there, otherwise `mark`.
  package struct Content: Codable, Hashable, Sendable {
    /// The frame of the first page.
    package var pa: Hex?
    package var pageSize: UInt64?
    package var write: Bool?
    package var user: Bool?
    package var execute: Bool?
    /// What the supervisor may and what the user may, `rwx/rw-`, where the three above do not say it; else nil.
    package var rights: String?
    package var flags: [String]?
    /// What the software keeps in the entry; `software` where that is not known.
    package var mark: String?
    /// The frame that the first entry keeps.
    package var markPA: Hex?
    /// What the first entry keeps according to the guest's kernel: `swap type 0, offset 0x12`.
    package var meaning: String?
  }

  /// The id of the space: its root, as it is now, or as it was where the space is gone.
  package let space: Hex
  package let spaceName: String
  package let pid: Int?
  /// `space-added`, `space-removed`, `added`, `removed`, `moved`, `access`, `marked`, `bits`.
  package let change: String
  /// Nil for a space as a whole.
  package let va: Hex?
  package let length: UInt64?
  package let old: Content?
  package let new: Content?
  /// The region of the guest that contains the first address: as it is now, or as it was where memory is gone.
  package let region: String?

  /// A space that came or went.
  package init(wholeSpace matched: MatchedSpace) {
    space = Hex(matched.latest.space.root)
    spaceName = matched.latest.space.name
    pid = matched.latest.pid
    change = matched.old == nil ? "space-added" : "space-removed"
    va = nil
    length = nil
    old = nil
    new = nil
    region = nil
  }

  /// A range of a space.
  package init(
    _ range: ChangedRange, in matched: MatchedSpace, old: Content?, new: Content?, region: NamedRegion? = nil
  ) {
    space = Hex(matched.latest.space.root)
    spaceName = matched.latest.space.name
    pid = matched.latest.pid
    change = range.kind.name
    va = Hex(range.virtual)
    length = range.length
    self.old = old
    self.new = new
    self.region = region?.title
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("spaceName", spaceName)
    json.field("pid", pid)
    json.field("change", change)
    json.field("va", orNull: va)
    json.field("length", orNull: length)
    json.field("old", object: old) { $1.write(to: &$0) }
    json.field("new", object: new) { $1.write(to: &$0) }
    if let region { json.field("region", region) }
  }

  package static var columns: [Column] {
    [
      Column("CHANGE", width: 15), Column("SPACE", width: 14), Column("PID", width: 5, rightAligned: true),
      Column("VIRTUAL ADDRESS", width: 18), Column("LENGTH", width: 6, rightAligned: true),
      Column("OLD", width: 27), Column("NEW", width: 27), Column("REGION", width: 10),
    ]
  }

  package var cells: [String] {
    [
      sign + " " + change, nameCell(spaceName), pid.map(String.init) ?? "-", va?.description ?? "all of it",
      length.map(ByteText.rounded) ?? "", va == nil ? "" : old?.text ?? "-",
      va == nil ? "" : new?.text ?? "-", region.map(printable) ?? "",
    ]
  }

  private var sign: String {
    switch change {
    case "added", "space-added": "+"
    case "removed", "space-removed": "-"
    default: "*"
    }
  }
}

extension DiffRecord.Content {
  fileprivate func write(to json: inout JSONLine) {
    if let pa { json.field("pa", pa) }
    if let pageSize { json.field("pageSize", pageSize) }
    if let write { json.field("write", write) }
    if let user { json.field("user", user) }
    if let execute { json.field("execute", execute) }
    if let rights { json.field("rights", rights) }
    if let flags { json.field("flags", flags) }
    if let mark { json.field("mark", mark) }
    if let markPA { json.field("markPA", markPA) }
    if let meaning { json.field("meaning", meaning) }
  }

  /// `0x1a2b000 4K rw-u G`, or `PROT_NONE 0x1a2b000`.
  fileprivate var text: String {
    if let mark { return (meaning.map(printable) ?? mark) + (markPA.map { " \($0)" } ?? "") }
    guard let pa, let pageSize else { return "-" }
    let access =
      rights
      ?? Access(write: write ?? false, user: user ?? false, execute: execute ?? false).letters
    return ([pa.description, ByteText.rounded(pageSize), access] + (flags ?? [])).joined(separator: " ")
  }
}

/// Makes what records say of a space's entries at one moment.
package struct DiffContents {
  private let space: AddressSpace
  private let names: GuestNames?
  private let countsUse: Bool
  private var flags: [LeafFlags]

  /// - Parameters:
  ///   - names: those of the same moment.
  ///   - countsUse: whether accessed and dirty bits are among the flags.
  package init(_ space: AddressSpace, names: GuestNames?, countsUse: Bool) {
    self.space = space
    self.names = names
    self.countsUse = countsUse
    flags = space.windows.map { LeafFlags($0.scheme) }
  }

  /// Nil where nothing was mapped or kept.
  package mutating func content(
    _ content: RangeContent, at address: VirtualAddress, window: Int
  ) -> DiffRecord.Content? {
    guard space.windows.indices.contains(window) else { return nil }
    let scheme = space.windows[window].scheme
    var result = DiffRecord.Content()
    switch content {
    case .nothing: return nil
    case .page(let page):
      result.pa = Hex(page.physical)
      result.pageSize = page.pageSize
      let rights = scheme.shown(page.rights)
      result.write = rights.access.contains(.write)
      result.user = rights.access.contains(.user)
      result.execute = rights.access.contains(.execute)
      result.rights = rights.apart
      let raw = countsUse ? page.raw : page.raw & ~scheme.levels[page.level].useBits
      result.flags = flags[window].names(of: raw, level: page.level)
    case .mark(let mark):
      result.mark = mark.name ?? SoftwareMark.software.name
      result.markPA = mark.physical.map { Hex($0) }
      result.meaning =
        names?.guest?.meaning(of: mark.raw, level: mark.level, scheme: scheme, at: address)?.summary
    }
    return result
  }
}
