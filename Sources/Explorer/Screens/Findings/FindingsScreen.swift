import Canvas
import PageTables

extension Screen.ID {
  static let findings = Screen.ID("findings")
}

extension Screen {
  static let findings = Screen.indexList(
    .findings, title: "findings",
    columns: ["kind", "space", "va", "length", "access", "spaces", "entry"], opener: .findings,
    content: ListContent.findings,
    frame: { explorer, index, row in
      guard index.findings.indices.contains(row) else { return nil }
      let finding = index.findings[row]
      let scheme = explorer.tree.spaces[finding.spaceNumber].scheme
      return FrameTarget(finding.raw, finding.table.level, scheme, explorer.memory)
    })
}

extension Command {
  static let findings = Command("findings", "what the checks found", label: "findings", .views) {
    $0.openList(.findings)
  }
}

extension ListContent {
  /// What a person should look at.
  static func findings(_ index: ExplorerIndex, _ spaces: ListSpaces) -> ListContent {
    let rows = index.findings
    let kinds = Finding.Kind.allCases
    return ListContent(
      title: index.hasAllFindings ? "findings" : "findings (too many; only the first are listed)",
      columns: [
        ListColumn(
          "kind", .names(kinds.map(\.rawValue)) { kinds.firstIndex(of: rows[$0].kind) ?? 0 },
          look: { _ in .role(.warning) }),
        ListColumn(
          "space", .names(spaces.labels) { rows[$0].spaceNumber }, look: { .owner(rows[$0].spaceNumber) }),
        ListColumn("va", title: "virtual address", .addresses { rows[$0].virtual.value }) {
          spaces.address(rows[$0].virtual, in: rows[$0].spaceNumber)
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].length }),
        ListColumn("access", .texts { spaces.letters(rows[$0].rights, in: rows[$0].spaceNumber) }),
        ListColumn("spaces", isRight: true, .counts { UInt64(rows[$0].spaces) }),
        ListColumn("entry", .addresses { rows[$0].raw }, look: { _ in .role(.dim) }),
      ],
      count: rows.count,
      target: { .entry(space: rows[$0].spaceNumber, rows[$0].virtual, level: rows[$0].table.level) },
      emptyText: (["the checks found nothing"]
        + index.schemesWithoutNoExecute.map {
          "\($0.title) cannot forbid execution, so writable-executable memory is not checked"
        })
        .joined(separator: "; "))
  }
}
