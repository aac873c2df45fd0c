import Canvas

extension ListContent {
  /// All spaces, in the order of listing: a row is the space's place.
  static func spaces(_ spaces: [TreeSpace]) -> ListContent {
    var content = ListContent(
      title: "spaces",
      columns: [
        ListColumn("name", .texts { spaces[$0].name }, look: { .role(spaces[$0].look) }),
        ListColumn("pid", .counts { UInt64(clamping: spaces[$0].found.pid ?? .max) }) {
          spaces[$0].pidText
        } look: {
          .role(spaces[$0].look)
        },
        ListColumn("root", .addresses { spaces[$0].root.value }, look: { .role(spaces[$0].look) }),
        ListColumn("scheme", .texts { spaces[$0].scheme.title }, look: { .role(spaces[$0].look) }),
        ListColumn(
          "found", title: "found by",
          .texts { spaces[$0].originText + (spaces[$0].found.isPossiblyStale ? ", possibly stale" : "") },
          look: { .role(spaces[$0].look) }),
      ],
      count: spaces.count, target: { .space($0) }, emptyText: "no address space is known")
    content.isStale = { spaces[$0].found.isPossiblyStale }
    return content
  }
}

extension TreeSpace {
  fileprivate var look: Role { found.isPossiblyStale ? .stale : .text }
}
