import Canvas
import Guests
import PageTables

extension ListContent {
  /// The regions of a space, and what it maps outside of them: a row counts them.
  static func regions(
    _ names: SpaceNames, of spaceNumber: Int, _ space: TreeSpace, called name: String
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
        return value(rows[row]) == 0 ? blank : ByteText.rounded(value(rows[row]))
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
    let own = rows.count { $0.region?.kind == .user }
    let kernels = rows.count { $0.region.map { $0.kind != .user } ?? false }
    let counts = [
      kernels == 0 ? "\(own)" : own == 0 ? nil : "\(own) of its own",
      kernels == 0 ? nil : "\(kernels) of the kernel",
      rows.count > own + kernels ? "\(rows.count - own - kernels) outside of them" : nil,
    ]
    return ListContent(
      title: name + "   " + counts.compactMap(\.self).joined(separator: ", "),
      columns: [
        ListColumn("va", title: "virtual address", .addresses { rows[$0].first.value }) {
          Numbers.grouped(rows[$0].first, in: scheme)
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].length }) { ByteText.rounded(rows[$0].length) },
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
      target: { .address(space: spaceNumber, rows[$0].first) },
      emptyText: "no region is known")
  }
}
