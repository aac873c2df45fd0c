import Canvas
import Guests
import PageTables

extension Screen.ID {
  static let finder = Screen.ID("finder")
}

extension Screen {
  static let finder: Screen = {
    var screen = Screen.list(
      .finder, title: "the finder", sections: [finderSection], columns: ["kind", "name", "place"],
      opener: .find,
      footer: [.open, .find, .aliases, .frame, .help, .cancel],
      ListKind(
        content: \.finderContent,
        frame: { $0.frameOfFound($1) },
        follows: { _, change in Self.concernsFinder(change) },
        forget: { explorer, change in if Self.concernsFinder(change) { explorer.gatherAgain() } },
        isSearching: { $0.finder.search != nil },
        search: { $0.searchOn() },
        titleCounts: true))
    screen.isQuestion = true
    let listed = screen.deeds[.open]
    screen.deeds[.open] = Deed(
      obstacle: { explorer in listed?.obstacle(explorer) },
      perform: { explorer in explorer.goToFound() })
    return screen
  }()

  private static func concernsFinder(_ change: Change) -> Bool {
    switch change {
    case .spaces, .names, .commandLines, .guest: true
    case .index, .tables, .namesOfSpace, .width: false
    }
  }

  private static let finderSection = HelpSection(
    "Finder", "o: spaces, files, regions and symbols by some letters of their names",
    [
      ("busy heap", "words in any order, each with letters left out: bsy finds busybox"),
      ("Up Down Enter", "choose and go, while one types; Tab leaves the letters for the list"),
    ])
}

extension Command {
  static let find = Command(
    "find", "find a space, file, region or symbol by some letters", label: "find", in: .finding, .views
  ) { explorer in explorer.openFinder() }
}

/// What the finder looks through, and for what.
struct FinderState: ScreenState {
  var items: FinderItems?
  /// How far the regions are read, and the number of the question for them.
  var regions = Regions.unasked
  var request = 0
  var text = ""
  var found: [Int] = []
  /// Letters that were not looked for everywhere yet.
  var search: FinderSearch?

  enum Regions { case unasked, awaited, read }
}

extension Explorer {
  var finder: FinderState {
    get { states[FinderState.self] }
    set { states[FinderState.self] = newValue }
  }

  fileprivate mutating func openFinder() {
    if prompt?.kind == .find { return leavePrompt() }
    if screenID != .finder {
      if finder.items == nil { gatherItems() }
      finder.text = ""
      look(for: "")
      enter(.finder)
    }
    prompt = Prompt(.find, text: finder.text)
  }

  /// Follows what is typed.
  mutating func findAsTyped(_ text: String) {
    look(for: text)
    lists[.finder]?.selection = 0
    lists[.finder]?.top = 0
  }

  private mutating func look(for text: String) {
    guard let items = finder.items else { return }
    finder.text = text
    finder.search = FinderSearch(FuzzyQuery(text), in: items)
    searchOn()
  }

  /// Looks at one slice of the items.
  fileprivate mutating func searchOn() {
    guard var search = finder.search else { return }
    search.proceed()
    finder.found = search.found
    finder.search = search.isDone ? nil : search
    // What is shown is what Enter goes to.
    Screen.finder.fill(&self)
  }

  /// What a key means while letters are typed; nil where it is for their line.
  mutating func steerFinder(with key: Key) -> [ExplorerWork]? {
    switch key {
    case .up, .control("p"): screen.move(&self, .up)
    case .down, .control("n"): screen.move(&self, .down)
    case .pageUp: screen.move(&self, .pageUp)
    case .pageDown: screen.move(&self, .pageDown)
    case .tab: prompt = nil
    case .enter:
      prompt = nil
      return perform(CommandLine(.open))
    default: return nil
    }
    return []
  }

  // MARK: What it looks through

  /// Forgets the items, as spaces or names are others now, and the regions with them.
  fileprivate mutating func gatherAgain() {
    finder.regions = .unasked
    guard finder.items != nil else { return }
    gatherItems()
    look(for: finder.text)
  }

  private mutating func gatherItems() {
    finder.items = FinderItems(tree.spaces, regions: [], symbols: guest.names?.symbols)
  }

  /// The space in which symbols are gone to: the selected one, where it has the guest's kernel.
  private var symbolSpace: Int? {
    let selected = selectedRow.map { Int($0.space) }
    if let selected, guest.guest(of: tree.spaces[selected]) != nil { return selected }
    return tree.spaces.firstIndex { guest.guest(of: $0) != nil }
  }

  /// Asks for the regions of all processes, once they are needed.
  mutating func askForRegions() -> ExplorerWork? {
    guard screenID == .finder, let names = guest.names, finder.regions == .unasked else { return nil }
    finder.regions = .awaited
    finder.request += 1
    return .gatherRegions(request: finder.request, RegionGathering(tree.spaces, names))
  }

  mutating func receive(items: FinderItems, request: Int) {
    guard finder.request == request, finder.regions == .awaited else { return }
    finder.regions = .read
    finder.items = items
    look(for: finder.text)
  }

  // MARK: What it shows, and where it leads

  fileprivate var finderContent: ListContent {
    let state = finder
    guard let items = state.items else { return .awaited("find", "nothing is known yet") }
    let found = state.found
    let symbolSpace = symbolSpace
    let total =
      state.search == nil && found.count < FinderSearch.limit ? "\(found.count)" : "the best \(found.count)"
    return ListContent(
      title: "find   \(total) of \(items.count)"
        + (state.regions == .awaited ? ", regions are being read" : ""),
      columns: [
        ListColumn("kind", .texts { items.kind(found[$0]).title }, look: { _ in .role(.dim) }),
        ListColumn(
          "name", .texts { items.name(found[$0]) },
          look: { items.spaceNumber(found[$0]).map { .owner($0) } ?? .role(.text) }),
        ListColumn("place", title: "where", .texts { items.place(found[$0]) }, look: { _ in .role(.dim) }),
      ],
      count: found.count,
      target: { row in
        switch items.goal(found[row]) {
        case .space(let number): .space(number)
        case .region(let region, let number): .address(space: number, region.first)
        case .symbol(let address): symbolSpace.map { .address(space: $0, address) }
        case nil: nil
        }
      },
      emptyText: state.text.isEmpty ? "there is nothing to find" : "nothing has these letters in this order")
  }

  private var foundGoal: FinderItems.Goal? {
    guard let row = lists[.finder]?.selectedRow, finder.found.indices.contains(row) else { return nil }
    return finder.items?.goal(finder.found[row])
  }

  /// Goes to the selected item: a region at its first page that is present.
  fileprivate mutating func goToFound() {
    switch foundGoal {
    case .space(let number): go(to: .space(number))
    case .region(let region, let number):
      remember()
      var place = Destination.Place(spaceNumber: number, address: region.first)
      place.region = region
      go(to: place)
    case .symbol(let address): if let number = symbolSpace { go(to: .address(space: number, address)) }
    case nil: break
    }
  }

  fileprivate func frameOfFound(_ row: Int) -> FrameTarget? {
    guard finder.found.indices.contains(row), let goal = finder.items?.goal(finder.found[row]) else {
      return nil
    }
    func frame(of address: VirtualAddress, _ number: Int) -> FrameTarget? {
      guard tree.spaces.indices.contains(number) else { return nil }
      let page = tree.spaces[number].found.space.translate(address, in: memory).page
      return page.map { .address($0.physical) } ?? .nothing("its first page is not present")
    }
    switch goal {
    case .space(let number):
      return tree.spaces.indices.contains(number) ? .address(tree.spaces[number].root) : nil
    case .region(let region, let number): return frame(of: region.first, number)
    case .symbol(let address): return symbolSpace.flatMap { frame(of: address, $0) }
    }
  }
}
