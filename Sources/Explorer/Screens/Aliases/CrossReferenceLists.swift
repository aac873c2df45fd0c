import Canvas
import PageTables

extension ListContent {
  /// How many of some spaces may be stale, as the end of a title; empty when none is.
  static func staleRemark(_ spaceNumbers: some Sequence<Int>, _ spaces: [TreeSpace]) -> String {
    let count = Set(spaceNumbers).filter { spaces[$0].found.isPossiblyStale }.count
    return count == 0 ? "" : ", \(count) of the spaces possibly stale"
  }

  /// Arrivals at a table that are listed at most.
  private static let arrivalLimit = 20_000

  private static func pids(
    _ spaces: [TreeSpace], of spaceNumber: @escaping @Sendable (Int) -> Int
  ) -> ListColumn {
    ListColumn("pid", .counts { UInt64(clamping: spaces[spaceNumber($0)].found.pid ?? .max) }) {
      spaces[spaceNumber($0)].pidText
    }
  }

  /// The spaces that reach a table, each with the address where.
  static func arrivals(
    at table: TableReference, in spaceNumber: Int, window: Int, _ index: SpaceIndex, _ spaces: [TreeSpace]
  ) -> ListContent {
    let rows = index.arrivals(at: table, in: spaceNumber, window: window, limit: arrivalLimit)
    let lines = ListSpaces(spaces)
    let sharing = index.sharing(of: table, in: spaceNumber, window: window)
    let count = sharing?.spaces ?? 0
    let paths = sharing?.paths ?? 0
    let level = spaces[spaceNumber].found.space.windows[window].scheme.levels[table.level].name
    let addresses =
      paths == UInt64(count)
      ? "" : paths == .max ? ", at too many addresses to count" : ", at \(paths) addresses"
    return ListContent(
      title:
        "who shares \(level) \(Numbers.hex(table.address)): \(count == 1 ? "1 space" : "\(count) spaces")"
        + addresses + staleRemark(rows.map(\.spaceNumber), spaces)
        + (paths > UInt64(rows.count) ? ", the first \(rows.count) listed" : ""),
      columns: [
        ListColumn(
          "space", .names(spaces.map(\.name)) { rows[$0].spaceNumber }, look: { .owner(rows[$0].spaceNumber) }
        ),
        pids(spaces) { rows[$0].spaceNumber },
        ListColumn("va", title: "virtual address", .addresses { rows[$0].virtual.value }) {
          lines.address(rows[$0].virtual, in: rows[$0].spaceNumber)
        },
      ],
      count: rows.count,
      target: {
        table.level == 0
          ? .space(rows[$0].spaceNumber)
          : .entry(space: rows[$0].spaceNumber, rows[$0].virtual, level: table.level - 1)
      },
      emptyText: "no space reaches it")
  }

  /// The spaces that map user memory of a space for their own user, too.
  static func sharers(_ rows: [Sharer], of spaceNumber: Int, _ spaces: [TreeSpace]) -> ListContent {
    let count = rows.count == 1 ? "1 space" : "\(rows.count) spaces"
    let atLeast: @Sendable (Int) -> String = { rows[$0].isAtLeast ? "over " : "" }
    return ListContent(
      title: "who shares memory with \(spaces[spaceNumber].label): \(count)"
        + staleRemark(rows.map(\.spaceNumber), spaces),
      columns: [
        ListColumn(
          "space", .names(spaces.map(\.name)) { rows[$0].spaceNumber }, look: { .owner(rows[$0].spaceNumber) }
        ),
        pids(spaces) { rows[$0].spaceNumber },
        ListColumn("shared", isRight: true, .sizes { rows[$0].bytes }) {
          atLeast($0) + ByteText.exact(rows[$0].bytes)
        },
        ListColumn("pages", isRight: true, .counts { UInt64(rows[$0].pages) }) {
          atLeast($0) + "\(rows[$0].pages)"
        },
      ],
      count: rows.count, target: { .space(rows[$0].spaceNumber) },
      emptyText: "no other space maps a page of its user memory")
  }
}
