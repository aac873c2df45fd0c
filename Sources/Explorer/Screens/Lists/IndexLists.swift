import Canvas
import PageTables

/// What the lists need of a space: its label, and how its addresses are written.
struct ListSpaces: Sendable {
  let labels: [String]
  let schemes: [PagingScheme]

  init(_ spaces: [TreeSpace]) {
    labels = spaces.map(\.label)
    schemes = spaces.map(\.scheme)
  }

  func address(_ virtual: VirtualAddress, in place: Int) -> String {
    Numbers.grouped(virtual, in: schemes[place])
  }
}

extension Access {
  /// `rw-u`: a dash for what is not allowed.
  var letters: String {
    "r" + (contains(.write) ? "w" : "-") + (contains(.execute) ? "x" : "-") + (contains(.user) ? "u" : "-")
  }
}

extension ListContent {
  /// Every place in one space whose sub-tree belongs to another space's table.
  static func shared(_ index: ExplorerIndex, _ spaces: ListSpaces) -> ListContent {
    let rows = index.references
    let sharing = index.spaces
    return ListContent(
      title: index.hasAllReferences ? "shared sub-tables" : "the first shared sub-tables of too many",
      columns: [
        ListColumn("space", .names(spaces.labels) { rows[$0].place }, look: { .owner(rows[$0].place) }),
        ListColumn("va", title: "virtual address", .addresses { rows[$0].mapping.ourVA.value }) {
          spaces.address(rows[$0].mapping.ourVA, in: rows[$0].place)
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].mapping.length }) {
          rows[$0].mapping.length == 0 ? "all" : Numbers.size(rows[$0].mapping.length)
        },
        ListColumn(
          "level", .texts { spaces.schemes[rows[$0].place].levels[rows[$0].mapping.table.level].name }),
        ListColumn(
          "owner", .names(spaces.labels) { rows[$0].mapping.owner }, look: { .owner(rows[$0].mapping.owner) }),
        ListColumn(
          "spaces", isRight: true,
          .counts {
            UInt64(sharing.sharing(of: rows[$0].mapping.table, in: rows[$0].place)?.spaces ?? 0)
          }),
        ListColumn(
          "table", .addresses { rows[$0].mapping.table.address.value }, look: { _ in .role(.address) }),
        ListColumn("their-va", title: "theirs", .addresses { rows[$0].mapping.theirVA.value }) {
          rows[$0].mapping.theirVA == rows[$0].mapping.ourVA
            ? "same" : spaces.address(rows[$0].mapping.theirVA, in: rows[$0].mapping.owner)
        } look: {
          .role(rows[$0].mapping.theirVA == rows[$0].mapping.ourVA ? .dim : .text)
        },
      ],
      count: rows.count,
      target: { row in
        let reference = rows[row]
        if reference.mapping.depth == 0 { return .space(reference.place) }
        return .entry(
          space: reference.place, reference.mapping.ourVA, level: reference.mapping.depth - 1)
      },
      emptyText: "no space reaches a table of another one")
  }

  /// Kernel mappings of frames that user space maps, too.
  static func mirrors(_ index: ExplorerIndex, _ spaces: ListSpaces) -> ListContent {
    let rows = index.mirrors
    return ListContent(
      title: index.hasAllMirrors ? "mirrors" : "the first mirrors of too many",
      columns: [
        ListColumn("kernel", title: "kernel address", .addresses { rows[$0].kernelVA.value }) {
          spaces.address(rows[$0].kernelVA, in: rows[$0].kernelPlace)
        } look: { _ in
          .role(.mirror)
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].length }),
        ListColumn("space", .names(spaces.labels) { rows[$0].place }, look: { .owner(rows[$0].place) }),
        ListColumn("user", title: "user address", .addresses { rows[$0].userVA.value }) {
          spaces.address(rows[$0].userVA, in: rows[$0].place)
        },
        ListColumn("users", isRight: true, .counts { rows[$0].userMappings }),
        ListColumn("frame", .addresses { rows[$0].physical.value }, look: { _ in .role(.address) }),
      ],
      count: rows.count,
      target: { .address(space: rows[$0].kernelPlace, rows[$0].kernelVA) },
      emptyText: "no kernel mapping outside the direct map shares a frame with user space")
  }

  /// What a person should look at.
  static func findings(_ index: ExplorerIndex, _ spaces: ListSpaces) -> ListContent {
    let rows = index.findings
    let kinds = Finding.Kind.allCases
    return ListContent(
      title: index.hasAllFindings ? "findings" : "the first findings of too many",
      columns: [
        ListColumn(
          "kind", .names(kinds.map(\.rawValue)) { kinds.firstIndex(of: rows[$0].kind) ?? 0 },
          look: { _ in .role(.warning) }),
        ListColumn("space", .names(spaces.labels) { rows[$0].place }, look: { .owner(rows[$0].place) }),
        ListColumn("va", title: "virtual address", .addresses { rows[$0].virtual.value }) {
          spaces.address(rows[$0].virtual, in: rows[$0].place)
        },
        ListColumn("length", isRight: true, .sizes { rows[$0].length }),
        ListColumn("access", .texts { rows[$0].access.letters }),
        ListColumn("spaces", isRight: true, .counts { UInt64(rows[$0].spaces) }),
        ListColumn("entry", .addresses { rows[$0].raw }, look: { _ in .role(.dim) }),
      ],
      count: rows.count,
      target: { .entry(space: rows[$0].place, rows[$0].virtual, level: rows[$0].table.level) },
      emptyText: (["the checks found nothing"]
        + index.schemesWithoutNoExecute.map {
          "\($0.title) cannot forbid execution, so that is not looked at"
        })
        .joined(separator: "; "))
  }

  /// What stands in a list until its content is known.
  static func awaited(_ title: String, _ text: String) -> ListContent {
    ListContent(title: title, columns: [], count: 0, target: { _ in nil }, emptyText: text)
  }
}
