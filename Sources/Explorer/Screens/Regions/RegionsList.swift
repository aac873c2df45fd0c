import Canvas
import Guests
import PageTables

extension Explorer {
  /// The place of the space whose regions are listed.
  var regionsPlace: Int? { regionsSpace.flatMap { id in tree.spaces.firstIndex { $0.id == id } } }

  /// Lists the regions of the selected space, from the one that the selection lies in.
  mutating func openRegions() {
    guard let place = askedSpace else { return }
    let space = tree.spaces[place]
    if regionsSpace != space.id || lists[.regions] == nil {
      regionsSpace = space.id
      lists[.regions] = RowList(regionsContent)
    }
    if let address = askedAddress, let names = guest[space.id],
      let region = names.addresses.region(at: address),
      let row = names.counted.firstIndex(where: { $0.region == region })
    {
      lists[.regions]?.select(row: row)
    }
    enter(.regions)
  }

  /// The space that a list of regions is asked for: the selected one, or the one that the map shows.
  var askedSpace: Int? {
    switch place {
    case .spaces: list?.selectedRow
    case .map: mapPlace
    default: selectedRow.map { Int($0.space) }
    }
  }

  private var askedAddress: VirtualAddress? {
    switch place {
    case .tree, .detail: selectedRow.flatMap { $0.isEntry ? virtualAddress(of: $0) : nil }
    case .map: map.map { $0.address($0.cursor) }
    default: nil
    }
  }

  /// Shows the regions as they are known now.
  mutating func fillRegions() {
    let (content, selected) = (regionsContent, lists[.regions]?.selectedRow)
    lists[.regions]?.replace(content, selecting: selected)
  }

  private var regionsContent: ListContent {
    guard let place = regionsPlace else { return .awaited("regions", "that space is not listed any more") }
    let space = tree.spaces[place]
    let title = "regions of \(space.label)"
    guard guest.canName(space) else {
      return .awaited(title, "nothing is known of this space")
    }
    guard let names = guest[space.id] else {
      return .awaited(title, "the regions are being read; this fills in by itself")
    }
    return .regions(names, of: place, space, called: title)
  }
}

extension ListContent {
  /// The regions of a space, and what it maps outside of them: a row is a place among the counted ones.
  static func regions(
    _ names: SpaceNames, of place: Int, _ space: TreeSpace, called name: String
  ) -> ListContent {
    let rows = names.counted
    let scheme = space.scheme
    // What was too much to count is not known.
    func bytes(
      _ name: String, _ role: Role, blank: String, _ value: @escaping @Sendable (CountedRegion) -> UInt64
    ) -> ListColumn {
      ListColumn(name, isRight: true, .sizes { rows[$0].contents.isComplete ? value(rows[$0]) : .max }) {
        row in
        guard rows[row].contents.isComplete else { return "?" }
        return value(rows[row]) == 0 ? blank : Numbers.rounded(value(rows[row]))
      } look: { _ in
        .role(role)
      }
    }
    let title: @Sendable (Int) -> String = { CellText.visible(rows[$0].region?.title ?? "in no region") }
    // What no region has gets no column: the names need the room.
    var kept: [ListColumn] = []
    if rows.contains(where: { $0.contents.swapped > 0 }) {
      kept.append(bytes("swapped", .marked, blank: "") { $0.contents.swapped })
    }
    if rows.contains(where: { $0.contents.marked > 0 }) {
      kept.append(bytes("marked", .marked, blank: "") { $0.contents.marked })
    }
    return ListContent(
      title: name,
      columns: [
        ListColumn("va", title: "virtual address", .addresses { rows[$0].first.value }) {
          Numbers.grouped(rows[$0].first, in: scheme)
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].length }) { Numbers.rounded(rows[$0].length) },
        ListColumn("perm", .texts { rows[$0].region?.permissions ?? "" }),
        bytes("present", .text, blank: "-") { $0.contents.present },
        bytes("absent", .dim, blank: "-") { $0.contents.absent(of: $0.length) },
      ] + kept + [
        ListColumn("name", .texts(title)) {
          title($0)
        } look: {
          .role(rows[$0].region == nil ? .dim : rows[$0].region?.kind == .user ? .permissionUser : .text)
        }
      ],
      count: rows.count,
      target: { .address(space: place, rows[$0].first) },
      emptyText: "no region is known")
  }
}
