import Guests
import PageTables

/// An entry that maps nothing but in which software keeps something, as `pagewalk map --filter marked` lists it.
package struct MarkRecord: Record {
  /// The id of the space: its root.
  package let space: Hex
  package let va: Hex
  /// Bytes that the entry covers.
  package let length: UInt64
  package let level: String
  package let entry: Hex
  /// The name of the mark, when known.
  package let mark: String?
  /// The frame that the mark keeps.
  package let markPA: Hex?
  /// What the entry keeps according to the guest's kernel: `swap type 0, offset 0x12`.
  package let meaning: String?
  /// The region of the guest that contains the address.
  package let region: String?

  /// - Parameter translation: the walk of the mark's address.
  package init(
    _ mark: Mark, _ translation: Translation, space: AddressSpace,
    guest: AddressKnowledge = AddressKnowledge()
  ) {
    let walk = TranslateRecord(translation, space: space, guest: guest)
    let level = space.windows[mark.window].scheme.levels[mark.level]
    self.space = walk.space
    va = Hex(mark.virtual)
    length = level.span
    self.level = level.name
    entry = Hex(mark.raw)
    self.mark = walk.mark
    markPA = walk.markPA
    meaning = walk.meaning
    region = walk.region
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("va", va)
    json.field("length", length)
    json.field("level", level)
    json.field("entry", entry)
    if let mark { json.field("mark", mark) }
    if let markPA { json.field("markPA", markPA) }
    if let meaning { json.field("meaning", meaning) }
    if let region { json.field("region", region) }
  }

  package static var columns: [Column] {
    [
      Column("VIRTUAL ADDRESS", width: 18), Column("LENGTH", width: 6, rightAligned: true),
      Column("LEVEL", width: 5), Column("ENTRY", width: 18), Column("KEEPS", width: 30),
      Column("REGION", width: 10),
    ]
  }

  package var cells: [String] {
    let kept = (meaning.map(printable) ?? mark ?? "-") + (markPA.map { ", frame \($0)" } ?? "")
    return [
      va.description, ByteText.rounded(length), level, entry.description, kept, region.map(printable) ?? "",
    ]
  }
}
