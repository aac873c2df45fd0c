import Canvas
import Guests
import PageTables

/// What differs between two moments: what marks in the tree and the list of changes are made of.
package struct MomentChanges: Sendable {
  /// A range of a space that changed, or a space that came or went.
  struct Change: Sendable {
    /// The space, by its number now; nil where it is gone.
    let spaceNumber: Int?
    /// The space as it is, or as it was.
    let space: FoundSpace
    /// Nil for a space as a whole.
    let range: ChangedRange?
    /// The guest's region there; may be empty.
    let region: String
  }

  /// The name of the moment that this one is compared with.
  package let since: String
  /// Ranges space by space, those that came or went first.
  private(set) var list: [Change]
  /// Whether all were listed.
  let isComplete: Bool
  private let diff: SpaceDiff
  /// Whether a space was there before, by its number now.
  private let wasThere: [Bool]
  /// Which spaces are compared: freed roots are not.
  private let isCompared: [Bool]
  /// By a space's number now, its number as they were compared; nil where it is the same.
  private var numbers: [Int?]?

  /// Changes that are listed at most: nobody reads more.
  private static let limit = 20_000
  /// Those of them whose regions are looked up.
  private static let regionLimit = 2_000

  /// Compares all tables.
  ///
  /// - Parameter isCancelled: asked once in a while; answering true ends the work with nil.
  package init?(from old: KeptMoment, to new: KeptMoment, isCancelled: () -> Bool = { false }) {
    let matched = SpaceMatching.match(old: old.spaces, new: new.spaces)
    guard
      let diff = SpaceDiff(
        old: old.memory, new: new.memory, spaces: matched.map(\.pair), progress: { _, _ in !isCancelled() })
    else { return nil }
    self.diff = diff
    since = old.name
    wasThere = new.spaces.indices.map { matched[$0].old != nil }
    isCompared = new.spaces.map { !$0.isPossiblyStale && !$0.isUnowned }
    let kernel = matched.firstIndex { $0.isKernelsOwn }
    var wholes: [Change] = []
    var ranges: [Change] = []
    var isComplete = diff.isComplete
    for (number, pair) in matched.enumerated() {
      let found = pair.latest
      // Freed roots come and go unnoticed, and a user copy changes with its kernel copy.
      guard found.isCompared else { continue }
      let spaceNumber = pair.new == nil ? nil : number
      guard pair.old != nil, pair.new != nil else {
        wholes.append(Change(spaceNumber: spaceNumber, space: found, range: nil, region: ""))
        continue
      }
      // What the kernel's own space has, all have.
      let isWhole = diff.forEachChange(ofSpace: number, besides: kernel == number ? nil : kernel) { range in
        guard ranges.count < Self.limit else { return false }
        var region = ""
        if ranges.count < Self.regionLimit {
          region = pair.region(of: range, old: old.names, new: new.names)?.title(fitting: 60) ?? ""
        }
        ranges.append(Change(spaceNumber: spaceNumber, space: found, range: range, region: region))
        return true
      }
      isComplete = isComplete && isWhole
    }
    list = wholes + ranges
    self.isComplete = isComplete
  }

  /// The same for spaces that stand elsewhere in their list: `numbers` are those that they had, nil where one had none.
  func renumbered(_ numbers: [Int?]) -> MomentChanges {
    var changes = self
    let compared = numbers.map { $0.flatMap { number(of: $0) } }
    changes.numbers = compared
    let places = Dictionary(
      compared.enumerated().compactMap { place in place.element.map { ($0, place.offset) } }
    ) {
      first, _ in first
    }
    let known = self.numbers
    changes.list = list.map { change in
      let original = change.spaceNumber.flatMap { now in known.map { $0[now] } ?? now }
      return Change(
        spaceNumber: original.flatMap { places[$0] }, space: change.space, range: change.range,
        region: change.region)
    }
    return changes
  }

  /// The number that a space had as they were compared.
  private func number(of spaceNumber: Int) -> Int? {
    guard let numbers else { return spaceNumber }
    return numbers.indices.contains(spaceNumber) ? numbers[spaceNumber] : nil
  }

  /// Whether a space was not there before.
  func isNew(_ spaceNumber: Int) -> Bool {
    guard let spaceNumber = number(of: spaceNumber) else { return false }
    return wasThere.indices.contains(spaceNumber) && !wasThere[spaceNumber] && isCompared[spaceNumber]
  }

  /// What kinds of changes there are between two addresses (both inclusive) of a space.
  func kinds(ofSpace spaceNumber: Int, from first: VirtualAddress, through last: VirtualAddress)
    -> ChangeKinds
  {
    guard let spaceNumber = number(of: spaceNumber), wasThere.indices.contains(spaceNumber),
      wasThere[spaceNumber], isCompared[spaceNumber]
    else {
      return []
    }
    return diff.kinds(ofSpace: spaceNumber, from: first, through: last)
  }

  /// What changed, in a few words: `3 ranges of steps 93, 1 space gone`.
  var summary: String {
    let ranges = list.filter { $0.range != nil }
    let names = Set(ranges.map { $0.space.space.root }).count
    var parts: [String] = []
    if let first = ranges.first {
      let place = names == 1 ? CellText.visible(first.space.space.name) : Numbers.counted(names, "space")
      parts.append("\(Numbers.counted(ranges.count, "range"))\(isComplete ? "" : " or more") of \(place)")
    }
    let wholes = list.filter { $0.range == nil }
    let came = wholes.count { $0.spaceNumber != nil }
    if came > 0 { parts.append("\(Numbers.counted(came, "space")) new") }
    if wholes.count > came { parts.append("\(Numbers.counted(wholes.count - came, "space")) gone") }
    return parts.isEmpty ? "nothing changed" : parts.joined(separator: ", ")
  }
}

/// A comparison of two moments, to be made in the background.
package struct MomentComparison: Equatable, Sendable {
  private let old: KeptMoment
  private let new: KeptMoment
  private let number: Int

  init(from old: KeptMoment, to new: KeptMoment, number: Int) {
    self.old = old
    self.new = new
    self.number = number
  }

  /// Nil where it was given up.
  package func run() -> MomentChanges? { MomentChanges(from: old, to: new) }

  package static func == (left: MomentComparison, right: MomentComparison) -> Bool {
    left.number == right.number
  }
}
