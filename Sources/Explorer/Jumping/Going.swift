import Canvas
import PageTables

extension Explorer {
  /// Puts the selection on the jump list.
  mutating func remember() {
    if let row = selectedRow { jumps.push(tree.id(of: row)) }
  }

  /// Leaves whatever covers the tree.
  private mutating func showTree() {
    screenID = .tree
    page = nil
    trail = []
  }

  /// Goes to a row, opening what is closed above it.
  mutating func go(to id: RowID, opening opens: Bool = false) {
    showTree()
    guard let space = tree.spaces.firstIndex(where: { $0.id == id.space }) else {
      status = .warning("that space is not listed any more")
      return
    }
    reveal(
      SlicedWork.TreeGoal(
        space: space, virtual: id.virtual, level: id.level, kind: id.kind, opens: opens))
    if opens, slices.goal == nil { tree.open(at: selection) }
  }

  /// Goes where a row of a list, or a cell of a picture, leads.
  mutating func go(to target: ListTarget) {
    remember()
    switch target {
    case .space(let spaceNumber):
      guard tree.spaces.indices.contains(spaceNumber) else { return }
      go(
        to: RowID(space: tree.spaces[spaceNumber].id, kind: .space, level: -1, virtual: VirtualAddress(0)),
        opening: true)
    case .address(let spaceNumber, let address):
      guard tree.spaces.indices.contains(spaceNumber) else { return }
      go(to: address, inSpace: spaceNumber)
    case .entry(let spaceNumber, let address, let level):
      guard tree.spaces.indices.contains(spaceNumber) else { return }
      go(to: RowID(space: tree.spaces[spaceNumber].id, kind: .entry, level: level, virtual: address))
    }
  }

  /// Shows a row in the middle of the screen; a filter that hides it is taken off. While the tree is being built,
  /// the row is awaited.
  mutating func reveal(_ goal: SlicedWork.TreeGoal) {
    func find(_ tree: inout TreeList) -> (index: Int, isExact: Bool)? {
      tree.reveal(space: goal.space, virtual: goal.virtual, level: goal.level, kind: goal.kind)
    }
    slices.awaited = nil
    if tree.isBuilding {
      slices.goal = goal
      return
    }
    var found = find(&tree)
    if found?.isExact != true, !tree.isBuilding, !tree.filter.isEmpty {
      tree.setFilter(TreeFilter(""))
      if !tree.isBuilding { found = find(&tree) }
    }
    slices.goal = found?.isExact != true && tree.isBuilding ? goal : nil
    guard let found else { return }
    selection = found.index
    landing = Landing(row: tree.id(of: tree.rows[selection]), virtual: goal.virtual)
    detailTop = 0
    let visible = layout.tree.height
    if selection < top || selection >= top + visible { top = max(0, selection - visible / 2) }
  }

  /// Where `g` goes: a virtual address, `p:` and a physical one, a distance from the selection, a symbol or a region.
  mutating func goto(_ text: String) -> [ExplorerWork] {
    guard let row = selectedRow else { return [] }
    let words = text.split(separator: " ").map(String.init)
    let joined = words.joined()
    if let physical = physicalText(joined) {
      guard let address = AddressText.parse(physical) else {
        status = .error("'\(physical)' is not an address")
        return []
      }
      finds += 1
      awaitedFind = (finds, tree.spaces[Int(row.space)].id)
      let space = tree.spaces[Int(row.space)].found.space
      status = .note("looking for \(Numbers.hex(address)) in \(tree.spaces[Int(row.space)].label)")
      return [.findPhysical(request: finds, space: space, PhysicalAddress(address))]
    }
    let named = virtualTarget(joined, from: row) == nil ? namedTarget(text, in: Int(row.space)) : nil
    guard let target = virtualTarget(joined, from: row) ?? named?.address else {
      status = .error(unknownAddress(text))
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
    if let named, named.others > 0 {
      status.text += "; \(named.others) more with that name at higher addresses"
    }
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
      return virtualAddress(of: row).advanced(by: distance)
    }
    if text.hasPrefix("-"), let distance = AddressText.parse(text.dropFirst()) {
      return VirtualAddress(virtualAddress(of: row).value &- distance)
    }
    return AddressText.parse(text).map { VirtualAddress($0) }
  }

  /// What Tab puts in place of an address that is none of the processor's.
  func gotoSuggestion(_ text: String) -> String? {
    guard let row = selectedRow else { return nil }
    guard let target = virtualTarget(text, from: row) else { return nearestName(to: text) }
    let scheme = tree.spaces[Int(row.space)].scheme
    return scheme.isCanonical(target) ? nil : Numbers.grouped(scheme.nearestCanonical(to: target), in: scheme)
  }

  /// Goes to the entry that maps an address, or to the one at which its walk stops, and says which.
  mutating func go(to address: VirtualAddress, inSpace index: Int) {
    let space = tree.spaces[index].found.space
    let translation = space.translate(address, in: memory)
    showTree()
    guard let last = translation.steps.last else {
      reveal(SlicedWork.TreeGoal(space: index, virtual: VirtualAddress(0), level: -1, kind: .entry))
      status = .warning("the root is not in the dump")
      return
    }
    reveal(SlicedWork.TreeGoal(space: index, virtual: address, level: last.level, kind: .entry))
    let called = guest[tree.spaces[index].id]?.title(of: address).map { " \($0)" } ?? ""
    let name = Numbers.grouped(address, in: space.scheme) + called
    switch translation.outcome {
    case .mapped(let page):
      let missing = page.isInDump ? "" : ", which is not in the dump"
      status = .note("\(name) is at \(Numbers.hex(page.physical))\(missing)")
    case .fault(let fault):
      let level = space.scheme.levels[last.level].name
      status = .warning("\(name) stops at \(level)[\(last.slot)]: \(fault.explanation)")
    }
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
