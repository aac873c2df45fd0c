import Canvas
import PageTables

/// Who else maps a byte of memory: groups of aliases, of which some are opened to their members.
struct AliasPane: Sendable {
  /// A group, or a member of one.
  struct Row: Sendable {
    let group: Int
    let alias: Alias
    let isMember: Bool
  }

  let aliases: Aliases
  private(set) var rows: [Row]
  private var opened: Set<Int> = []

  /// Members of a group that are listed at most; the count says how many there are.
  static let memberLimit = 1000
  /// Members of all open groups that are listed at most.
  static let memberTotal = 20_000
  /// Groups that are listed at most.
  static let groupLimit = 100_000

  init(_ aliases: Aliases) {
    self.aliases = aliases
    rows = []
    rows = listed { _ in [] }
  }

  /// Opens a group, or closes it; answers the row of the group, nil where so many are open that it stays closed.
  mutating func toggle(_ row: Int, members: (AliasGroup, Int) -> [Alias]) -> Int? {
    guard rows.indices.contains(row) else { return row }
    let group = rows[row].group
    let memberRows = rows.filter(\.isMember)
    if opened.remove(group) == nil {
      guard memberRows.count + Self.memberLimit <= Self.memberTotal else { return nil }
      opened.insert(group)
    }
    let known = Dictionary(grouping: memberRows, by: \.group).mapValues { $0.map(\.alias) }
    let groups = aliases.groups
    rows = listed { known[$0] ?? members(groups[$0], Self.memberLimit) }
    return rows.firstIndex { $0.group == group && !$0.isMember } ?? 0
  }

  private func listed(members: (Int) -> [Alias]) -> [Row] {
    var rows: [Row] = []
    for (number, group) in aliases.groups.prefix(Self.groupLimit).enumerated() {
      rows.append(Row(group: number, alias: group.first, isMember: false))
      guard opened.contains(number) else { continue }
      rows += members(number).map { Row(group: number, alias: $0, isMember: true) }
    }
    return rows
  }

  func isOpen(_ row: Int) -> Bool { rows.indices.contains(row) && opened.contains(rows[row].group) }

  func isOpenable(_ row: Int) -> Bool {
    rows.indices.contains(row) && !rows[row].isMember && aliases.groups[rows[row].group].count > 1
  }

  func content(_ spaces: ListSpaces) -> ListContent {
    let rows = rows
    let groups = aliases.groups
    let kinds = AliasKind.allCases
    let listedGroups = min(groups.count, Self.groupLimit)
    let mappings = aliases.count == .max ? "countless mappings" : "\(aliases.count) mappings"
    let title =
      "who maps \(Numbers.hex(aliases.physical)): \(aliases.count == 1 ? "1 mapping" : mappings)"
      + (aliases.groupCount > 1 ? " in \(aliases.groupCount) groups" : "")
      + (aliases.groupCount > listedGroups ? ", the first \(listedGroups) listed" : "")
    return ListContent(
      title: title,
      columns: [
        ListColumn(
          "kind", .names(kinds.map(\.title)) { kinds.firstIndex(of: groups[rows[$0].group].kind) ?? 0 }
        ) {
          (rows[$0].isMember ? "  " : "") + groups[rows[$0].group].kind.title
        } look: {
          .role(rows[$0].isMember ? .dim : groups[rows[$0].group].kind.role)
        },
        ListColumn(
          "space", .names(spaces.labels) { rows[$0].alias.place }, look: { .owner(rows[$0].alias.place) }),
        ListColumn("va", title: "virtual address", .addresses { rows[$0].alias.virtual.value }) {
          spaces.address(rows[$0].alias.virtual, in: rows[$0].alias.place)
        },
        ListColumn(
          "size", isRight: true, .sizes { groups[rows[$0].group].pageSize }, look: { _ in .role(.dim) }),
        ListColumn("access", .texts { rows[$0].alias.access.letters }),
        ListColumn(
          "spaces", isRight: true,
          .counts { rows[$0].isMember ? .max : UInt64(groups[rows[$0].group].spaces) }),
        ListColumn(
          "mappings", isRight: true, .counts { rows[$0].isMember ? .max : groups[rows[$0].group].count }
        ) {
          let count = groups[rows[$0].group].count
          return rows[$0].isMember ? "" : count == .max ? "countless" : "\(count)"
        },
        ListColumn(
          "table", .addresses { groups[rows[$0].group].table.address.value }, look: { _ in .role(.dim) }),
      ],
      count: rows.count,
      target: { row in
        let (alias, group) = (rows[row].alias, groups[rows[row].group])
        return .entry(space: alias.place, alias.virtual, level: group.table.level)
      },
      emptyText: "nothing maps it")
  }
}

extension AliasKind {
  /// For people.
  var title: String {
    switch self {
    case .entry: "entry"
    case .sharedTable: "shared table"
    case .directMap: "direct map"
    case .mirror: "mirror"
    case .recursive: "recursive"
    }
  }

  var role: Role {
    switch self {
    case .entry: .text
    case .sharedTable: .shared
    case .directMap: .directMap
    case .mirror: .mirror
    case .recursive: .recursive
    }
  }
}
