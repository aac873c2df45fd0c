import Guests
import PageTables

/// A range of mappings with equal attributes, as `pagewalk map` lists it; with `--each`, one leaf.
package struct MapRecord: Record {
  /// The id of the space: its root.
  package let space: Hex
  package let va: Hex
  package let length: UInt64
  package let pa: Hex
  package let pageSize: UInt64
  package let write: Bool
  package let user: Bool
  package let execute: Bool
  /// What the supervisor may and what the user may, `rwx/rw-`, where the three above do not say it; else nil.
  package let rights: String?
  /// The manual's names of the other bits that are set, and what they are called together.
  package let flags: [String]
  /// The level that maps the page, with `--each`.
  package let level: String?
  /// The raw entry, with `--each`.
  package let entry: Hex?
  /// False where the dump does not hold all of the frames.
  package let inDump: Bool?
  /// The region of the guest that contains the whole range; nil if there is none, or several.
  package let region: String?
  /// True where all pages map the one frame at `pa`: a table is repeated as a whole.
  package let oneFrame: Bool?

  package init(
    _ range: MappedRange, space: AddressSpace, flags: [String], isInDump: Bool, showsEntry: Bool,
    region: NamedRegion? = nil
  ) {
    let level = space.windows[range.window].scheme.levels[range.level]
    self.space = Hex(space.root)
    va = Hex(range.virtual)
    length = range.length
    pa = Hex(range.physical)
    pageSize = level.pageSize(of: range.raw)
    write = range.access.contains(.write)
    user = range.access.contains(.user)
    execute = range.access.contains(.execute)
    rights = space.windows[range.window].scheme.shown(range.rights).apart
    self.flags = flags
    self.level = showsEntry ? level.name : nil
    entry = showsEntry ? Hex(range.raw) : nil
    inDump = isInDump ? nil : false
    oneFrame = range.isOneFrame ? true : nil
    self.region = region?.title
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("va", va)
    json.field("length", length)
    json.field("pa", pa)
    json.field("pageSize", pageSize)
    json.field("write", write)
    json.field("user", user)
    json.field("execute", execute)
    if let rights { json.field("rights", rights) }
    json.field("flags", flags)
    if let level { json.field("level", level) }
    if let entry { json.field("entry", entry) }
    if let inDump { json.field("inDump", inDump) }
    if let oneFrame { json.field("oneFrame", oneFrame) }
    if let region { json.field("region", region) }
  }

  package static var columns: [Column] {
    [
      Column("VIRTUAL ADDRESS", width: 18), Column("LENGTH", width: 8, rightAligned: true),
      Column("PHYSICAL", width: 14), Column("PAGE", width: 4, rightAligned: true), Column("ACCESS", width: 6),
      Column("FLAGS", width: 10), Column("REGION", width: 10),
    ]
  }

  package var cells: [String] {
    let access = rights ?? Access(write: write, user: user, execute: execute).letters
    var notes = flags
    if let entry { notes.append("entry=\(entry)") }
    if oneFrame == true { notes.append("(all pages map this one frame)") }
    if inDump == false { notes.append("(not all in the dump)") }
    return [
      va.description, ByteText.rounded(length), pa.description, ByteText.rounded(pageSize), access,
      notes.joined(separator: " "), region.map(printable) ?? "",
    ]
  }
}

/// The names of the flags set in raw leaves; each combination is computed once.
package struct LeafFlags {
  private let scheme: PagingScheme
  private var known: [[UInt64: [String]]]

  package init(_ scheme: PagingScheme) {
    self.scheme = scheme
    known = [[UInt64: [String]]](repeating: [:], count: scheme.levels.count)
  }

  /// The flags of a raw leaf at a level, low bits first: the name, with the number where the field has several
  /// bits, or the number's own name.
  package mutating func names(of raw: UInt64, level: Int) -> [String] {
    let attributes = raw & scheme.levels[level].leafAttributes
    if let names = known[level][attributes] { return names }
    let names = scheme.levels[level].leafFields.compactMap { field -> String? in
      let value = field.value(in: raw)
      guard field.isFlag, value != 0 else { return nil }
      // Whichever way the machine is reached, its entries say the same.
      return field.isNamedByRegister ? "\(field.name)=\(value)" : field.flag(of: value)
    }
    known[level][attributes] = names
    return names
  }
}
