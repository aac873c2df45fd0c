import Canvas

extension ListContent {
  /// All spaces, in the order of listing: a row is the space's number.
  static func spaces(_ spaces: [TreeSpace]) -> ListContent {
    var content = ListContent(
      title: "spaces",
      columns: columns(spaces) + guestColumns(spaces), count: spaces.count, target: { .space($0) },
      emptyText: "no address space is known")
    content.space = { spaces[$0].id }
    return content
  }

  private static func columns(_ spaces: [TreeSpace]) -> [ListColumn] {
    [
      ListColumn("name", .texts { spaces[$0].name }, look: { .role(spaces[$0].look) }),
      ListColumn("pid", .counts { UInt64(clamping: spaces[$0].found.pid ?? .max) }) {
        spaces[$0].pidText
      } look: {
        .role(spaces[$0].look)
      },
      ListColumn("root", .addresses { spaces[$0].root.value }, look: { .role(spaces[$0].look) }),
      ListColumn(
        "found", title: "found by",
        .texts { spaces[$0].originText + (spaces[$0].found.isPossiblyStale ? ", possibly stale" : "") },
        look: { .role(spaces[$0].look) }),
    ]
  }

  /// Processes that are named of one space.
  private static let processLimit = 100

  /// What only a guest tells: no column of blanks where there is none. The scheme, which is the same for most, comes
  /// behind what differs.
  private static func guestColumns(_ spaces: [TreeSpace]) -> [ListColumn] {
    var columns: [ListColumn] = []
    if spaces.contains(where: { $0.found.namedBy != nil }) {
      columns.append(
        ListColumn(
          "named", title: "named by", .texts { spaces[$0].found.namedBy?.rawValue ?? "" },
          look: { _ in .role(.dim) }))
    }
    columns.append(
      ListColumn("scheme", .texts { spaces[$0].scheme.title }, look: { .role(spaces[$0].look) }))
    if spaces.contains(where: { !$0.commandLine.isEmpty }) {
      columns.append(ListColumn("command", .texts { spaces[$0].commandLine }))
    }
    if spaces.contains(where: { !$0.otherProcesses.isEmpty }) {
      columns.append(
        ListColumn(
          "others", title: "other processes",
          .texts { spaces[$0].otherProcesses(limit: processLimit) }, look: { _ in .role(.dim) }))
    }
    return columns
  }
}

extension TreeSpace {
  fileprivate var look: Role { found.isPossiblyStale ? .stale : .text }
}
