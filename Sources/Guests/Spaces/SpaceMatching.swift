import PageTables

/// A space at two moments, as far as it was there.
package struct MatchedSpace: Hashable, Sendable {
  package let old: FoundSpace?
  package let new: FoundSpace?
  /// The space as it is, or as it was where it is gone.
  package let latest: FoundSpace

  /// A space that is there now.
  init(old: FoundSpace?, new: FoundSpace) {
    self.old = old
    self.new = new
    latest = new
  }

  /// A space that is gone.
  init(gone old: FoundSpace) {
    self.old = old
    new = nil
    latest = old
  }

  /// The two moments' tables, for `SpaceDiff`.
  package var pair: SpacePair { SpacePair(old: old?.space, new: new?.space) }

  /// Whether it is the kernel's own at both moments: what changed there, changed for all.
  package var isKernelsOwn: Bool {
    guard let old, let new else { return false }
    return old.isKernelsOwn && new.isKernelsOwn && new.otherKernel == nil
  }
}

extension MatchedSpace {
  /// What the guest calls the place of a change: as it is, or as it was where nothing is there any more.
  package func region(of range: ChangedRange, old: GuestNames?, new: GuestNames?) -> NamedRegion? {
    let before = { self.old.flatMap { old?.region(at: range.virtual, in: $0) } }
    if range.kind == .removed { return before() }
    return self.new.flatMap { new?.region(at: range.virtual, in: $0) } ?? before()
  }
}

extension FoundSpace {
  /// Whether it is compared unasked: it is somebody's, and not the other copy of a space that is compared.
  package var isCompared: Bool { origin == .given || !(isPossiblyStale || isUnowned || isUserCopy) }
}

/// Tells which spaces of two moments are the same one: the kernel's own by its role, then those of one process, then
/// those of one root.
///
/// Spaces whose tables cannot be compared, because they are read by different schemes, are not the same.
package struct SpaceMatching {
  private let olds: [FoundSpace]
  private let news: [FoundSpace]
  /// The old space of each new one, by number.
  private var partners: [Int: Int] = [:]
  private var taken: Set<Int> = []

  /// All spaces of both moments: those that are there now, in their order, then those that are gone. The user copy of
  /// an isolated pair is matched with a user copy.
  package static func match(old: [FoundSpace], new: [FoundSpace]) -> [MatchedSpace] {
    var matching = SpaceMatching(olds: old, news: new)
    matching.matchAll()
    let there = new.indices.map { number in
      MatchedSpace(old: matching.partners[number].map { old[$0] }, new: new[number])
    }
    return there
      + old.indices.filter { !matching.taken.contains($0) }.map { MatchedSpace(gone: old[$0]) }
  }

  private init(olds: [FoundSpace], news: [FoundSpace]) {
    self.olds = olds
    self.news = news
  }

  private mutating func matchAll() {
    match { space in
      space.role == .kernel ? [Key(.kernel, space.otherKernel, space.isUserCopy)] : []
    }
    // A process that went on keeps its root, unless it started another program; its name can change.
    match { space in
      space.processes.map { process in
        Key(.process(process.pid, process.name, root: space.space.root), space.otherKernel, space.isUserCopy)
      }
    }
    match { space in
      space.processes.map { process in
        Key(.process(process.pid, process.name, root: nil), space.otherKernel, space.isUserCopy)
      }
    }
    match { space in
      space.pid.map { [Key(.process($0, space.space.name, root: nil), space.otherKernel, space.isUserCopy)] }
        ?? []
    }
    match { space in
      space.origin == .given ? [Key(.name(space.space.name), space.otherKernel, space.isUserCopy)] : []
    }
    match { [Key(.root($0.space.root), nil, false)] }
  }

  /// What two spaces must have in common.
  private struct Key: Hashable {
    enum Identity: Hashable {
      case kernel
      case process(Int, String, root: PhysicalAddress?)
      case name(String)
      case root(PhysicalAddress)
    }

    let identity: Identity
    let kernel: OtherKernel.Role?
    let isUserCopy: Bool

    init(_ identity: Identity, _ kernel: OtherKernel.Role?, _ isUserCopy: Bool) {
      self.identity = identity
      self.kernel = kernel
      self.isUserCopy = isUserCopy
    }
  }

  /// Makes partners of spaces that have none yet and one of their keys in common, each in order.
  private mutating func match(by keys: (FoundSpace) -> [Key]) {
    var candidates: [Key: [Int]] = [:]
    for old in olds.indices.reversed() where !taken.contains(old) {
      for key in keys(olds[old]) { candidates[key, default: []].append(old) }
    }
    for new in news.indices where partners[new] == nil {
      for key in keys(news[new]) where partners[new] == nil {
        while let old = candidates[key]?.popLast() {
          guard !taken.contains(old), canBeOne(olds[old], news[new]) else { continue }
          partners[new] = old
          taken.insert(old)
          break
        }
      }
    }
  }

  /// Whether nothing speaks against it: that their tables cannot be compared, or that another process has the root now.
  private func canBeOne(_ old: FoundSpace, _ new: FoundSpace) -> Bool {
    guard old.isUserCopy == new.isUserCopy, SpacePair(old: old.space, new: new.space).isComparable else {
      return false
    }
    // A root that nobody has any more was freed.
    if old.isUnowned != new.isUnowned || (old.role == .kernel) != (new.role == .kernel) { return false }
    let (before, now) = (pids(old), pids(new))
    return before.isEmpty || now.isEmpty || !before.isDisjoint(with: now)
  }

  private func pids(_ found: FoundSpace) -> Set<Int> {
    found.role == .kernel ? [] : Set(found.processes.map(\.pid) + (found.pid.map { [$0] } ?? []))
  }
}
