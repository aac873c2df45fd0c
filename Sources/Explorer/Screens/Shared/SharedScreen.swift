import Canvas
import PageTables

extension Screen.ID {
  static let shared = Screen.ID("shared")
}

extension Screen {
  static let shared = Screen.indexList(
    .shared, title: "shared sub-tables",
    columns: ["space", "va", "length", "level", "owner", "spaces", "table", "their-va"], opener: .shared,
    content: ListContent.shared,
    frame: { _, index, row in
      index.references.indices.contains(row)
        ? .address(index.references[row].mapping.table.address) : nil
    },
    crossReference: { explorer, index, row in
      guard index.references.indices.contains(row) else { return nil }
      let reference = index.references[row]
      return explorer.reached(
        reference.mapping.table, in: reference.spaceNumber, at: reference.mapping.ourVA)
    }, titleCounts: true
  )
  .withFolds()
}

extension Command {
  static let shared = Command(
    "shared", "the list of shared sub-tables", label: "shared", in: .sharing, .views
  ) {
    $0.openList(.shared)
  }
}

extension ListContent {
  /// Every place in one space whose sub-tree belongs to another space's table.
  static func shared(_ index: ExplorerIndex, _ spaces: ListSpaces) -> ListContent {
    let rows = index.references
    let sharing = index.spaces
    let everybodys = rows.count - index.particularReferences
    let counts =
      everybodys == 0
      ? "\(rows.count)"
      : (index.particularReferences == 0 ? "none" : "\(index.particularReferences)")
        + " in particular, \(everybodys) as everybody"
    return ListContent(
      title: "shared sub-tables   \(counts)"
        + (index.hasAllReferences ? "" : " (too many; only the first are listed)"),
      columns: [
        ListColumn(
          "space", .names(spaces.labels) { rows[$0].spaceNumber }, look: { .owner(rows[$0].spaceNumber) }),
        ListColumn("va", title: "virtual address", .addresses { rows[$0].mapping.ourVA.value }) {
          spaces.address(rows[$0].mapping.ourVA, in: rows[$0].spaceNumber)
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].mapping.length }) {
          rows[$0].mapping.length == 0 ? "all" : ByteText.exact(rows[$0].mapping.length)
        },
        ListColumn(
          "level",
          .texts { row in
            let mapping = rows[row].mapping
            return spaces.scheme(at: mapping.ourVA, in: rows[row].spaceNumber).levels[mapping.table.level]
              .name
          }),
        ListColumn(
          "owner", .names(spaces.labels) { rows[$0].mapping.owner }, look: { .owner(rows[$0].mapping.owner) }),
        ListColumn(
          "spaces", isRight: true,
          .counts { row in
            let (spaceNumber, mapping) = (rows[row].spaceNumber, rows[row].mapping)
            let window = spaces.window(of: mapping.ourVA, in: spaceNumber)
            return UInt64(sharing.sharing(of: mapping.table, in: spaceNumber, window: window)?.spaces ?? 0)
          }),
        ListColumn(
          "table", .addresses { rows[$0].mapping.table.address.value }, look: { _ in .role(.address) }),
        ListColumn("their-va", title: "theirs", .addresses { rows[$0].mapping.theirVA.value }) {
          rows[$0].mapping.theirVA == rows[$0].mapping.ourVA
            ? "same" : spaces.address(rows[$0].mapping.theirVA, in: rows[$0].mapping.owner)
        } look: {
          .role(rows[$0].mapping.theirVA == rows[$0].mapping.ourVA ? .dim : .text)
        },
      ],
      count: rows.count,
      target: { row in
        let reference = rows[row]
        if reference.mapping.depth == 0 { return .space(reference.spaceNumber) }
        return .entry(
          space: reference.spaceNumber, reference.mapping.ourVA, level: reference.mapping.depth - 1)
      },
      emptyText: "no space reaches a table of another one",
      folds: everybodys == 0
        ? []
        : [
          Fold(
            name: "everybody's", rows: index.particularReferences..<rows.count,
            text: StyledLine("as everybody: " + Numbers.counted(everybodys, "reference"), .dim))
        ])
  }
}
