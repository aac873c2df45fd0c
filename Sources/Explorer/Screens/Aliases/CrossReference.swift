import Canvas
import PageTables

/// What `x` was asked about; survives a new order of the spaces.
enum CrossReference: Hashable, Sendable {
  /// Who maps a byte of memory.
  case frame(PhysicalAddress)
  /// Who reaches a table, as a space reads it.
  case table(TableReference, SpaceID)
  /// Who has user memory in common with a space.
  case space(SpaceID)
}

extension Explorer {
  /// What `x` is about: a space, a table that a space reaches, or else the frame of what is selected.
  var crossReference: CrossReference? {
    switch place {
    case .tree, .detail:
      guard let row = selectedRow else { break }
      let space = tree.spaces[Int(row.space)].id
      if row.kind == .space { return .space(space) }
      guard row.isEntry, row.entryKind == .table else { break }
      let table = TableReference(address: row.address, level: Int(row.level) + 1)
      if let found = reached(table, in: Int(row.space)) { return found }
    case .spaces:
      if let row = list?.selectedRow, tree.spaces.indices.contains(row) { return .space(tree.spaces[row].id) }
    case .shared:
      guard let index, let row = list?.selectedRow, index.references.indices.contains(row) else { break }
      let reference = index.references[row]
      if let found = reached(reference.mapping.table, in: reference.place) { return found }
    case .matrix:
      guard tree.spaces.indices.contains(matrix.row), let address = frameTarget.address else { break }
      if let found = reached(TableReference(address: address, level: 1), in: matrix.row) { return found }
    default: break
    }
    return frameTarget.address.map { .frame($0) }
  }

  /// A table, if the index knows it as one: what is not in the dump is a frame only.
  private func reached(_ table: TableReference, in place: Int) -> CrossReference? {
    index?.spaces.sharing(of: table, in: place) == nil ? nil : .table(table, tree.spaces[place].id)
  }

  /// The address of what the list is about, for its frame.
  var crossAddress: PhysicalAddress? {
    switch crossing {
    case .frame(let address): address
    case .table(let table, _): table.address
    case .space(let id): id.root
    case nil: nil
    }
  }

  /// Answers `x` by what is known now; gives the row that was selected before, where the answer was there.
  @discardableResult
  mutating func findCrossReferences() -> Int? {
    if let pane = aliasPane {
      aliasMemory = (pane.aliases.physical, pane.memory(selected: list(.aliases).selectedRow))
    }
    aliasPane = nil
    crossed = nil
    guard let index, let crossing else { return nil }
    let spaces = ListSpaces(tree.spaces)
    var selected: Int?
    func place(of id: SpaceID) -> Int? { tree.spaces.firstIndex { $0.id == id } }
    switch crossing {
    case .frame(let address):
      let aliases = index.spaces.aliases(of: address, in: memory)
      let remark = ListContent.staleRemark(stalePlaces(of: aliases, index.spaces), tree.spaces)
      var pane = AliasPane(aliases, spaces: tree.spaces.map(\.id), staleRemark: remark)
      if let known = aliasMemory, known.frame == address {
        selected = pane.restore(known.rows) { group, limit in
          index.spaces.members(of: group, mapping: address, limit: limit)
        }
      }
      aliasPane = pane
      crossed = pane.content(spaces, use: guest.knowledge?.guest.frameUse(of: address))
    case .table(let table, let id):
      guard let place = place(of: id) else { return nil }
      crossed = .arrivals(at: table, in: place, index.spaces, tree.spaces)
    case .space(let id):
      guard let place = place(of: id) else { return nil }
      let search = SharerSearch(place: place, index.spaces, memory)
      if let found = sharing.sharers(of: id, { search }) {
        crossed = .sharers(found, of: place, tree.spaces)
      } else {
        crossed = .awaited(
          "who shares memory with \(tree.spaces[place].label)",
          "all spaces are compared; this fills in by itself")
      }
    }
    return selected
  }
}

extension Explorer {
  /// The places of possibly stale spaces that map a byte, as far as so many mappings tell.
  private func stalePlaces(of aliases: Aliases, _ index: SpaceIndex) -> Set<Int> {
    let stale = Set(tree.spaces.indices.filter { tree.spaces[$0].found.isPossiblyStale })
    var found: Set<Int> = []
    var rest = AliasPane.memberTotal
    for group in aliases.groups where rest > 0 && found.count < stale.count {
      let members =
        group.count > 1
        ? index.members(of: group, mapping: aliases.physical, limit: rest) : [group.first]
      found.formUnion(members.map(\.place).filter(stale.contains))
      rest -= max(1, members.count)
    }
    return found
  }
}

extension ListContent {
  /// How many of some spaces may be stale, as the end of a title; empty when none is.
  static func staleRemark(_ places: some Sequence<Int>, _ spaces: [TreeSpace]) -> String {
    let count = Set(places).filter { spaces[$0].found.isPossiblyStale }.count
    return count == 0 ? "" : ", \(count) of the spaces possibly stale"
  }

  /// Arrivals at a table that are listed at most.
  private static let arrivalLimit = 20_000

  private static func pids(
    _ spaces: [TreeSpace], of place: @escaping @Sendable (Int) -> Int
  ) -> ListColumn {
    ListColumn("pid", .counts { UInt64(clamping: spaces[place($0)].found.pid ?? .max) }) {
      spaces[place($0)].pidText
    }
  }

  /// The spaces that reach a table, each with the address where.
  static func arrivals(
    at table: TableReference, in place: Int, _ index: SpaceIndex, _ spaces: [TreeSpace]
  ) -> ListContent {
    let rows = index.arrivals(at: table, in: place, limit: arrivalLimit)
    let lines = ListSpaces(spaces)
    let sharing = index.sharing(of: table, in: place)
    let count = sharing?.spaces ?? 0
    let paths = sharing?.paths ?? 0
    let level = spaces[place].scheme.levels[table.level].name
    let addresses =
      paths == UInt64(count) ? "" : paths == .max ? ", at countless addresses" : ", at \(paths) addresses"
    return ListContent(
      title:
        "who shares \(level) \(Numbers.hex(table.address)): \(count == 1 ? "1 space" : "\(count) spaces")"
        + addresses + staleRemark(rows.map(\.place), spaces)
        + (paths > UInt64(rows.count) ? ", the first \(rows.count) listed" : ""),
      columns: [
        ListColumn("space", .names(spaces.map(\.name)) { rows[$0].place }, look: { .owner(rows[$0].place) }),
        pids(spaces) { rows[$0].place },
        ListColumn("va", title: "virtual address", .addresses { rows[$0].virtual.value }) {
          lines.address(rows[$0].virtual, in: rows[$0].place)
        },
      ],
      count: rows.count,
      target: {
        table.level == 0
          ? .space(rows[$0].place)
          : .entry(space: rows[$0].place, rows[$0].virtual, level: table.level - 1)
      },
      emptyText: "no space reaches it")
  }

  /// The spaces that map user memory of a space for their own user, too.
  static func sharers(_ rows: [Sharer], of place: Int, _ spaces: [TreeSpace]) -> ListContent {
    let count = rows.count == 1 ? "1 space" : "\(rows.count) spaces"
    let atLeast: @Sendable (Int) -> String = { rows[$0].isAtLeast ? "over " : "" }
    return ListContent(
      title: "who shares memory with \(spaces[place].label): \(count)"
        + staleRemark(rows.map(\.place), spaces),
      columns: [
        ListColumn("space", .names(spaces.map(\.name)) { rows[$0].place }, look: { .owner(rows[$0].place) }),
        pids(spaces) { rows[$0].place },
        ListColumn("shared", isRight: true, .sizes { rows[$0].bytes }) {
          atLeast($0) + Numbers.size(rows[$0].bytes)
        },
        ListColumn("pages", isRight: true, .counts { UInt64(rows[$0].pages) }) {
          atLeast($0) + "\(rows[$0].pages)"
        },
      ],
      count: rows.count, target: { .space(rows[$0].place) },
      emptyText: "no other space maps a page of its user memory")
  }
}
