/// What one side of a comparison has where a walk stands.
enum ComparedPlace {
  case nothing
  /// A table, and what the path to it allows.
  case table(PhysicalAddress, Rights)
  /// A page, or a part of one.
  case page(MappedContent)
  /// An entry that keeps something, or a part of what it covers: so many bytes from its start.
  case mark(raw: UInt64, level: Int, offset: UInt64)

  var isTable: Bool { if case .table = self { true } else { false } }

  /// The table's address; `TablePairs.none` where there is nothing, nil for what covers its addresses by itself.
  var tableKey: UInt64? {
    switch self {
    case .nothing: TablePairs.none
    case .table(let address, _): address.value
    case .page, .mark: nil
    }
  }

  /// What a part of it has, that begins so many bytes behind its start.
  func part(at offset: UInt64) -> ComparedPlace {
    switch self {
    case .nothing, .table: return self
    case .page(var page):
      page.physical = page.physical.advanced(by: offset)
      return .page(page)
    case .mark(let raw, let level, let start): return .mark(raw: raw, level: level, offset: start &+ offset)
    }
  }
}

/// The second pass: a walk over a window at both moments, only through pairs of tables that differ.
struct ChangeWalk<Sink: ChangeSink> {
  let tables: TableComparison
  let memories: TableComparison.Memories
  /// The part of the window that is wanted, as offsets.
  let bounds: ClosedRange<UInt64>
  var sink: Sink
  /// False if the walk was stopped before its end.
  private(set) var isComplete = true
  /// Tables that may still be visited until something comes of it: in hostile memory, paths without end can lead to
  /// changes that none of them lets pass.
  private var patience: Int
  /// No tables that anybody uses are more than those that were compared.
  private let mostVisits: Int

  /// Entries taken at a time; a table may have very many.
  private static var entriesInPiece: Int { 1024 }

  init(
    _ tables: TableComparison, _ memories: TableComparison.Memories, bounds: ClosedRange<UInt64>, sink: Sink
  ) {
    self.tables = tables
    self.memories = memories
    self.bounds = bounds
    self.sink = sink
    mostVisits = max(1 << 14, 2 * tables.pairs.count)
    patience = mostVisits
  }

  /// Walks from two tables on, or from a table that is there at one moment only.
  ///
  /// - Parameter companion: the tables of another space at the same addresses; what it has as well is left out.
  mutating func run(_ old: ComparedPlace, _ new: ComparedPlace, besides companion: Companion?) {
    isComplete = visit(old, new, level: 0, base: 0, companion)
  }

  /// What another space has at the same place: a table, or nothing.
  struct Companion {
    var old: ComparedPlace
    var new: ComparedPlace
  }

  /// Returns whether to continue. `base` is the offset of the table's first byte.
  private mutating func visit(
    _ old: ComparedPlace, _ new: ComparedPlace, level: Int, base: UInt64, _ companion: Companion?
  ) -> Bool {
    let compared = tables.levels[level]
    let first =
      bounds.lowerBound > base
      ? Int(truncatingIfNeeded: min((bounds.lowerBound &- base) &>> compared.shift, 1 << 32)) : 0
    guard bounds.upperBound >= base else { return true }
    let end = min(
      compared.entryCount,
      Int(truncatingIfNeeded: min((bounds.upperBound &- base) &>> compared.shift, 1 << 32)) + 1)
    guard first < end else { return true }
    if let oldKey = old.tableKey, let newKey = new.tableKey, haveEqualRights(old, new) {
      // What was not compared is not known.
      guard let kinds = tables.pairs.kinds(oldKey, newKey, level: level), !kinds.isEmpty else { return true }
      let isWhole =
        bounds.contains(base)
        && bounds.contains(base &+ (compared.span &* UInt64(compared.entryCount) &- 1))
      if isWhole, sink.take(kinds) { return true }
    }
    patience &-= 1
    guard patience > 0 else { return false }
    for start in stride(from: first, to: end, by: ChangeWalk.entriesInPiece) {
      let slots = start..<min(end, start + ChangeWalk.entriesInPiece)
      guard visit(slots, of: old, new, level: level, base: base, companion, compared) else { return false }
    }
    return true
  }

  private func haveEqualRights(_ old: ComparedPlace, _ new: ComparedPlace) -> Bool {
    guard case .table(_, let oldRights) = old, case .table(_, let newRights) = new else { return true }
    return oldRights == newRights
  }

  private mutating func visit(
    _ slots: Range<Int>, of old: ComparedPlace, _ new: ComparedPlace, level: Int, base: UInt64,
    _ companion: Companion?, _ compared: ComparedLevel
  ) -> Bool {
    guard let olds = entries(slots, of: old, compared.old.shape, memories.old),
      let news = entries(slots, of: new, compared.new.shape, memories.new)
    else { return true }
    let others = companion.flatMap { companion -> (old: [UInt64], new: [UInt64])? in
      guard let olds = entries(slots, of: companion.old, compared.old.shape, memories.old),
        let news = entries(slots, of: companion.new, compared.new.shape, memories.new)
      else { return nil }
      return (olds, news)
    }
    let canSkip = compared.readsAlike && old.isTable && new.isTable && haveEqualRights(old, new)
    for slot in slots {
      let number = slot &- slots.lowerBound
      let oldRaw = olds.isEmpty ? 0 : olds[number]
      let newRaw = news.isEmpty ? 0 : news[number]
      if oldRaw == newRaw, canSkip, oldRaw == 0 || compared.isLast { continue }
      let within = UInt64(truncatingIfNeeded: slot) &<< compared.shift
      let oldPlace = place(oldRaw, slot, in: old, compared.old, within)
      let newPlace = place(newRaw, slot, in: new, compared.new, within)
      var below: Companion?
      if let companion, let others {
        let otherOld = others.old.isEmpty ? 0 : others.old[number]
        let otherNew = others.new.isEmpty ? 0 : others.new[number]
        let next = Companion(
          old: place(otherOld, slot, in: companion.old, compared.old, within),
          new: place(otherNew, slot, in: companion.new, compared.new, within))
        if oldRaw | newRaw != 0, compared.haveSame(oldRaw, otherOld, oldPlace, next.old),
          compared.haveSame(newRaw, otherNew, newPlace, next.new)
        {
          continue
        }
        if next.old.tableKey != nil, next.new.tableKey != nil { below = next }
      }
      let goesOn =
        oldPlace.isTable || newPlace.isTable
        ? visit(oldPlace, newPlace, level: level &+ 1, base: base &+ within, below)
        : report(oldPlace, newPlace, base: base &+ within, compared)
      guard goesOn else { return false }
    }
    return true
  }

  /// The entries of a table; none of what is no table; nil where the table cannot be read.
  private func entries(
    _ slots: Range<Int>, of place: ComparedPlace, _ shape: PagingLevelShape, _ memory: any PhysicalMemory
  ) -> [UInt64]? {
    guard case .table(let address, _) = place else { return [] }
    var entries: [UInt64] = []
    entries.reserveCapacity(slots.count)
    do throws(MissingPage) {
      try memory.withEntries(of: address, level: shape, slots: slots) { page, offset, slots in
        for number in 0..<slots.count {
          entries.append(page.entry(at: offset &+ number &* shape.entrySize, size: shape.entrySize))
        }
        return true
      }
    } catch {
      return nil
    }
    return entries.count == slots.count ? entries : nil
  }

  /// What an entry of a table leads to, or the part of what is no table.
  private func place(
    _ raw: UInt64, _ slot: Int, in parent: ComparedPlace, _ level: MomentLevel, _ within: UInt64
  ) -> ComparedPlace {
    guard case .table(_, let path) = parent else { return parent.part(at: within) }
    guard raw != 0 else { return .nothing }
    return switch level.kind(of: raw) {
    case .absent, .malformed: .nothing
    case .marked: .mark(raw: raw, level: level.number, offset: 0)
    case .table: .table(PhysicalAddress(level.table(of: raw)), level.rights(through: raw, by: path))
    case .leaf: .page(level.page(raw, slot: slot, by: path))
    }
  }

  /// Hands on what differs between two places that are no tables.
  private mutating func report(
    _ old: ComparedPlace, _ new: ComparedPlace, base: UInt64, _ compared: ComparedLevel
  ) -> Bool {
    guard let kind = kind(old, new) else { return true }
    let last = base &+ (compared.span &- 1)
    let cut = bounds.lowerBound > base ? bounds.lowerBound &- base : 0
    let length = min(last, bounds.upperBound) &- base &- cut &+ 1
    patience = mostVisits
    return sink.add(kind, old.part(at: cut), new.part(at: cut), offset: base &+ cut, length: length, tables)
  }

  private func kind(_ old: ComparedPlace, _ new: ComparedPlace) -> ChangeKinds? {
    switch (old, new) {
    case (.mark(let oldRaw, let oldLevel, _), .mark(let newRaw, let newLevel, _)):
      return oldRaw == newRaw && oldLevel == newLevel ? nil : .marked
    case (.mark, _), (_, .mark): return .marked
    case (.nothing, .page): return .added
    case (.page, .nothing): return .removed
    case (.page(let old), .page(let new)):
      if old.physical != new.physical { return .moved }
      if old.rights != new.rights { return .access }
      if old.level != new.level || old.pageSize != new.pageSize { return .bits }
      return tables.levels[old.level].haveOtherBits(old.raw, new.raw) ? .bits : nil
    default: return nil
    }
  }
}

extension ComparedLevel {
  /// Whether the entries of two spaces at one moment say the same, and allow the same.
  fileprivate func haveSame(
    _ raw: UInt64, _ otherRaw: UInt64, _ place: ComparedPlace, _ other: ComparedPlace
  ) -> Bool {
    switch (place, other) {
    case (.nothing, .nothing): true
    case (.table(let address, let rights), .table(let otherAddress, let otherRights)):
      address == otherAddress && rights == otherRights
    case (.page(let page), .page(let otherPage)):
      (raw ^ otherRaw) & ~ignoredOfLeaves == 0 && page.rights == otherPage.rights
    case (.mark, .mark): raw == otherRaw
    default: false
    }
  }
}
