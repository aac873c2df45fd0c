import Guests
import PageTables

extension Screen.ID {
  static let regions = Screen.ID("regions")
}

extension Screen {
  static let regions: Screen = {
    var screen = Screen.list(
      .regions, title: "regions of a space",
      columns: [
        "va", "length", "perm", "present", "absent", "swapped", "marked", "name",
      ], opener: .regions, commands: [.aliases, .frame, .regions],
      ListKind(
        content: \.regionsContent,
        frame: { $0.frameOfRegion($1) },
        follows: { explorer, change in
          switch change {
          case .spaces, .names, .guest: true
          case .namesOfSpace(let space): space == explorer.regionsSpace
          case .commandLines, .index, .tables, .width: false
          }
        },
        titleCounts: true))
    screen.isQuestion = true
    screen.regionsTarget = { explorer in
      explorer.regionsSpaceNumber.map { RegionsTarget(spaceNumber: $0, address: nil) }
    }
    screen.namedSpaces = { explorer in explorer.regionsSpaceNumber.map { [explorer.tree.spaces[$0]] } ?? [] }
    return screen
  }()
}

extension Command {
  static let regions = Command(
    "regions", "what the guest says lies where in this space", label: "regions", in: .open, .named,
    obstacle: { explorer in
      guard let target = explorer.screen.regionsTarget(explorer) else { return "there is no space" }
      return explorer.guest.canName(explorer.tree.spaces[target.spaceNumber])
        ? nil : explorer.unknownGuestText
    },
    does: { explorer in
      if let target = explorer.screen.regionsTarget(explorer) { explorer.openRegions(target) }
    })
}

/// The space whose regions a person asks for, and the address whose region is selected.
struct RegionsTarget: Sendable {
  let spaceNumber: Int
  let address: VirtualAddress?

  init(spaceNumber: Int, address: VirtualAddress?) {
    self.spaceNumber = spaceNumber
    self.address = address
  }

  /// The space of a row of the tree.
  init(_ row: TreeRow) { self.init(spaceNumber: Int(row.space), address: nil) }
}

/// The space whose regions are listed.
struct RegionsState: ScreenState {
  var space: SpaceID?
}

extension Explorer {
  fileprivate(set) var regionsSpace: SpaceID? {
    get { states[RegionsState.self].space }
    set { states[RegionsState.self].space = newValue }
  }

  /// The number of the space whose regions are listed.
  fileprivate var regionsSpaceNumber: Int? {
    regionsSpace.flatMap { id in tree.spaces.firstIndex { $0.id == id } }
  }

  /// Lists the regions of a space, from the one on that an address lies in.
  mutating func openRegions(_ target: RegionsTarget) {
    let space = tree.spaces[target.spaceNumber]
    if regionsSpace != space.id || lists[.regions] == nil {
      regionsSpace = space.id
      lists[.regions] = RowList(regionsContent)
    }
    if let address = target.address, let names = guest[space.id],
      let region = names.addresses.region(at: address),
      let row = names.counted.firstIndex(where: { $0.region == region })
    {
      lists[.regions]?.select(row: row)
    }
    enter(.regions)
  }

  fileprivate var regionsContent: ListContent {
    guard let spaceNumber = regionsSpaceNumber else {
      return .awaited("regions", "that space is not listed any more")
    }
    let space = tree.spaces[spaceNumber]
    let title = "regions of \(space.label)"
    guard guest.canName(space) else {
      return .awaited(title, "nothing is known of this space")
    }
    guard let names = guest[space.id] else {
      return .awaited(title, "the regions are being read; the list fills in automatically")
    }
    return .regions(names, of: spaceNumber, space, called: title)
  }

  fileprivate func frameOfRegion(_ row: Int) -> FrameTarget? {
    guard let spaceNumber = regionsSpaceNumber, let regions = guest[tree.spaces[spaceNumber].id]?.counted,
      regions.indices.contains(row)
    else { return nil }
    let page = tree.spaces[spaceNumber].found.space.translate(regions[row].first, in: memory).page
    return page.map { .address($0.physical) } ?? .nothing("its first page is not present")
  }
}
