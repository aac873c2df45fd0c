import PageTables

extension SpaceMap {
  /// The lowest address from `start` on at which an entry of the picture's level, or a larger page, is present.
  func nextMapped(from start: UInt64, _ memory: any PhysicalMemory) -> UInt64? {
    for part in parts where part.end > start {
      var search = MappedSearch(
        map: self, part, memory: memory, start: max(start, part.start), limit: part.end, isForward: true)
      if let found = search.visit(part.window.root, level: 0, base: part.start) { return found }
    }
    return nil
  }

  /// The highest address below `limit` at which one is.
  func previousMapped(before limit: UInt64, _ memory: any PhysicalMemory) -> UInt64? {
    for part in parts.reversed() where part.start < limit {
      var search = MappedSearch(
        map: self, part, memory: memory, start: part.start, limit: min(limit, part.end), isForward: false)
      if let found = search.visit(part.window.root, level: 0, base: part.start) { return found }
    }
    return nil
  }
}

/// A search for the first entry that is present, in one direction; reads no more of a table than it has to.
private struct MappedSearch {
  let scheme: PagingScheme
  /// The level whose entries the picture looks at.
  let lastLevel: Int
  let memory: any PhysicalMemory
  /// Where it begins, and one past where it ends, in the picture.
  let start: UInt64
  let limit: UInt64
  let isForward: Bool
  /// Tables that may still be read: in hostile memory a million empty ones can stand in a row. What was not
  /// looked at then counts as mapped.
  private var budget = 600

  init(
    map: SpaceMap, _ part: SpaceMap.Part, memory: any PhysicalMemory, start: UInt64, limit: UInt64,
    isForward: Bool
  ) {
    scheme = part.window.scheme
    lastLevel = map.level(of: scheme)
    self.memory = memory
    self.start = start
    self.limit = limit
    self.isForward = isForward
  }

  mutating func visit(_ table: PhysicalAddress, level index: Int, base: UInt64) -> UInt64? {
    budget -= 1
    let level = scheme.levels[index]
    let span = level.span
    let first = start > base ? (start - base) / span : 0
    let last = limit > base ? (limit - 1 - base) / span : 0
    guard limit > base, first < UInt64(level.entryCount) else { return nil }
    var slots = Int(first)..<Int(min(last, UInt64(level.entryCount) - 1)) + 1
    while let (slot, raw) = present(in: TableReference(address: table, level: index), slots) {
      let address = base &+ UInt64(slot) &* span
      // Of a page that begins before, or ends behind, what was asked for is what lies inside.
      let found = isForward ? max(address, start) : min(limit, address &+ span) - 1
      guard level.format.kind(of: raw) == .table, index < lastLevel else { return found }
      let below = level.format.tableAddress.address(in: raw)
      if let below = visit(below, level: index + 1, base: address) { return below }
      if budget <= 0 { return found }
      slots = isForward ? slot + 1..<max(slot + 1, slots.upperBound) : slots.lowerBound..<slot
    }
    return nil
  }

  /// The first entry, in the direction of the search, that is not 0.
  private func present(
    in table: TableReference, _ slots: Range<Int>
  ) -> (slot: Int, raw: UInt64)? {
    var found: (slot: Int, raw: UInt64)?
    try? memory.forEachEntry(of: table, in: scheme, slots: slots) { slot, raw, _ in
      found = (slot, raw)
      return !isForward
    }
    return found
  }
}
