import Canvas
import PageTables

/// How a change is marked: by a sign, so that no color is needed.
enum ChangeSign: Sendable {
  case added, removed, changed

  /// Nil where nothing changed.
  init?(_ kinds: ChangeKinds) {
    switch kinds {
    case []: return nil
    case .added: self = .added
    case .removed: self = .removed
    default: self = .changed
    }
  }

  var text: String {
    switch self {
    case .added: "+"
    case .removed: "-"
    case .changed: "*"
    }
  }

  var role: Role {
    switch self {
    case .added: .added
    case .removed: .removed
    case .changed: .changed
    }
  }
}

extension Explorer {
  /// What changed in what a row of the tree stands for, since the moment that is compared with.
  func changeSign(of row: TreeRow) -> ChangeSign? {
    guard let changes = live.changes, row.kind != .note else { return nil }
    let number = Int(row.space)
    let space = tree.spaces[number]
    guard row.kind != .space else {
      if changes.isNew(number) { return .added }
      // The kernel's half changes all the time, and in all of them.
      let windows = space.found.space.windows
      let start = kernelStart(of: windows[windows.count - 1].scheme)
      let last = space.found.isKernelsOwn ? VirtualAddress(.max) : VirtualAddress(start.value &- 1)
      return ChangeSign(changes.kinds(ofSpace: number, from: VirtualAddress(0), through: last))
    }
    let length =
      space.scheme(at: row.virtual).levels[Int(row.level)].span &* UInt64(clamping: max(1, row.count))
    let last = row.virtual.advanced(by: length &- 1)
    return ChangeSign(changes.kinds(ofSpace: number, from: row.virtual, through: last))
  }

  private func kernelStart(of scheme: PagingScheme) -> VirtualAddress {
    index?.kernelStart(of: scheme) ?? scheme.usualKernelStart
  }
}
