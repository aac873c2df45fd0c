import Canvas
import PageTables

extension Screen.ID {
  static let changes = Screen.ID("changes")
}

extension Screen {
  static let changes = Screen.list(
    .changes, title: "what changed",
    sections: [
      HelpSection(
        "Changes", "since the moment that is compared with: the one before, or the one that :diff names",
        [
          ("+ added", "a page where nothing was mapped"),
          ("- removed", "nothing where a page was mapped"),
          ("* moved", "another frame"),
          ("* access", "other rights"),
          ("* marked", "an entry that maps nothing keeps something (swap, PROT_NONE), or did"),
          ("* bits", "another page size, memory type or software bit"),
        ])
    ],
    columns: ["change", "space", "va", "length", "was", "now", "region"], opener: .changes,
    commands: [],
    footer: [.open, .refresh, .search, .filter, .sort, .help, .cancel],
    ListKind(
      content: { explorer in
        guard let changes = explorer.live.changes else {
          return .awaited("what changed", explorer.noChangesText)
        }
        return .changes(changes, explorer.tree.spaces)
      },
      frame: { explorer, row in
        guard let changes = explorer.live.changes, changes.list.indices.contains(row) else { return nil }
        guard let range = changes.list[row].range, case .page(let page) = range.new else {
          return .nothing("nothing is mapped there now")
        }
        return .address(page.physical)
      },
      follows: { _, change in change == .tables || change == .spaces }))
}

extension Command {
  static let changes = Command(
    "changes", "what changed since another moment", label: "changes",
    in: .live,
    .views, obstacle: { $0.live.changes == nil ? $0.noChangesText : nil }
  ) {
    $0.openList(.changes)
  }
}

extension Explorer {
  /// Why nothing can be said of changes.
  fileprivate var noChangesText: String {
    live.source == nil
      ? "this source is no running machine: nothing changes in it"
      : "this is the first moment; r takes the next"
  }
}

extension ListContent {
  /// What changed, a row a range.
  static func changes(_ changes: MomentChanges, _ spaces: [TreeSpace]) -> ListContent {
    let rows = changes.list
    let schemes = rows.map { $0.space.space.scheme(at: $0.range?.virtual ?? VirtualAddress(0)) }
    let names = rows.map { row in
      row.spaceNumber.map { spaces[$0].label }
        ?? CellText.visible(row.space.space.name) + (row.space.pid.map { " \($0)" } ?? "")
    }
    return ListContent(
      title: "changed since \(changes.since)"
        + (changes.isComplete ? "" : " (too much; only the first are listed)"),
      columns: [
        ListColumn(
          "change", .texts { rows[$0].sign.text + " " + rows[$0].word },
          look: { .role(rows[$0].sign.role) }),
        ListColumn(
          "space", .texts { names[$0] }, look: { rows[$0].spaceNumber.map { .owner($0) } ?? .role(.dim) }),
        ListColumn("va", title: "virtual address", .addresses { rows[$0].range?.virtual.value ?? 0 }) { row in
          rows[row].range.map { Numbers.grouped($0.virtual, in: schemes[row]) } ?? "all of it"
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].range?.length ?? 0 }) { row in
          rows[row].range.map { ByteText.exact($0.length) } ?? ""
        },
        ListColumn("was", .texts { row in rows[row].range.map { schemes[row].text(of: $0.old) } ?? "" }),
        ListColumn("now", .texts { row in rows[row].range.map { schemes[row].text(of: $0.new) } ?? "" }),
        ListColumn("region", .texts { rows[$0].region }, look: { _ in .role(.dim) }),
      ],
      count: rows.count,
      target: { row in
        guard let number = rows[row].spaceNumber else { return nil }
        guard let range = rows[row].range else { return .space(number) }
        return .address(space: number, range.virtual)
      },
      emptyText: "nothing changed since \(changes.since)")
  }
}

extension MomentChanges.Change {
  fileprivate var sign: ChangeSign {
    guard let range else { return spaceNumber == nil ? .removed : .added }
    return ChangeSign(range.kind) ?? .changed
  }

  fileprivate var word: String {
    guard let range else { return spaceNumber == nil ? "gone" : "new" }
    return range.kind.name
  }
}

extension PagingScheme {
  /// `0x1a2b000 4K rw-u`, or what a mark keeps.
  fileprivate func text(of content: RangeContent) -> String {
    switch content {
    case .nothing: "-"
    case .page(let page):
      "\(Numbers.hex(page.physical)) \(ByteText.rounded(page.pageSize)) \(shown(page.rights).letters)"
    case .mark(let mark):
      (mark.name ?? SoftwareMark.software.name) + (mark.physical.map { " " + Numbers.hex($0) } ?? "")
    }
  }
}
