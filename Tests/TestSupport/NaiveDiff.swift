import PageTables

/// What changed between two moments of a space, found the slow way: every entry of both is listed, and each address
/// looked up in both lists. A second opinion on `SpaceDiff`.
package struct NaiveDiff {
  /// What covers some addresses at one moment.
  private struct Stretch {
    enum Kind: Equatable {
      case page(frame: UInt64, level: Int, raw: UInt64, rights: Rights)
      case mark(raw: UInt64, level: Int)
      /// Its table cannot be read.
      case unknown
    }
    let first: UInt64
    /// Inclusive.
    let last: UInt64
    let kind: Kind
  }

  /// Some consecutive addresses of which the same changed.
  package struct Change: Hashable, CustomStringConvertible {
    package let first: UInt64
    package let length: UInt64
    package let kind: ChangeKinds
    /// The frame of the first address; nil where none is mapped.
    package let oldFrame: UInt64?
    package let newFrame: UInt64?

    package init(
      first: UInt64, length: UInt64, kind: ChangeKinds, oldFrame: UInt64?, newFrame: UInt64?
    ) {
      self.first = first
      self.length = length
      self.kind = kind
      self.oldFrame = oldFrame
      self.newFrame = newFrame
    }

    package var description: String {
      "\(AddressText.hex(first)) +\(AddressText.hex(length)) kind \(kind.rawValue)"
        + " \(oldFrame.map { AddressText.hex($0) } ?? "-") \(newFrame.map { AddressText.hex($0) } ?? "-")"
    }
  }

  /// In ascending address, each no larger than what one entry covers.
  package private(set) var changes: [Change] = []

  package init(
    _ pair: SpacePair, old: any PhysicalMemory, new: any PhysicalMemory, ignoring use: UInt64
  ) {
    var olds = NaiveDiff.stretches(of: pair.old, in: old)[...]
    var news = NaiveDiff.stretches(of: pair.new, in: new)[...]
    guard let scheme = (pair.new ?? pair.old)?.scheme else { return }
    // From border to border.
    while let start = [olds.first?.first, news.first?.first].compactMap(\.self).min() {
      let oldHere = olds.first.flatMap { $0.first <= start ? $0 : nil }
      let newHere = news.first.flatMap { $0.first <= start ? $0 : nil }
      let ends = [oldHere?.last, newHere?.last].compactMap(\.self)
      let starts = [olds.first?.first, news.first?.first].compactMap(\.self).filter { $0 > start }
      guard let last = (ends + starts.map { $0 - 1 }).min() else { return }
      if let kind = NaiveDiff.kind(oldHere?.kind, newHere?.kind, scheme, use) {
        changes.append(
          Change(
            first: start, length: last &- start &+ 1, kind: kind,
            oldFrame: NaiveDiff.frame(oldHere?.kind), newFrame: NaiveDiff.frame(newHere?.kind)))
      }
      NaiveDiff.cut(&olds, behind: last)
      NaiveDiff.cut(&news, behind: last)
    }
  }

  private static func cut(_ stretches: inout ArraySlice<Stretch>, behind last: UInt64) {
    guard let first = stretches.first, first.first <= last else { return }
    stretches.removeFirst()
    guard first.last > last else { return }
    var kind = first.kind
    if case .page(let frame, let level, let raw, let rights) = kind {
      kind = .page(frame: frame &+ (last - first.first + 1), level: level, raw: raw, rights: rights)
    }
    stretches = [Stretch(first: last + 1, last: first.last, kind: kind)] + stretches
  }

  private static func frame(_ kind: Stretch.Kind?) -> UInt64? {
    if case .page(let frame, _, _, _) = kind { frame } else { nil }
  }

  private static func kind(
    _ old: Stretch.Kind?, _ new: Stretch.Kind?, _ scheme: PagingScheme, _ use: UInt64
  ) -> ChangeKinds? {
    switch (old, new) {
    case (.unknown, _), (_, .unknown): return nil
    case (.mark, _), (_, .mark): return old == new ? nil : .marked
    case (nil, nil): return nil
    case (nil, _): return .added
    case (_, nil): return .removed
    case (
      .page(let oldFrame, let oldLevel, let oldRaw, let oldRights),
      .page(let newFrame, let newLevel, let newRaw, let newRights)
    ):
      if oldFrame != newFrame { return .moved }
      if oldRights != newRights { return .access }
      if oldLevel != newLevel { return .bits }
      let format = scheme.levels[oldLevel].format
      let rest = ~(format.leafAddress.allBits | format.rights.leafBits | use)
      return (oldRaw ^ newRaw) & rest == 0 ? nil : .bits
    }
  }

  private static func stretches(of space: AddressSpace?, in memory: any PhysicalMemory) -> [Stretch] {
    guard let space else { return [] }
    var result: [Stretch] = []
    for window in space.windows {
      list(
        PhysicalAddress(window.root.value & ~(window.scheme.rootAlignment - 1)), 0, base: 0, rights: .all,
        window, memory, &result)
    }
    return result
  }

  private static func list(
    _ table: PhysicalAddress, _ level: Int, base: UInt64, rights: Rights, _ window: AddressWindow,
    _ memory: any PhysicalMemory, _ result: inout [Stretch]
  ) {
    let scheme = window.scheme
    let (paging, size) = (scheme.levels[level], scheme.levels[level].format.entrySize)
    func stretch(_ offset: UInt64, _ length: UInt64, _ kind: Stretch.Kind) -> Stretch {
      let first = window.first.value &+ scheme.canonical(offset).value
      return Stretch(first: first, last: first &+ (length &- 1), kind: kind)
    }
    var raws: [UInt64] = []
    for slot in 0..<paging.entryCount {
      guard let raw = try? memory.read(at: table.advanced(by: UInt64(slot * size)), size: size) else {
        // The two halves are not neighbours.
        let half = UInt64(paging.entryCount) / (level == 0 ? 2 : 1)
        for part in 0..<(level == 0 ? 2 : 1) {
          result.append(
            stretch(base &+ UInt64(part) &* half &* paging.span, half &* paging.span, .unknown))
        }
        return
      }
      raws.append(raw)
    }
    for (slot, raw) in raws.enumerated() {
      let offset = base &+ UInt64(slot) &* paging.span
      switch paging.format.kind(of: raw) {
      case .absent, .malformed: break
      case .marked: result.append(stretch(offset, paging.span, .mark(raw: raw, level: level)))
      case .table:
        list(
          paging.format.tableAddress.address(in: raw), level + 1, base: offset,
          rights: rights.intersection(paging.format.rights(of: raw, kind: .table)), window, memory, &result)
      case .leaf:
        let own = rights.intersection(paging.format.rights(of: raw, kind: .leaf))
        result.append(
          stretch(
            offset, paging.span,
            .page(
              frame: paging.frame(of: raw, slot: slot).value, level: level, raw: raw,
              rights: scheme.granted(by: own))))
      }
    }
  }
}

extension RightsRules {
  /// The bits of a leaf that say what it allows.
  fileprivate var leafBits: UInt64 {
    [read, write, execute, userRead, userWrite, userExecute].reduce(0) { $0 | $1.leaf.mask }
  }
}
