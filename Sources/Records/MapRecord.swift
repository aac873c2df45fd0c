import Guests
import PageTables

/// A range of mappings with equal attributes, as `pagewalk map` lists it; with `--each`, one leaf.
public struct MapRecord: Record {
  /// The id of the space: its root.
  public let space: Hex
  public let va: Hex
  public let length: UInt64
  public let pa: Hex
  public let pageSize: UInt64
  public let write: Bool
  public let user: Bool
  public let execute: Bool
  /// The manual's names of the other bits that are set.
  public let flags: [String]
  /// The level that maps the page, with `--each`.
  public let level: String?
  /// The raw entry, with `--each`.
  public let entry: Hex?
  /// false where the dump does not hold all of the frames.
  public let inDump: Bool?
  /// The region of the guest that holds all of the range; nil where none does, or several do.
  public let region: String?
  /// true where all pages map the one frame at `pa`: a table that is repeated in whole.
  public let oneFrame: Bool?

  public init(
    _ range: MappedRange, space: AddressSpace, flags: [String], isInDump: Bool, showsEntry: Bool,
    region: NamedRegion? = nil
  ) {
    let level = space.scheme.levels[range.level]
    self.space = Hex(space.root)
    va = Hex(range.virtual)
    length = range.length
    pa = Hex(range.physical)
    pageSize = level.span
    write = range.access.contains(.write)
    user = range.access.contains(.user)
    execute = range.access.contains(.execute)
    self.flags = flags
    self.level = showsEntry ? level.name : nil
    entry = showsEntry ? Hex(range.raw) : nil
    inDump = isInDump ? nil : false
    oneFrame = range.isOneFrame ? true : nil
    self.region = region?.title
  }

  public func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("va", va)
    json.field("length", length)
    json.field("pa", pa)
    json.field("pageSize", pageSize)
    json.field("write", write)
    json.field("user", user)
    json.field("execute", execute)
    json.field("flags", flags)
    if let level { json.field("level", level) }
    if let entry { json.field("entry", entry) }
    if let inDump { json.field("inDump", inDump) }
    if let oneFrame { json.field("oneFrame", oneFrame) }
    if let region { json.field("region", region) }
  }

  public static var columns: [Column] {
    [
      Column("VIRTUAL ADDRESS", width: 18), Column("LENGTH", width: 8, rightAligned: true),
      Column("PHYSICAL", width: 14), Column("PAGE", width: 4, rightAligned: true), Column("ACCESS", width: 6),
      Column("FLAGS", width: 10), Column("REGION", width: 10),
    ]
  }

  public var cells: [String] {
    let access = accessLetters(write: write, user: user, execute: execute)
    var notes = flags
    if let entry { notes.append("entry=\(entry)") }
    if oneFrame == true { notes.append("(all pages map this one frame)") }
    if inDump == false { notes.append("(not all in the dump)") }
    return [
      va.description, byteCount(length), pa.description, byteCount(pageSize), access,
      notes.joined(separator: " "), region.map(printable) ?? "",
    ]
  }
}

/// The names of the flags that raw leaves have, each combination worked out once.
public struct LeafFlags {
  private let scheme: PagingScheme
  private var known: [[UInt64: [String]]]

  public init(_ scheme: PagingScheme) {
    self.scheme = scheme
    known = [[UInt64: [String]]](repeating: [:], count: scheme.levels.count)
  }

  /// The flags of a raw leaf of a level, low bits first: the name, and the number where the field has several bits.
  public mutating func names(of raw: UInt64, level: Int) -> [String] {
    let attributes = raw & scheme.levels[level].leafAttributes
    if let names = known[level][attributes] { return names }
    let names = scheme.levels[level].leafFields.compactMap { field -> String? in
      let value = field.value(in: raw)
      guard field.isFlag, value != 0 else { return nil }
      return field.lowBit == field.highBit ? field.name : "\(field.name)=\(value)"
    }
    known[level][attributes] = names
    return names
  }
}
