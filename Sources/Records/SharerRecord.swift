import PageTables

/// A space that shares user memory with a given one, as `pagewalk aliases --space S` lists it.
package struct SharerRecord: Record {
  package let space: Hex
  package let spaceName: String
  package let pid: Int?
  /// Bytes of user memory that both map.
  package let sharedBytes: UInt64
  package let pages: Int
  /// True where there may be more: hostile tables can map more than can be counted.
  package let atLeast: Bool?

  package init(_ sharer: Sharer, space: AddressSpace, pid: Int?) {
    self.space = Hex(space.root)
    spaceName = space.name
    self.pid = pid
    sharedBytes = sharer.bytes
    pages = sharer.pages
    atLeast = sharer.isAtLeast ? true : nil
  }

  package func write(to json: inout JSONLine) {
    json.field("space", space)
    json.field("spaceName", spaceName)
    json.field("pid", pid)
    json.field("sharedBytes", sharedBytes)
    json.field("pages", pages)
    if let atLeast { json.field("atLeast", atLeast) }
  }

  package static var columns: [Column] {
    [
      Column("SPACE", width: 18), Column("PID", width: 6, rightAligned: true),
      Column("SHARED", width: 8, rightAligned: true), Column("PAGES", width: 8, rightAligned: true),
    ]
  }

  package var cells: [String] {
    let over = atLeast == true ? "over " : ""
    return [
      nameCell(spaceName), pid.map(String.init) ?? "-", over + ByteText.rounded(sharedBytes),
      over + "\(pages)",
    ]
  }
}
