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
      guard index.findingRuns.all.indices.contains(row) else { return nil }
      let finding = index.findings[index.findingRuns.all[row].findings.lowerBound]
      let scheme = explorer.tree.spaces[finding.spaceNumber].scheme(at: finding.virtual)
      return FrameTarget(finding.raw, finding.table.level, scheme, explorer.memory)
    }, titleCounts: true
  )
  .withFolds()
}

extension Command {
  static let findings = Command("findings", "what the checks found", label: "findings", in: .open, .views) {
    $0.openList(.findings)
  }
}

extension ListContent {
  /// What a person should look at: a row a kind, which opens to its runs.
  static func findings(_ index: ExplorerIndex, _ spaces: ListSpaces) -> ListContent {
    let found = index.findings
    let runs = index.findingRuns
    let kinds = Finding.Kind.allCases
    let first = { @Sendable (row: Int) in found[runs.all[row].findings.lowerBound] }
    let counts =
      runs.all.isEmpty
      ? "" : "   \(Numbers.counted(runs.all.count, "run")) of \(Numbers.counted(runs.groups.count, "kind"))"
    var content = ListContent(
      title: "findings" + counts + (index.hasAllFindings ? "" : " (too many; only the first are listed)"),
      columns: [
        ListColumn(
          "kind", .names(kinds.map(\.rawValue)) { kinds.firstIndex(of: first($0).kind) ?? 0 },
          look: { _ in .role(.warning) }),
        ListColumn(
          "space", .names(spaces.labels) { first($0).spaceNumber }, look: { .owner(first($0).spaceNumber) }),
        ListColumn("va", title: "virtual address", .addresses { first($0).virtual.value }) {
          spaces.address(first($0).virtual, in: first($0).spaceNumber)
        },
        ListColumn("length", isRight: true, .sizes { runs.all[$0].length }),
        ListColumn(
          "access",
          .texts { row in
            var letters: [String] = []
            for rights in runs.all[row].rights {
              let next = spaces.letters(rights, at: first(row).virtual, in: first(row).spaceNumber)
              if !letters.contains(next) { letters.append(next) }
            }
            return letters.joined(separator: ", ")
          }),
        ListColumn("spaces", isRight: true, .counts { UInt64(runs.all[$0].spaces) }),
        ListColumn("entry", .addresses { first($0).raw }, look: { _ in .role(.dim) }),
      ],
      count: runs.all.count,
      target: { .entry(space: first($0).spaceNumber, first($0).virtual, level: first($0).table.level) },
      emptyText: (["the checks found nothing"]
        + index.schemesWithoutNoExecute.map {
          "\($0.title) cannot forbid execution, so writable-executable memory is not checked"
        })
        .joined(separator: "; "),
      folds: runs.groups.map { Fold($0) })
    if !index.schemesWithAllExecutable.isEmpty {
      content.remarks = ["nothing forbids users execution here"]
    }
    return content
  }
}

extension ListContent.Fold {
  /// A kind of finding, how much of it there is, and what it means.
  fileprivate init(_ group: FindingRuns.Group) {
    let extent = "\(Numbers.counted(group.runs.count, "run")), \(ByteText.rounded(group.length))"
    self.init(
      name: group.kind.rawValue, rows: group.runs,
      text: StyledLine(Numbers.left(group.kind.rawValue, 19) + "  ", .warning)
        .adding(Numbers.left(extent, 16) + "  ").adding(group.kind.meaning, .dim))
  }
}
