import PageTables

/// What two spaces map at the same addresses, in bytes.
struct ComparedBytes: Hashable, Sendable {
  /// Tables that are the very same, the topmost of each branch.
  var sharedTables = 0
  /// What they map.
  var throughShared: UInt64 = 0
  /// The same frames, by entries of their own.
  var same: UInt64 = 0
  /// Other frames.
  var different: UInt64 = 0
  var onlyLeft: UInt64 = 0
  var onlyRight: UInt64 = 0
  /// Whether there was more to read than one look may.
  var isCut = false

  var isSame: Bool { !isCut && different == 0 && onlyLeft == 0 && onlyRight == 0 }

  mutating func add(_ other: ComparedBytes) {
    sharedTables += other.sharedTables
    throughShared &+= other.throughShared
    same &+= other.same
    different &+= other.different
    onlyLeft &+= other.onlyLeft
    onlyRight &+= other.onlyRight
    isCut = isCut || other.isCut
  }
}

/// Compares sub-trees of two spaces of one paging scheme, entry by entry at the same addresses; or of one space at two
/// moments.
struct SubtreeComparison {
  let window: AddressWindow
  let left: any PhysicalMemory
  let right: any PhysicalMemory
  /// Whether both sides are read at one moment: then a table is the same as itself.
  let isOneMoment: Bool
  /// Entries that may still be read: a key must not wait for more.
  var budget: Int

  var scheme: PagingScheme { window.scheme }

  /// What an entry leads to, as far as a comparison goes.
  struct Side: Hashable, Sendable {
    var kind = EntryKind.absent
    var raw: UInt64 = 0
    var address = PhysicalAddress(0)

    var isPresent: Bool { kind == .table || kind == .leaf }
  }

  /// The entries of a table by slot; none of a table that cannot be read.
  mutating func sides(of table: PhysicalAddress, level: Int, in memory: any PhysicalMemory) -> [Int: Side] {
    var sides: [Int: Side] = [:]
    let shape = scheme.levels[level]
    budget -= 64
    _ = try? memory.forEachEntry(of: TableReference(address: table, level: level), in: scheme) {
      slot, raw, kind in
      guard kind != .absent else { return true }
      var side = Side(kind: kind, raw: raw)
      if kind == .table { side.address = shape.format.tableAddress.address(in: raw) }
      if kind == .leaf { side.address = shape.frame(of: raw, slot: slot) }
      sides[slot] = side
      return true
    }
    budget -= sides.count
    return sides
  }

  /// Whether two leaves are the same to whoever compares: of two spaces, by their frames; of two moments, by what they
  /// allow, too.
  private func isSame(_ one: Side, _ other: Side, level: Int) -> Bool {
    guard one.address == other.address else { return false }
    let format = scheme.levels[level].format
    return isOneMoment || format.rights(of: one.raw, kind: .leaf) == format.rights(of: other.raw, kind: .leaf)
  }

  /// What a table maps, and those below it.
  private mutating func bytes(below table: PhysicalAddress, level: Int, isCut: inout Bool) -> UInt64 {
    guard level < scheme.levels.count, budget > 0 else {
      isCut = true
      return 0
    }
    var sum: UInt64 = 0
    for side in sides(of: table, level: level, in: left).values {
      if side.kind == .leaf { sum &+= scheme.levels[level].span }
      if side.kind == .table { sum &+= bytes(below: side.address, level: level + 1, isCut: &isCut) }
    }
    return sum
  }

  /// The same, with no more than a fair part of what may still be read: so many entries are still to come.
  mutating func compare(_ left: Side, _ right: Side, level: Int, sharingWith others: Int) -> ComparedBytes {
    let kept = budget - budget / (others + 1)
    budget -= kept
    defer { budget += kept }
    return compare(left, right, level: level)
  }

  /// What the tables that two entries at the same address point at have in common.
  mutating func compare(_ left: Side, _ right: Side, level: Int) -> ComparedBytes {
    var result = ComparedBytes()
    let span = scheme.levels[level].span
    switch (left.kind, right.kind) {
    case (.leaf, .leaf):
      if isSame(left, right, level: level) { result.same = span } else { result.different = span }
    case (.table, .table) where isOneMoment && left.address == right.address:
      result.sharedTables = 1
      result.throughShared = bytes(below: left.address, level: level + 1, isCut: &result.isCut)
    case (.table, .leaf), (.leaf, .table): result.different = span
    case (.leaf, _): result.onlyLeft = span
    case (_, .leaf): result.onlyRight = span
    case (.table, _), (_, .table):
      guard level + 1 < scheme.levels.count, budget > 0 else {
        result.isCut = true
        return result
      }
      let lefts = left.kind == .table ? sides(of: left.address, level: level + 1, in: self.left) : [:]
      let rights = right.kind == .table ? sides(of: right.address, level: level + 1, in: self.right) : [:]
      for slot in Set(lefts.keys).union(rights.keys).sorted() {
        result.add(compare(lefts[slot] ?? Side(), rights[slot] ?? Side(), level: level + 1))
      }
    default: break
    }
    return result
  }
}
