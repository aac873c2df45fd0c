import Canvas
import PageTables

extension Explorer {
  /// Puts the selection on the jump list.
  mutating func remember() {
    if let row = selectedRow { jumps.push(tree.id(of: row)) }
  }

  /// Leaves whatever covers the tree.
  private mutating func showTree() {
    place = .tree
    page = nil
  }

  /// Goes to a row, opening what is closed above it.
  mutating func go(to id: RowID) {
    showTree()
    guard let space = tree.spaces.firstIndex(where: { $0.id == id.space }) else {
      status = .warning("that space is not listed any more")
      return
    }
    reveal(space: space, virtual: id.virtual, level: id.level, asFold: id.kind == .fold)
  }

  /// Shows a row in the middle of the screen; a filter that hides it is taken off.
  private mutating func reveal(space: Int, virtual: VirtualAddress, level: Int, asFold: Bool = false) {
    var found = tree.reveal(space: space, virtual: virtual, level: level, asFold: asFold)
    if found?.isExact != true, !tree.filter.isEmpty {
      tree.setFilter(TreeFilter(""))
      found = tree.reveal(space: space, virtual: virtual, level: level, asFold: asFold)
    }
    guard let found else { return }
    selection = found.index
    detailTop = 0
    let visible = layout.tree.height
    if selection < top || selection >= top + visible { top = max(0, selection - visible / 2) }
  }

  /// Where `g` goes: a virtual address, `p:` and a physical one, or a distance from the selection.
  mutating func goto(_ text: String) -> [ExplorerWork] {
    guard let row = selectedRow else { return [] }
    let words = text.split(separator: " ").map(String.init)
    let joined = words.joined()
    if let physical = physicalText(joined) {
      guard let address = AddressText.parse(physical) else {
        status = .error("'\(physical)' is no address")
        return []
      }
      finds += 1
      awaitedFind = (finds, tree.spaces[Int(row.space)].id)
      let space = tree.spaces[Int(row.space)].found.space
      status = .note("looking for \(Numbers.hex(address)) in \(tree.spaces[Int(row.space)].label)")
      return [.findPhysical(request: finds, space: space, PhysicalAddress(address))]
    }
    guard let target = virtualTarget(joined, from: row) else {
      status = .error("'\(text)' is no address: hex digits, p:HEX, +HEX or -HEX")
      return []
    }
    let scheme = tree.spaces[Int(row.space)].scheme
    guard scheme.isCanonical(target) else {
      let nearest = scheme.nearestCanonical(to: target)
      status = .error(
        scheme.isSignExtended
          ? "not canonical; Tab takes the nearest: \(Numbers.grouped(nearest, in: scheme))"
          : "too large for \(scheme.title); Tab takes \(Numbers.grouped(nearest, in: scheme))")
      return []
    }
    remember()
    go(to: target, inSpace: Int(row.space))
    return []
  }

  private func physicalText(_ text: String) -> String? {
    for prefix in ["p:", "pa:", "pa=", "P:", "PA:"] where text.hasPrefix(prefix) {
      return String(text.dropFirst(prefix.count))
    }
    return nil
  }

  private func virtualTarget(_ text: String, from row: TreeRow) -> VirtualAddress? {
    if text.hasPrefix("+"), let distance = AddressText.parse(text.dropFirst()) {
      return row.virtual.advanced(by: distance)
    }
    if text.hasPrefix("-"), let distance = AddressText.parse(text.dropFirst()) {
      return VirtualAddress(row.virtual.value &- distance)
    }
    return AddressText.parse(text).map(VirtualAddress.init)
  }

  /// What Tab puts in place of an address that is none of the processor's.
  func gotoSuggestion(_ text: String) -> String? {
    guard let row = selectedRow, let target = virtualTarget(text, from: row) else { return nil }
    let scheme = tree.spaces[Int(row.space)].scheme
    return scheme.isCanonical(target) ? nil : Numbers.grouped(scheme.nearestCanonical(to: target), in: scheme)
  }

  /// Goes to the entry that maps an address, or to the one at which its walk stops, and says which.
  mutating func go(to address: VirtualAddress, inSpace index: Int) {
    let space = tree.spaces[index].found.space
    let translation = space.translate(address, in: memory)
    showTree()
    guard let last = translation.steps.last else {
      reveal(space: index, virtual: VirtualAddress(0), level: -1)
      status = .warning("the root is not in the dump")
      return
    }
    reveal(space: index, virtual: address, level: last.level)
    let name = Numbers.grouped(address, in: space.scheme)
    switch translation.outcome {
    case .mapped(let page):
      let missing = page.isInDump ? "" : ", which is not in the dump"
      status = .note("\(name) is at \(Numbers.hex(page.physical))\(missing)")
    case .fault(let fault):
      let level = space.scheme.levels[last.level].name
      status = .warning("\(name) stops at \(level)[\(last.slot)]: \(fault.explanation)")
    }
  }

  /// Selects the next row that the query is found in, going round at the end.
  mutating func find(forward: Bool) {
    if place == .text, var current = page {
      if current.find(query, forward: forward, height: layout.list.height) {
        page = current
      } else {
        status = .warning("'\(query)' is not on this page")
      }
      return
    }
    let needle = SearchNeedle(query)
    if place == .spaces {
      let order = spacesList.order
      let match = SearchNeedle.next(in: order.count, from: spacesList.selection, forward: forward) {
        needle.matches(tree.spaces[order[$0]])
      }
      if let match {
        spacesList.selection = match
      } else {
        status = .warning("'\(query)' is not in the list")
      }
      return
    }
    let match = SearchNeedle.next(in: tree.rows.count, from: selection, forward: forward) { index in
      let row = tree.rows[index]
      return needle.matches(row, in: tree.spaces[Int(row.space)])
    }
    guard let match else {
      status = .warning("'\(query)' is in no row that is open")
      return
    }
    remember()
    place = .tree
    selection = match
    detailTop = 0
  }
}

extension TranslationFault {
  /// For people, in a few words.
  var explanation: String {
    switch self {
    case .nonCanonical: "not canonical"
    case .absent: "absent"
    case .marked(let mark): "not present, marked" + (mark.map { " (\($0.name))" } ?? "")
    case .malformed: "malformed"
    case .tableMissing(_, .notInDump): "the table it points at is not in the dump"
    case .tableMissing(_, .outsidePhysicalMemory): "the table it points at lies outside physical memory"
    }
  }
}
