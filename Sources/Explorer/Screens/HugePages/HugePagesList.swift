import Canvas
import Guests
import PageTables

extension ListContent {
  /// All huge pages, those that follow each other as one row.
  ///
  /// - Parameters:
  ///   - names: what each space's addresses are called, by space number, as far as that is known.
  ///   - index: tells which of them are the kernel's linear map, once it is there.
  static func hugePages(
    _ rows: [HugePageRun], isCut: Bool, _ spaces: ListSpaces, names: [SpaceNames?], _ index: SpaceIndex?
  ) -> ListContent {
    @Sendable func size(_ row: Int) -> UInt64 {
      let run = rows[row]
      return spaces.scheme(at: run.virtual, in: Int(run.spaceNumber)).levels[Int(run.level)].span
    }
    let holds: @Sendable (Int) -> String = { row in
      let run = rows[row]
      let last = VirtualAddress(run.virtual.value &+ (run.pages &* size(row) &- 1))
      if let text = names[Int(run.spaceNumber)]?.holding(from: run.virtual, through: last) { return text }
      let window = spaces.window(of: run.virtual, in: Int(run.spaceNumber))
      let directMaps = index?.directMaps(in: Int(run.spaceNumber), window: window)
      let isDirect = directMaps?.contains(run.virtual, run.physical) == true
      return isDirect && !run.rights.isUser ? "direct map" : ""
    }
    return ListContent(
      title: isCut ? "huge pages (too many; only the first are listed)" : "huge pages",
      columns: [
        ListColumn("va", title: "virtual address", .addresses { rows[$0].virtual.value }) {
          spaces.address(rows[$0].virtual, in: Int(rows[$0].spaceNumber))
        },
        ListColumn(
          "space", .names(spaces.labels) { Int(rows[$0].spaceNumber) },
          look: { .owner(Int(rows[$0].spaceNumber)) }),
        ListColumn("size", isRight: true, .sizes { size($0) }, look: { _ in .role(.hugePage) }),
        ListColumn("pages", isRight: true, .counts { rows[$0].pages }),
        ListColumn(
          "rights",
          .texts {
            spaces.letters(rows[$0].rights, at: rows[$0].virtual, in: Int(rows[$0].spaceNumber))
          }),
        ListColumn("frame", .addresses { rows[$0].physical.value }, look: { _ in .role(.address) }),
        ListColumn("holds", .texts(holds)),
      ],
      count: rows.count,
      target: { .entry(space: Int(rows[$0].spaceNumber), rows[$0].virtual, level: Int(rows[$0].level)) },
      emptyText: "no space maps a huge page")
  }
}

extension SpaceNames {
  /// What lies between two addresses, both included: the first region and how many others, and the symbol that begins
  /// it, as the tree says it; nil where nothing has a name.
  fileprivate func holding(from first: VirtualAddress, through last: VirtualAddress) -> String? {
    let symbol = symbol(at: first)?.title
    guard let found = regions(from: first, through: last) else { return symbol }
    let region = CellText.visible(found.first.title) + (found.others > 0 ? " +\(found.others)" : "")
    return region + (symbol.map { " \($0)" } ?? "")
  }
}
