import Canvas
import Guests
import PageTables

extension Screen.ID {
  static let compare = Screen.ID("compare")
}

extension Screen {
  static let compare = Screen(
    id: .compare, title: "two spaces side by side",
    sections: [
      HelpSection(
        "Comparing", "= in two spaces, one after the other, or :compare NAME",
        [
          ("= =", "of a running machine, = again in the same space: with itself at an earlier moment"),
          (":compare NAME", "here, the left space with another one; = alone turns the sides round"),
          ("==", "the very same table: all below it is shared"),
          ("=", "the same frames, by tables of their own"),
          ("/", "different: other frames, or something missing below"),
          ("?", "the same as far as it was read; Enter looks further"),
          ("<  >", "only in the left space, only in the right one"),
        ])
    ],
    isQuestion: true, commands: [.aliases, .frame, .compare],
    deeds: [
      .open: Deed(
        obstacle: { $0.comparison?.selected == nil ? "there is no row" : nil },
        perform: { $0.openCompareRow() }),
      .toggle: Deed(
        obstacle: { $0.comparison?.selected?.isOpenable == true ? nil : "nothing lies below this row" },
        perform: { $0.toggleCompareRow() }),
      .openFold: Deed(
        obstacle: {
          guard let row = $0.comparison?.selected, row.isOpenable, !row.isShare else {
            return "nothing opens below this row; Enter goes to it in the tree"
          }
          return nil
        },
        perform: { explorer in
          if explorer.comparison?.selected?.isOpen == true {
            explorer.moveInComparison(by: 1)
          } else {
            explorer.toggleCompareRow()
          }
        }),
      .close: Deed(
        obstacle: { $0.comparison?.closableRow == nil ? "nothing is open here" : nil },
        perform: { explorer in
          guard let row = explorer.comparison?.closableRow else { return }
          if row != explorer.comparison?.selection {
            explorer.comparison?.selection = row
          } else {
            explorer.toggleCompareRow()
          }
        }),
    ],
    footer: { _ in [.open, .aliases, .frame, .help, .cancel] },
    heading: { $0.comparisonHeading },
    draw: { $0.drawComparison($1, &$2, $3, $4) },
    move: { explorer, movement in
      explorer.moveInComparison(by: movement.rows(page: max(1, explorer.compareArea.height)))
    },
    scroll: { explorer, step, _, _ in explorer.moveInComparison(by: step) },
    press: { explorer, press in
      let area = explorer.compareArea
      guard area.contains(x: press.x, y: press.y), let comparison = explorer.comparison,
        comparison.rows.indices.contains(comparison.top + press.y - area.y)
      else { return [] }
      explorer.comparison?.selection = comparison.top + press.y - area.y
      return press.opens ? explorer.perform(CommandLine(.open)) : []
    },
    settle: { explorer in
      let height = max(1, explorer.compareArea.height)
      guard var comparison = explorer.comparison else { return }
      let selection = max(0, min(comparison.selection, comparison.rows.count - 1))
      comparison.selection = selection
      comparison.top = max(0, min(comparison.top, max(0, comparison.rows.count - height)))
      comparison.top = min(comparison.top, selection)
      if selection >= comparison.top + height { comparison.top = selection - height + 1 }
      explorer.comparison = comparison
    },
    frameTarget: { explorer in
      guard let row = explorer.comparison?.selected else { return .nothing("there is no row") }
      let side = row.left.isPresent ? row.left : row.right
      return .address(side.address)
    },
    scheme: { explorer in explorer.comparedNumbers.map { explorer.tree.spaces[$0.left].scheme } },
    namedSpaces: { explorer in
      explorer.comparedNumbers.map { [explorer.tree.spaces[$0.left], explorer.tree.spaces[$0.right]] } ?? []
    },
    follow: { explorer, change in
      switch change {
      case .spaces, .names, .index, .tables: explorer.buildComparison()
      case .commandLines, .guest, .namesOfSpace, .width: break
      }
    })
}

extension Command {
  static let compare = Command(
    "compare", "mark this space; = in a second one compares both", label: "compare", in: .sharing, .named,
    .optionalText("NAME"), obstacle: \.noRowObstacle
  ) { explorer, name in
    explorer.compare(with: name)
  }
}

/// The comparison that was made last, and the space that the next one begins with.
struct CompareState: ScreenState {
  var comparison: Comparison?
  /// The space that the next comparison begins with.
  var first: SpaceID?
  /// The moment at which it was named, of a machine that runs.
  var firstMoment: KeptMoment?
}

extension Explorer {
  fileprivate(set) var comparison: Comparison? {
    get { states[CompareState.self].comparison }
    set { states[CompareState.self].comparison = newValue }
  }

  /// Where the two spaces stand in the list; nil where one is no more. Of a space at two moments, twice where it is now.
  var comparedNumbers: (left: Int, right: Int)? {
    guard let comparison, let left = tree.spaces.firstIndex(where: { $0.id == comparison.left }),
      let right = tree.spaces.firstIndex(where: { $0.id == comparison.right })
    else { return nil }
    return (left, right)
  }

  /// The space that a comparison on this screen begins with.
  private var spaceToCompare: Int? {
    if screenID == .compare { return comparedNumbers?.left }
    if let row = list?.selectedRow, let id = list?.content.space?(row) {
      return tree.spaces.firstIndex { $0.id == id }
    }
    return selectedRow.map { Int($0.space) }
  }

  fileprivate mutating func compare(with name: String) -> [ExplorerWork] {
    guard let here = spaceToCompare else {
      status = .error("there is no space to compare")
      return [.bell]
    }
    if !name.isEmpty {
      guard let other = tree.spaces.firstIndex(where: { $0.isCalled(name.lowercased()) }) else {
        if let kept = live.kept[name] {
          compare(here, before: kept)
          return []
        }
        status = .error("no space is called \(CellText.visible(name))")
        return [.bell]
      }
      compare(here, other)
      return []
    }
    if screenID == .compare, let numbers = comparedNumbers {
      guard comparison?.before == nil else {
        status = .note("left is what was, right is what is")
        return []
      }
      compare(numbers.right, numbers.left)
      return []
    }
    let id = tree.spaces[here].id
    let first = states[CompareState.self].first
    if first == id || screenID == .changes, let before = earlierMoment(named: first == id) {
      states[CompareState.self] = CompareState(comparison: comparison)
      compare(here, before: before)
      return []
    }
    guard let first, first != id, let other = tree.spaces.firstIndex(where: { $0.id == first }) else {
      let isAgain = first == id
      states[CompareState.self].first = id
      states[CompareState.self].firstMoment = live.source == nil ? nil : currentMoment()
      let itself = live.before.map { ", = again this one at \($0.name) and now" } ?? ""
      let label = tree.spaces[here].label
      let mark = isAgain ? "still in \(label)" : "\(label) is marked"
      status = .note("\(mark): = in another space compares the two\(itself)")
      return []
    }
    states[CompareState.self] = CompareState(comparison: comparison)
    compare(other, here)
    return []
  }

  /// The moment to compare this one with: that at which the space was named first, or else the one before.
  private func earlierMoment(named: Bool) -> KeptMoment? {
    if named, let first = states[CompareState.self].firstMoment, first.name != currentMoment().name {
      return first
    }
    return live.before
  }

  /// Shows two spaces side by side.
  mutating func compare(_ left: Int, _ right: Int) {
    guard !Set(tree.spaces[left].schemeNumbers).isDisjoint(with: tree.spaces[right].schemeNumbers) else {
      status = .error("spaces of two paging schemes have no entries in common")
      return
    }
    comparison = Comparison(left: tree.spaces[left].id, right: tree.spaces[right].id)
    buildComparison()
    if screenID != .compare { enter(.compare) }
  }

  /// Shows a space as it was at another moment, and as it is.
  private mutating func compare(_ number: Int, before: KeptMoment) {
    let space = tree.spaces[number]
    guard self.space(number, at: before) != nil else {
      status = .error("\(space.label) was not there at \(before.name)")
      return
    }
    comparison = Comparison(left: space.id, right: space.id, before: before)
    buildComparison()
    if screenID != .compare { enter(.compare) }
  }

  /// The space as it was at another moment; nil where it was not there.
  private func space(_ number: Int, at moment: KeptMoment) -> AddressSpace? {
    SpaceMatching.match(old: moment.spaces, new: tree.spaces.map(\.found))[number].old?.space
  }

  fileprivate mutating func buildComparison() {
    guard let numbers = comparedNumbers, let comparison else { return }
    let left = comparison.before.map { space(numbers.left, at: $0) } ?? tree.spaces[numbers.left].found.space
    guard let left else { return }
    let (right, index, memory) = (tree.spaces[numbers.right].found.space, index, memory)
    self.comparison?.build(left, right, numbers: numbers, index, memory)
  }

  fileprivate mutating func moveInComparison(by step: Int) {
    guard let comparison else { return }
    self.comparison?.selection = max(0, min(comparison.selection + step, comparison.rows.count - 1))
  }

  fileprivate mutating func toggleCompareRow() {
    comparison?.toggle()
    buildComparison()
  }

  /// Opens a branch on both sides; from a page, a share, and what everybody has, goes to the tree.
  fileprivate mutating func openCompareRow() {
    guard let row = comparison?.selected, let numbers = comparedNumbers else { return }
    if row.isOpenable, !row.isShare {
      toggleCompareRow()
    } else {
      let space = row.left.isPresent ? numbers.left : numbers.right
      go(to: .entry(space: space, row.virtual, level: row.level))
    }
  }

  fileprivate var comparisonHeading: String? {
    guard let numbers = comparedNumbers, let total = comparison?.total else { return "no space to compare" }
    func part(_ bytes: UInt64, _ text: String) -> String? {
      bytes == 0 ? nil : "\(ByteText.rounded(bytes)) \(text)"
    }
    let before = comparison?.before
    let left = before?.name ?? tree.spaces[numbers.left].label
    let right = before == nil ? tree.spaces[numbers.right].label : "this moment"
    let parts = [
      part(total.throughShared, "shared"), part(total.same, "same frames"),
      part(total.different, "different"),
      part(total.onlyLeft, "only in \(left)"), part(total.onlyRight, "only in \(right)"),
      total.isCut ? "and more" : nil,
    ]
    let title =
      before == nil ? "\(left) and \(right)" : "\(tree.spaces[numbers.right].label) at \(left) and now"
    return title + "   " + parts.compactMap(\.self).joined(separator: ", ")
  }
}
