import Guests
import PageTables

/// A mirror, as `pagewalk mirrors` lists it: a run of kernel pages on frames that user space also maps.
package struct MirrorRecord: Record {
  /// The id of the space of the user side: its root.
  package let space: Hex
  package let spaceName: String
  package let userVA: Hex
  package let kernelVA: Hex
  /// Bytes, contiguous on both sides.
  package let length: UInt64
  package let pages: UInt64
  /// The frame of the first page.
  package let pa: Hex
  /// How many user mappings, over all spaces, the first page has; saturating at 2^64 - 1.
  package let userMappings: UInt64
  /// `mirror`, or `given-back`: a page of the kernel's image that user space got after boot.
  package let kind: String
  /// The id of the first space that has the kernel side.
  package let kernelSpace: Hex
  /// The guest's regions on both sides.
  package let userRegion: String?
  package let kernelRegion: String?

  package init(
    _ mirror: Mirror, in index: SpaceIndex, userRegion: NamedRegion? = nil, kernelRegion: NamedRegion? = nil
  ) {
    self.userRegion = userRegion?.title
    self.kernelRegion = kernelRegion?.title
    let user = index.spaces[mirror.spaceNumber]
    space = Hex(user.root)
    spaceName = user.name
    userVA = Hex(mirror.userVA)
    kernelVA = Hex(mirror.kernelVA)
    length = mirror.length
    pages = mirror.length / (user.scheme.levels.last?.span ?? Frame.size)
    pa = Hex(mirror.physical)
    userMappings = mirror.userMappings
    kind = mirror.kind.rawValue
    kernelSpace = Hex(index.spaces[mirror.kernelSpaceNumber].root)
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("spaceName", spaceName)
    json.field("userVA", userVA)
    json.field("kernelVA", kernelVA)
    json.field("length", length)
    json.field("pages", pages)
    json.field("pa", pa)
    json.field("userMappings", userMappings)
    json.field("kernelSpace", kernelSpace)
    json.field("kind", kind)
    if let userRegion { json.field("userRegion", userRegion) }
    if let kernelRegion { json.field("kernelRegion", kernelRegion) }
  }

  package static var columns: [Column] {
    [
      Column("KERNEL ADDRESS", width: 18), Column("SPACE", width: 14), Column("USER ADDRESS", width: 18),
      Column("LENGTH", width: 6, rightAligned: true), Column("PAGES", width: 5, rightAligned: true),
      Column("FIRST FRAME", width: 12), Column("USER MAPPINGS", width: 13, rightAligned: true),
      Column("KIND", width: 10),
      Column("REGIONS", width: 10),
    ]
  }

  package var cells: [String] {
    [
      kernelVA.description, nameCell(spaceName), userVA.description, ByteText.rounded(length), "\(pages)",
      pa.description, "\(userMappings)", kind,
      [kernelRegion, userRegion].compactMap(\.self).map(printable).joined(separator: " = "),
    ]
  }
}
