extension Command {
  static let parent = Command(
    "parent", "the parent row", label: "parent", in: .move, .named,
    obstacle: { explorer in
      explorer.selectedRow.map { $0.indent > 0 } == true ? nil : "a space has no parent row"
    },
    does: { explorer in
      if let parent = explorer.tree.parent(of: explorer.selection) { explorer.selection = parent }
    })

  static let close = Command(
    "close", "close; from a closed row, up to its table", label: "close", in: .open, .named,
    obstacle: { explorer in
      explorer.selectedRow.map { $0.isOpen || $0.indent > 0 } == true ? nil : "nothing is open here"
    },
    does: { $0.closeRow() })

  static let closeAll = Command(
    "close-all", "close this row and everything below", label: "close all", in: .open, .named
  ) { explorer in
    explorer.tree.closeAll(at: explorer.selection)
  }

  static let closeEverything = Command(
    "close-everything", "close all spaces", label: "close everything", in: .open, .named
  ) { explorer in
    let space = explorer.selectedRow?.space ?? 0
    explorer.tree.closeEverything()
    explorer.selection = explorer.tree.rows.firstIndex { $0.space == space } ?? 0
  }

  static let absent = Command("absent", "show or hide absent entries", label: "absent", in: .open, .named) {
    explorer in
    explorer.keepingSelection { $0.setShowsAbsent(!$0.showsAbsent) }
    explorer.status = .note(
      explorer.tree.showsAbsent ? "absent entries are shown" : "absent entries are hidden")
  }

  static let copy = Command(
    "copy", "copy an address, the entry or the walk", label: "copy",
    in: .keeping, .named,
    .choice(CopyKind.allCases.map(\.rawValue)), obstacle: \.noRowObstacle
  ) { explorer, kind in
    explorer.copy(CopyKind(rawValue: kind) ?? .virtual)
  }
}

/// What `copy` takes out.
enum CopyKind: String, CaseIterable, Hashable, Sendable {
  case virtual = "va"
  case physical = "pa"
  case entry
  case walk
  case json
  case command
}

extension Explorer {
  /// Why nothing can be done with the selected row: there is none.
  var noRowObstacle: String? { selectedRow == nil ? "there is no space" : nil }

  fileprivate mutating func copy(_ kind: CopyKind) -> [ExplorerWork] {
    guard let row = selectedRow else { return [] }
    let space = tree.spaces[Int(row.space)]
    let text: String
    switch kind {
    case .virtual: text = Numbers.hex(virtualAddress(of: row).value)
    case .physical:
      guard row.hasAddress else {
        status = .warning("this entry points at nothing")
        return [.bell]
      }
      text = Numbers.hex(physicalAddress(of: row))
    case .entry:
      guard row.isEntry else {
        status = .warning(
          row.kind == .space ? "a space has no entry; y p copies its root" : "this row is not an entry")
        return [.bell]
      }
      text = Numbers.raw(
        row.raw, entrySize: space.scheme(at: row.virtual).levels[Int(row.level)].format.entrySize)
    case .walk: return copyWalk(of: row, in: space, as: .text)
    case .json: return copyWalk(of: row, in: space, as: .json)
    case .command: return copyWalk(of: row, in: space, as: .command)
    }
    status = .note("sent to the terminal's clipboard: " + text)
    return [.copy(text)]
  }

  private mutating func copyWalk(
    of row: TreeRow, in space: TreeSpace, as form: WalkCopy.Form
  ) -> [ExplorerWork] {
    let what =
      switch form {
      case .text: "the walk"
      case .json: "the walk as JSON"
      case .command: "the command that walks there"
      }
    status = .note("sent to the terminal's clipboard: " + what)
    let names = guest.canName(space) ? guest.names : nil
    let pid = space.found.pid.flatMap { pid in
      tree.spaces.count { $0.found.pid == pid || $0.name == "\(pid)" } == 1 ? "\(pid)" : nil
    }
    return [
      .copyWalk(
        WalkCopy(
          found: space.found, address: virtualAddress(of: row), names: names, form: form,
          sourceName: sourceName, spaceName: pid ?? Numbers.hex(space.root)))
    ]
  }
}
