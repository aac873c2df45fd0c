import PageTables

extension SpaceMap {
  /// The lowest address from `start` on at which an entry of the picture's level, or a larger page, is present.
  func nextMapped(from start: UInt64, _ memory: any PhysicalMemory) -> UInt64? {
    guard start < end else { return nil }
    var search = MappedSearch(map: self, memory: memory, start: start, limit: end, isForward: true)
    return search.visit(space.root, level: 0, base: 0)
  }

  /// The highest address below `limit` at which one is.
  func previousMapped(before limit: UInt64, _ memory: any PhysicalMemory) -> UInt64? {
    guard limit > 0 else { return nil }
    var search = MappedSearch(map: self, memory: memory, start: 0, limit: limit, isForward: false)
    return search.visit(space.root, level: 0, base: 0)
  }
}

/// A search for the first entry that is present, in one direction; reads no more of a table than it has to.
private struct MappedSearch {
  let map: SpaceMap
  let memory: any PhysicalMemory
  /// Where it begins, and one past where it ends, in the translated bits.
  let start: UInt64
  let limit: UInt64
  let isForward: Bool
  /// Tables that may still be read: in hostile memory a million empty ones can stand in a row. What was not
  /// looked at then counts as mapped.
  private var budget = 600

  init(map: SpaceMap, memory: any PhysicalMemory, start: UInt64, limit: UInt64, isForward: Bool) {
    self.map = map
    self.memory = memory
    self.start = start
    self.limit = limit
    self.isForward = isForward
  }

  mutating func visit(_ table: PhysicalAddress, level index: Int, base: UInt64) -> UInt64? {
    budget -= 1
    let level = map.space.scheme.levels[index]
    let span = level.span
    let first = start > base ? (start - base) / span : 0
    let last = limit > base ? (limit - 1 - base) / span : 0
    guard limit > base, first < UInt64(level.entryCount) else { return nil }
    var slots = Int(first)..<Int(min(last, UInt64(level.entryCount) - 1)) + 1
    while let (slot, raw) = present(in: TableReference(address: table, level: index), slots) {
      let address = base &+ UInt64(slot) &* span
      // Of a page that begins before, or ends behind, what was asked for is what lies inside.
      let found = isForward ? max(address, start) : min(limit, address &+ span) - 1
      guard level.format.kind(of: raw) == .table, index < map.level else { return found }
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
    try? memory.forEachEntry(of: table, in: map.space.scheme, slots: slots) { slot, raw, _ in
      found = (slot, raw)
      return !isForward
    }
    return found
  }
}
