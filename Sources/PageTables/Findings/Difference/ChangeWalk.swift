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
  let memories: ComparedMemories
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
    _ tables: TableComparison, _ memories: ComparedMemories, bounds: ClosedRange<UInt64>, sink: Sink
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
    guard let pieces = differing(slots, old, new, compared) else { return true }
    for piece in pieces {
      let within = UInt64(truncatingIfNeeded: piece.slot) &<< compared.shift
      let oldPlace = place(piece.old, piece.slot, in: old, compared.old, within)
      let newPlace = place(piece.new, piece.slot, in: new, compared.new, within)
      var below: Companion?
      if let companion, let next = part(of: companion, at: piece.slot, compared, within) {
        if piece.old | piece.new != 0, compared.haveSame(piece.old, next.oldRaw, oldPlace, next.places.old),
          compared.haveSame(piece.new, next.newRaw, newPlace, next.places.new)
        {
          continue
        }
        if next.places.old.tableKey != nil, next.places.new.tableKey != nil { below = next.places }
      }
      let goesOn =
        oldPlace.isTable || newPlace.isTable
        ? visit(oldPlace, newPlace, level: level &+ 1, base: base &+ within, below)
        : report(oldPlace, newPlace, base: base &+ within, compared)
      guard goesOn else { return false }
    }
    return true
  }

  /// A slot, and its entries in both tables; 0 where there is none.
  private struct SlotPair {
    let slot: Int
    let old: UInt64
    let new: UInt64
  }

  /// The slots with, or below, which anything may differ; nil where a table cannot be read.
  private func differing(
    _ slots: Range<Int>, _ old: ComparedPlace, _ new: ComparedPlace, _ compared: ComparedLevel
  ) -> [SlotPair]? {
    var found: [SlotPair] = []
    if case .table(let oldTable, let oldRights) = old, case .table(let newTable, let newRights) = new {
      let canSkip = compared.readsAlike && oldRights == newRights
      let isRead = memories.forEachPart(of: oldTable.value, newTable.value, compared, slots: slots) {
        append($0, from: $1, $2, from: $3, slots: $4, canSkip: canSkip, compared, to: &found)
      }
      return isRead ? found : nil
    }
    let isOld = old.isTable
    guard case .table(let table, _) = isOld ? old : new else { return [] }
    // What stands beside a table by itself differs from its absent entries as well.
    let other = isOld ? new : old
    let takesAbsent = other.tableKey == nil
    let reader = isOld ? compared.old : compared.new
    do throws(MissingPage) {
      try (isOld ? memories.old : memories.new).withEntries(of: table, level: reader.shape, slots: slots) {
        page, offset, slots in
        for (number, slot) in slots.enumerated() {
          let raw = page.entry(at: offset &+ number &* compared.entrySize, size: compared.entrySize)
          if raw != 0 || takesAbsent {
            found.append(SlotPair(slot: slot, old: isOld ? raw : 0, new: isOld ? 0 : raw))
          }
        }
        return true
      }
    } catch {
      return nil
    }
    return found
  }

  /// The same for the parts of two tables that lie in one page each.
  private func append(
    _ old: RawSpan, from oldStart: Int, _ new: RawSpan, from newStart: Int, slots: Range<Int>, canSkip: Bool,
    _ compared: ComparedLevel, to found: inout [SlotPair]
  ) {
    let size = compared.entrySize
    let length = slots.count &* size
    var (position, slot) = (0, slots.lowerBound)
    while slot < slots.upperBound {
      let (oldOffset, newOffset, rest) = (oldStart &+ position, newStart &+ position, length &- position)
      let same =
        canSkip && compared.isLast
        ? old.equalLength(from: oldOffset, new, from: newOffset, of: rest)
        : old.blankLength(from: oldOffset, new, from: newOffset, of: rest)
      position &+= same
      slot &+= same / size
      let end = min(slots.upperBound, slot &+ max(1, RawSpan.lineSize / size))
      while slot < end {
        let oldRaw = old.entry(at: oldStart &+ position, size: size)
        let newRaw = new.entry(at: newStart &+ position, size: size)
        if oldRaw | newRaw != 0, !(canSkip && oldRaw == newRaw && isSame(oldRaw, compared)) {
          found.append(SlotPair(slot: slot, old: oldRaw, new: newRaw))
        }
        slot &+= 1
        position &+= size
      }
    }
  }

  /// Whether nothing differs below an entry that both tables have.
  private func isSame(_ raw: UInt64, _ compared: ComparedLevel) -> Bool {
    guard !compared.isLast, compared.old.kind(of: raw) == .table else { return true }
    let child = compared.old.table(of: raw)
    // What was not compared is not known.
    return tables.pairs.kinds(child, child, level: compared.old.number &+ 1)?.isEmpty ?? true
  }

  /// What another space has at a slot; nil where that cannot be read.
  private func part(
    of companion: Companion, at slot: Int, _ compared: ComparedLevel, _ within: UInt64
  ) -> (places: Companion, oldRaw: UInt64, newRaw: UInt64)? {
    guard let oldRaw = entry(of: companion.old, slot, compared, memories.old),
      let newRaw = entry(of: companion.new, slot, compared, memories.new)
    else { return nil }
    let places = Companion(
      old: place(oldRaw, slot, in: companion.old, compared.old, within),
      new: place(newRaw, slot, in: companion.new, compared.new, within))
    return (places, oldRaw, newRaw)
  }

  private func entry(
    of place: ComparedPlace, _ slot: Int, _ compared: ComparedLevel, _ memory: any PhysicalMemory
  ) -> UInt64? {
    guard case .table(let address, _) = place else { return 0 }
    let entry = address.advanced(by: UInt64(slot &* compared.entrySize))
    return try? memory.read(at: entry, size: compared.entrySize)
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
