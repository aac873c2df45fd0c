import Canvas
import PageTables

extension Explorer {
  /// Has all spaces indexed behind what the person does.
  mutating func startIndexing() -> [ExplorerWork] {
    guard !tree.spaces.isEmpty else { return [] }
    indexing.number += 1
    indexing.running = (indexing.number, 0)
    indexing.isCancelled = false
    // Lists that are open say what they wait for.
    fillLists()
    let stale = tree.spaces.indices.filter { tree.spaces[$0].found.isPossiblyStale }
    return [.index(request: indexing.number, tree.spaces.map(\.found.space), stale: Set(stale))]
  }

  mutating func stopIndexing() -> [ExplorerWork] {
    indexing.running = nil
    indexing.isCancelled = true
    fillLists()
    status = .warning("indexing stopped: who shares what is not known; :index starts it again")
    return [.cancelIndex]
  }

  /// Forgets what is known of all spaces, because the spaces or their tables changed.
  mutating func dropIndex() {
    indexing.index = nil
    indexing.running = nil
    sharing.forget()
    fillLists()
  }

  mutating func take(_ index: ExplorerIndex, request: Int) {
    guard indexing.running?.number == request else { return }
    sharing.forget()
    indexing.running = nil
    indexing.index = index
    fillLists()
    if let address = frame?.address { showFrame(address, keepingTop: true) }
  }

  /// Why a view of all spaces has nothing to show yet.
  private var awaitedText: String {
    if indexing.isRunning { return "spaces are being indexed; this fills in by itself" }
    if case .running = scan { return "memory is searched for spaces first; this fills in by itself" }
    return indexing.isCancelled ? "indexing was stopped; :index starts it again" : "no space is indexed"
  }

  func sharingObstacle(to command: Command) -> String? {
    switch command {
    case .aliases:
      // A list that waits for the index has no rows to tell of.
      if index == nil, Self.indexedLists.contains(place) { return awaitedText }
      return frameTarget.obstacle ?? (index == nil ? awaitedText : nil)
    case .frame: return frameTarget.obstacle
    case .map: return selectedSpace == nil ? "there is no space" : nil
    case .matrix: return tree.spaces.isEmpty ? "there is no space" : nil
    case .index:
      if indexing.isRunning { return "the spaces are being indexed" }
      return index != nil ? "all spaces are indexed" : nil
    case .mirror: return mirrorObstacle
    case .unmirror: return overlay.made.isEmpty ? "no mirror was made here; :mirror makes one" : nil
    default: return nil
    }
  }

  // MARK: Lists

  /// The lists that are made of the index.
  private static let indexedLists: [Place] = [.shared, .mirrors, .findings, .aliases]

  /// A list by its place; an empty one where none was opened.
  func list(_ place: Place) -> RowList { lists[place] ?? RowList(.awaited("", "")) }

  mutating func openList(_ command: Command) {
    let new: Place = command == .shared ? .shared : command == .mirrors ? .mirrors : .findings
    if lists[new] == nil { lists[new] = RowList(content(of: new)) }
    enter(new)
  }

  private func content(of place: Place) -> ListContent {
    let spaces = ListSpaces(tree.spaces)
    let titles: [Place: String] = [
      .shared: "shared sub-tables", .mirrors: "mirrors", .findings: "findings", .aliases: "who maps it",
    ]
    guard let index else { return .awaited(titles[place] ?? "", awaitedText) }
    switch place {
    case .shared: return .shared(index, spaces)
    case .mirrors: return .mirrors(index, spaces)
    case .findings: return .findings(index, spaces)
    case .aliases: return crossed ?? .awaited("who maps it", "nothing is selected")
    default: return .awaited("", "")
    }
  }

  /// Gives the lists that are open what is known now.
  mutating func fillLists() {
    let alias = lists[.aliases] == nil ? nil : findCrossReferences()
    for place in Self.indexedLists where lists[place] != nil {
      let selected = (place == .aliases ? alias : nil) ?? list(place).selectedRow
      let content = content(of: place)
      lists[place]?.replace(content, selecting: selected)
    }
  }

  // MARK: Aliases and frames

  mutating func openAliases() {
    guard index != nil, let target = crossReference else { return }
    crossing = target
    aliasPane = nil
    aliasMemory = nil
    findCrossReferences()
    lists[.aliases] = RowList(content(of: .aliases))
    enter(.aliases)
  }

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
    let use = guest.knowledge?.guest.frameUse(of: address)
    let content = pane.content(ListSpaces(tree.spaces), use: use)
    aliasPane = pane
    crossed = content
    lists[.aliases]?.replace(content, selecting: selected)
  }

  mutating func openFrame() {
    guard let address = frameTarget.address else { return }
    showFrame(address.frameStart, keepingTop: false)
    let height = layout.list.height
    frame?.show(offset: Int(address.value &- address.frameStart.value), height: height)
    enter(.frame)
  }

  mutating func stepFrame(by step: Int) {
    guard let address = frame?.address else { return }
    let next = PhysicalAddress(address.value &+ UInt64(bitPattern: Int64(step)) &* Frame.size)
    guard (step > 0) == (next > address) else {
      status = .warning("there is no frame further on")
      return
    }
    showFrame(next, keepingTop: true)
  }

  mutating func showFrame(_ address: PhysicalAddress, keepingTop: Bool) {
    let former = keepingTop ? frame : nil
    frame = FramePage(
      address, memory: memory, index: index, spaces: ListSpaces(tree.spaces), awaited: awaitedText,
      use: guest.knowledge?.guest.frameUse(of: address), width: width)
    let height = layout.list.height
    if let former { frame?.keepTop(of: former, height: height) }
  }
}
