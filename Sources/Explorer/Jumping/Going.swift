import Canvas
import Guests
import PageTables

extension Explorer {
  /// Puts the selection on the jump list.
  mutating func remember() {
    // A question is asked anew each time: by now its list may be about another row.
    let origin = list == nil || screen.isQuestion ? nil : screenID
    if let row = selectedRow { jumps.push(tree.id(of: row), list: origin) }
  }

  /// Leaves whatever covers the tree.
  private mutating func showTree() {
    screenID = .tree
    page = nil
    trail = []
  }

  /// Goes to a row, opening what is closed above it.
  mutating func go(to id: RowID, opening opens: Bool = false, isBack: Bool = false) {
    showTree()
    guard let space = tree.spaces.firstIndex(where: { $0.id == id.space }) else {
      status = .warning("that space is not listed any more")
      return
    }
    reveal(
      SlicedWork.TreeGoal(
        space: space, virtual: id.virtual, level: id.level, kind: id.kind, opens: opens, isBack: isBack))
  }

  /// Goes back to where a jump began, and closes again what it opened. Of a list, most people want to see row after row.
  mutating func go(backTo jump: JumpList.Jump) {
    slices.goal = nil
    slices.awaited = nil
    guard tree.spaces.contains(where: { $0.id == jump.row.space }) else {
      return go(to: jump.row, isBack: true)
    }
    tree.leaveAbsent()
    if let opened = jump.opened { tree.close(opened) }
    go(to: jump.row, isBack: true)
    if let list = jump.list, lists[list] != nil { screenID = list }
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
    let before = tree.open
    defer { if !goal.isBack, let opened = tree.opened(since: before) { jumps.note(opened) } }
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
    if goal.opens, slices.goal == nil { tree.open(at: selection) }
    let visible = layout.tree.height
    if selection < top || selection >= top + visible { top = max(0, selection - visible / 2) }
  }

  /// Goes where a text after `g` leads; `?` and the section on addresses list what it may be.
  mutating func goto(_ text: String) -> [ExplorerWork] {
    guard let row = selectedRow else { return [] }
    return goto(text, in: Int(row.space), namesSpace: true, canWait: true)
  }

  /// - Parameters:
  ///   - namesSpace: whether the text may name another space.
  ///   - canWait: whether names that are not read yet may be waited for.
  mutating func goto(
    _ text: String, in spaceNumber: Int, namesSpace: Bool, canWait: Bool
  ) -> [ExplorerWork] {
    awaitedGoing = nil
    switch destination(of: text, in: spaceNumber, namesSpace: namesSpace) {
    case .nowhere(let why, let suggestion): status = .error(why + Destination.nearest(suggestion))
    case .awaitsNames(let number):
      guard canWait else {
        status = .error("the names of \(tree.spaces[number].label) cannot be read")
        return []
      }
      awaitedGoing = (tree.spaces[number].id, text, namesSpace)
      status = .note("reading what \(tree.spaces[number].label) calls its addresses")
    case .physical(let address, let number):
      finds += 1
      awaitedFind = (finds, tree.spaces[number].id)
      status = .note("looking for \(Numbers.hex(address)) in \(tree.spaces[number].label)")
      return [.findPhysical(request: finds, space: tree.spaces[number].found.space, address)]
    case .space(let number, let others):
      go(to: .space(number))
      status = .note(tree.spaces[number].label + (others > 0 ? "; \(others) more are called so" : ""))
    case .address(let place):
      remember()
      go(to: place)
    }
    return []
  }

  /// Goes on with what was typed, now that the names of a space are known.
  mutating func goOn(withNamesOf space: SpaceID) {
    guard let awaited = awaitedGoing, awaited.space == space,
      let number = tree.spaces.firstIndex(where: { $0.id == space })
    else { return }
    _ = goto(awaited.text, in: number, namesSpace: awaited.namesSpace, canWait: false)
    guard status.role == .error, prompt == nil else { return }
    askAgain(Prompt(.goto, text: awaited.text, knowsNames: true))
  }

  /// Opens a prompt again whose text led nowhere, with why, and with what Tab puts in its place.
  mutating func askAgain(_ submitted: Prompt) {
    var again = submitted
    again.problem = status.text
    if let row = selectedRow,
      case .nowhere(let why, let suggestion) = destination(of: submitted.field.text, in: Int(row.space))
    {
      again.problem = why
      again.suggestion = suggestion
    }
    status = .empty
    prompt = again
  }

  /// Goes to an address, or to the first page that is present of a region, and says so.
  mutating func go(to place: Destination.Place) {
    var remarks = place.remark.isEmpty ? [] : [place.remark]
    var address = place.address
    if let region = place.region {
      switch firstPresentPage(of: region, in: place.spaceNumber) {
      case .page(let first) where first != region.first:
        address = first
        let distance = ByteText.rounded(first.value &- region.first.value)
        remarks.insert("the first page present, \(distance) from the region's start", at: 0)
      case .nothing: remarks.insert("nothing of the region is present", at: 0)
      case .page, .unknown: break
      }
    }
    go(to: address, inSpace: place.spaceNumber)
    for remark in remarks { status.text += "; " + remark }
  }

  private func firstPresentPage(of region: NamedRegion, in spaceNumber: Int) -> FirstPresentPage.Answer {
    FirstPresentPage.look(
      in: tree.spaces[spaceNumber].found.space, from: region.first, through: region.last, memory: memory)
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
    let name = Numbers.grouped(address, in: space.scheme(at: address)) + called
    switch translation.outcome {
    case .mapped(let page):
      let missing = page.isInDump ? "" : ", which is not in the dump"
      status = .note("\(name) is at \(Numbers.hex(page.physical))\(missing)")
    case .fault(let fault):
      let level = space.scheme(at: address).levels[last.level].name
      status = .warning("\(name) stops at \(level)[\(last.slot)]: \(fault.explanation)")
    }
  }
}

extension TranslationFault {
  /// For people, in a few words.
  var explanation: String {
    switch self {
    case .nonCanonical: "not canonical"
    case .noRoot(let register): "this space has no root of \(register)"
    case .absent: "absent, nothing is mapped there"
    case .marked(let mark): "not present, marked" + (mark.map { " (\($0.name))" } ?? "")
    case .malformed: "malformed"
    case .tableMissing(_, .notInDump): "the table it points at is not in the dump"
    case .tableMissing(_, .outsidePhysicalMemory): "the table it points at lies outside physical memory"
    }
  }
}
