import PageTables

/// What `x` was asked about; survives a new order of the spaces.
enum CrossReference: Hashable, Sendable {
  /// Who maps a byte of memory.
  case frame(PhysicalAddress)
  /// Who reaches a table, as a space reads it.
  case table(TableReference, SpaceID, window: Int)
  /// Who has user memory in common with a space.
  case space(SpaceID)
}

/// What `x` was asked about, and the answer; that waits for the index.
struct AliasesState: ScreenState {
  var crossing: CrossReference?
  var crossed: ListContent?
  /// The answer's groups, where it is about a frame.
  var pane: AliasPane?
  /// What was open and selected in the list before it had to be made anew.
  var memory: (frame: PhysicalAddress, rows: AliasPane.Memory)?
}

extension Explorer {
  private(set) var crossing: CrossReference? {
    get { states[AliasesState.self].crossing }
    set { states[AliasesState.self].crossing = newValue }
  }

  private(set) var crossed: ListContent? {
    get { states[AliasesState.self].crossed }
    set { states[AliasesState.self].crossed = newValue }
  }

  private(set) var aliasPane: AliasPane? {
    get { states[AliasesState.self].pane }
    set { states[AliasesState.self].pane = newValue }
  }

  private var aliasMemory: (frame: PhysicalAddress, rows: AliasPane.Memory)? {
    get { states[AliasesState.self].memory }
    set { states[AliasesState.self].memory = newValue }
  }

  /// What `x` is about on the screen: what that says, or else the frame of what is selected.
  private var asked: CrossReference? {
    let screen = screen
    return screen.crossReference(self) ?? screen.frameTarget(self).address.map { .frame($0) }
  }

  /// Why `x` can tell nothing now.
  var aliasesObstacle: String? {
    let screen = screen
    // A list that waits for the index has no rows to tell of.
    if index == nil, screen.needsIndex { return awaitedText }
    return screen.frameTarget(self).obstacle ?? (index == nil ? awaitedText : nil)
  }

  /// Lists who else maps what is selected.
  mutating func openAliases() {
    guard index != nil, let target = asked else { return }
    states[AliasesState.self] = AliasesState(crossing: target)
    lists[.aliases] = nil
    Screen.aliases.fill(&self)
    enter(.aliases)
  }

  /// Opens or closes the selected group.
  mutating func toggleAliases() {
    guard let index, var pane = aliasPane, let row = list?.selectedRow else { return }
    let address = pane.aliases.physical
    let toggled = pane.toggle(row) { group, limit in
      index.spaces.members(of: group, mapping: address, limit: limit)
    }
    guard let selected = toggled else {
      status = .warning("too many mappings are listed; Space on an open group closes it")
      return
    }
    let use = guest.names?.frameUse(of: address)
    let content = pane.content(
      ListSpaces(tree.spaces), use: use, isGivenBack: isGivenBack, regionName: regionNames)
    aliasPane = pane
    crossed = content
    lists[.aliases]?.replace(content, selecting: selected)
  }

  /// Closes the selected group; from one of its mappings, goes to the first.
  mutating func closeAliases() {
    guard let pane = aliasPane, let row = list?.selectedRow else { return }
    if let head = pane.headRow(of: row), head != row {
      lists[.aliases]?.select(row: head)
    } else {
      toggleAliases()
    }
  }

  /// A table, if the index knows it as one: what is not in the dump is a frame only.
  func reached(
    _ table: TableReference, in spaceNumber: Int, at address: VirtualAddress
  ) -> CrossReference? {
    let window = tree.spaces[spaceNumber].window(of: address)
    return index?.spaces.sharing(of: table, in: spaceNumber, window: window) == nil
      ? nil : .table(table, tree.spaces[spaceNumber].id, window: window)
  }

  /// The address of what the list is about, for its frame.
  var crossAddress: PhysicalAddress? {
    switch crossing {
    case .frame(let address): address
    case .table(let table, _, _): table.address
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
    func spaceNumber(of id: SpaceID) -> Int? { tree.spaces.firstIndex { $0.id == id } }
    switch crossing {
    case .frame(let address):
      let aliases = index.spaces.aliases(of: address, in: memory)
      let remark = ListContent.staleRemark(staleSpaceNumbers(of: aliases, index.spaces), tree.spaces)
      var pane = AliasPane(aliases, spaces: tree.spaces.map(\.id), staleRemark: remark)
      if let known = aliasMemory, known.frame == address {
        selected = pane.restore(known.rows) { group, limit in
          index.spaces.members(of: group, mapping: address, limit: limit)
        }
      }
      aliasPane = pane
      crossed = pane.content(
        spaces, use: guest.names?.frameUse(of: address), isGivenBack: isGivenBack,
        regionName: regionNames)
    case .table(let table, let id, let window):
      guard let spaceNumber = spaceNumber(of: id) else { return nil }
      crossed = .arrivals(at: table, in: spaceNumber, window: window, index.spaces, tree.spaces)
    case .space(let id):
      guard let spaceNumber = spaceNumber(of: id) else { return nil }
      let search = SharerQuery(spaceNumber: spaceNumber, index.spaces, memory)
      if let found = sharing.sharers(of: id, { search }) {
        crossed = .sharers(found, of: spaceNumber, tree.spaces)
      } else {
        crossed = .awaited(
          "who shares memory with \(tree.spaces[spaceNumber].label)",
          "all spaces are being compared; the list fills in automatically")
      }
    }
    return selected
  }
}

extension Explorer {
  /// What the guest calls the address of a mapping: of the kernel's side, who made it; of a process's, as far as its
  /// regions were read, since nobody waits for that here.
  func regionName(of alias: Alias) -> String { regionNames(alias) }

  fileprivate var isGivenBack: @Sendable (AliasGroup) -> Bool {
    let index = index
    return { index?.isGivenBack($0) ?? false }
  }

  fileprivate var regionNames: @Sendable (Alias) -> String {
    let (guest, spaces) = (guest, tree.spaces)
    return { alias in
      let space = spaces[alias.spaceNumber]
      guard alias.virtual >= space.found.space.usualKernelStart else {
        return guest[space.id]?.addresses.region(at: alias.virtual)?.title(fitting: 24) ?? ""
      }
      let region = guest.names?.region(at: alias.virtual, in: space.found)
      return region.map { $0.kind == .kernel(.directMap) ? "" : $0.maker } ?? ""
    }
  }
}

extension Explorer {
  /// The numbers of possibly stale spaces that map a byte, as far as so many mappings tell.
  private func staleSpaceNumbers(of aliases: Aliases, _ index: SpaceIndex) -> Set<Int> {
    let stale = Set(tree.spaces.indices.filter { tree.spaces[$0].found.isPossiblyStale })
    var found: Set<Int> = []
    var rest = AliasPane.memberTotal
    for group in aliases.groups where rest > 0 && found.count < stale.count {
      let members =
        group.count > 1
        ? index.members(of: group, mapping: aliases.physical, limit: rest) : [group.first]
      found.formUnion(members.map(\.spaceNumber).filter(stale.contains))
      rest -= max(1, members.count)
    }
    return found
  }
}
