import Canvas
import Guests
import PageTables

/// Who else maps a byte of memory: groups of aliases, of which some are opened to their members.
struct AliasPane: Sendable {
  /// A group, or what is shown below it: its members, and the groups that are folded into it.
  struct Row: Sendable {
    /// The group that it stands below, or is.
    let head: Int
    let group: Int
    let alias: Alias
    let isMember: Bool
  }

  let aliases: Aliases
  private(set) var rows: [Row]
  private var opened: Set<Int> = []
  private let folds: [AliasFold]
  /// Groups that are folded into others.
  private let folded: [Int: [Int]]

  /// Members of a group that are listed at most; the count says how many there are.
  static let memberLimit = 1000
  /// Members of all open groups that are listed at most.
  static let memberTotal = 20_000
  /// Rows that are asked for names before the column for them is left out.
  private static let namedRows = 64
  /// Groups that are listed at most.
  static let groupLimit = 100_000

  /// The groups that were open in a list of the same frame, and its selected row, whatever the numbers of spaces
  /// are by now.
  struct Memory: Sendable {
    fileprivate var opened: Set<Identity> = []
    fileprivate var selected: Identity?
  }

  /// Which row it is. A group is its entry; which space comes first in it may change.
  fileprivate struct Identity: Hashable, Sendable {
    let table: TableReference
    let virtual: VirtualAddress
    let kind: AliasKind
    /// Of a member.
    let space: SpaceID?
  }

  private let spaces: [SpaceID]
  private let staleRemark: String

  /// - Parameter staleRemark: how many of the spaces that map it may be stale, for the title.
  init(_ aliases: Aliases, spaces: [SpaceID], staleRemark: String) {
    self.aliases = aliases
    self.staleRemark = staleRemark
    self.spaces = spaces
    rows = []
    folds = AliasFold.all(of: aliases.groups.prefix(Self.groupLimit))
    folded = Dictionary(
      uniqueKeysWithValues: folds.filter { !$0.others.isEmpty }.map { ($0.head, $0.others) })
    rows = listed { _ in [] }
  }

  /// Opens a group, or closes it; answers the row of the group, nil where so many are open that it stays closed.
  mutating func toggle(_ row: Int, members: (AliasGroup, Int) -> [Alias]) -> Int? {
    guard rows.indices.contains(row) else { return row }
    let group = rows[row].head
    let memberRows = rows.filter(\.isMember)
    if opened.remove(group) == nil {
      guard memberRows.count + Self.memberLimit <= Self.memberTotal else { return nil }
      opened.insert(group)
    }
    let known = Dictionary(grouping: memberRows, by: \.head)
    let groups = aliases.groups
    rows = listed { head in
      if let rows = known[head] { return rows }
      let own = groups[head].count > 1 ? members(groups[head], Self.memberLimit) : []
      let others = folded[head, default: []].prefix(Self.memberLimit - own.count)
      return own.map { Row(head: head, group: head, alias: $0, isMember: true) }
        + others.map { Row(head: head, group: $0, alias: groups[$0].first, isMember: true) }
    }
    return rows.firstIndex { $0.head == group && !$0.isMember } ?? 0
  }

  private func identity(of row: Row) -> Identity {
    Identity(
      table: aliases.groups[row.group].table, virtual: row.alias.virtual,
      kind: aliases.groups[row.group].kind,
      space: row.isMember ? spaces[row.alias.spaceNumber] : nil)
  }

  /// What to remember of the list for one that is made anew.
  func memory(selected: Int?) -> Memory {
    Memory(
      opened: Set(rows.filter { !$0.isMember && opened.contains($0.head) }.map(identity)),
      selected: selected.flatMap { rows.indices.contains($0) ? identity(of: rows[$0]) : nil })
  }

  /// Opens what was open; gives the row that was selected, as far as it is there.
  mutating func restore(_ memory: Memory, members: (AliasGroup, Int) -> [Alias]) -> Int? {
    var row = 0
    while !memory.opened.isEmpty, row < rows.count {
      if isOpenable(row), memory.opened.contains(identity(of: rows[row])) {
        _ = toggle(row, members: members)
      }
      row += 1
    }
    return memory.selected.flatMap { wanted in rows.firstIndex { identity(of: $0) == wanted } }
  }

  private func listed(below: (Int) -> [Row]) -> [Row] {
    var rows: [Row] = []
    for fold in folds {
      let first = aliases.groups[fold.head].first
      rows.append(Row(head: fold.head, group: fold.head, alias: first, isMember: false))
      if opened.contains(fold.head) { rows += below(fold.head) }
    }
    return rows
  }

  func isOpen(_ row: Int) -> Bool { rows.indices.contains(row) && opened.contains(rows[row].head) }

  /// The row of a row's group.
  func headRow(of row: Int) -> Int? {
    guard rows.indices.contains(row) else { return nil }
    return rows[...row].lastIndex { !$0.isMember }
  }

  func isOpenable(_ row: Int) -> Bool {
    rows.indices.contains(row) && !rows[row].isMember
      && (aliases.groups[rows[row].group].count > 1 || folded[rows[row].group] != nil)
  }

  /// - Parameters:
  ///   - use: what the guest uses the frame for.
  ///   - isGivenBack: whether a group is left of what the kernel's image gave back.
  ///   - regionName: what the guest calls an address, in short.
  func content(
    _ spaces: ListSpaces, use: FrameUse?, isGivenBack: @escaping @Sendable (AliasGroup) -> Bool,
    regionName: @escaping @Sendable (Alias) -> String
  ) -> ListContent {
    let rows = rows
    let groups = aliases.groups
    let folded = folded
    let foldedCount = folded.values.reduce(0) { $0 + $1.count }
    let kinds = AliasKind.allCases
    let kindTitles = kinds.map(\.title) + [AliasKind.givenBackTitle]
    let kind = { @Sendable (row: Int) -> Int in
      let group = groups[rows[row].group]
      return isGivenBack(group) ? kinds.count : kinds.firstIndex(of: group.kind) ?? 0
    }
    let areNamed = rows.prefix(Self.namedRows).contains { !regionName($0.alias).isEmpty }
    let listedGroups = min(groups.count, Self.groupLimit)
    let mappings = aliases.count == .max ? "too many mappings to count" : "\(aliases.count) mappings"
    let title =
      "who maps \(Numbers.hex(aliases.physical)): \(aliases.count == 1 ? "1 mapping" : mappings)"
      + (aliases.groupCount - foldedCount > 1 ? " in \(aliases.groupCount - foldedCount) groups" : "")
      + (aliases.groupCount > listedGroups ? ", the first \(listedGroups) listed" : "")
      + staleRemark + (use.map { "   \($0.title)" } ?? "")
    return ListContent(
      title: title,
      columns: [
        ListColumn("kind", .names(kindTitles) { kind($0) }) {
          let (row, title) = (rows[$0], kindTitles[kind($0)])
          if row.isMember { return "  " + title }
          return title + (folded[row.group].map { ", \($0.count) more" } ?? "")
        } look: {
          let isBackground = rows[$0].isMember || kind($0) == kinds.count
          return .role(isBackground ? .dim : groups[rows[$0].group].kind.role)
        },
        ListColumn(
          "space", .names(spaces.labels) { rows[$0].alias.spaceNumber },
          look: { .owner(rows[$0].alias.spaceNumber) }),
        ListColumn("va", title: "virtual address", .addresses { rows[$0].alias.virtual.value }) {
          spaces.address(rows[$0].alias.virtual, in: rows[$0].alias.spaceNumber)
        },
        ListColumn(
          "size", isRight: true, .sizes { groups[rows[$0].group].pageSize }, look: { _ in .role(.dim) }),
        ListColumn(
          "access",
          .texts { row in
            let alias = rows[row].alias
            return spaces.letters(alias.rights, at: alias.virtual, in: alias.spaceNumber)
          }),
        ListColumn("region", .texts { regionName(rows[$0].alias) }, look: { _ in .role(.dim) }),
        ListColumn(
          "spaces", isRight: true,
          .counts { rows[$0].isMember ? .max : UInt64(groups[rows[$0].group].spaces) }),
        ListColumn(
          "mappings", isRight: true, .counts { rows[$0].isMember ? .max : groups[rows[$0].group].count }
        ) {
          let count = groups[rows[$0].group].count
          return rows[$0].isMember ? "" : count == .max ? "too many" : "\(count)"
        },
        ListColumn(
          "table", .addresses { groups[rows[$0].group].table.address.value }, look: { _ in .role(.dim) }),
      ].filter { areNamed || $0.name != "region" },
      count: rows.count,
      target: { row in
        let (alias, group) = (rows[row].alias, groups[rows[row].group])
        return .entry(space: alias.spaceNumber, alias.virtual, level: group.table.level)
      },
      emptyText: "nothing maps it")
  }
}

extension AliasKind {
  static let givenBackTitle = "given back"

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

  /// The same in one word.
  var shortTitle: String {
    switch self {
    case .entry: "also at"
    case .sharedTable: "shared"
    case .directMap: "direct"
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
