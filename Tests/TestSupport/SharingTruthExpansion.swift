import PageTables

/// What the list of `walkSpaces` says about each space once every reference is replaced by what it names, again
/// and again. It needs a walk that lists every leaf and all tables, and goes by the list alone.
package struct WalkExpansion {
  /// A leaf, or the part of it that the bounds leave.
  package struct Piece: Hashable, Sendable {
    package var va: UInt64
    package var pa: UInt64
    /// Bytes.
    package var length: UInt64
    package var level: Int
    package var raw: UInt64
    package var access: Access

    package init(va: UInt64, pa: UInt64, length: UInt64, level: Int, raw: UInt64, access: Access) {
      self.va = va
      self.pa = pa
      self.length = length
      self.level = level
      self.raw = raw
      self.access = access
    }
  }

  private struct Item {
    let first: UInt64
    let last: UInt64
    /// Raw entries from the root's on, down to the leaf or to the entry that points at the shared table.
    let path: [UInt64]
    let isLeaf: Bool
    let access: Access
    let range: MappedRange?
    let reference: SpaceReferenceMapping?
  }

  /// Every broken promise of the list itself; empty when all is well.
  package private(set) var problems: [String] = []
  /// Every table with the place whose own it is, in the order of the list.
  package private(set) var ownTables: [(spaceNumber: Int, table: OwnTable)] = []
  private let scheme: PagingScheme
  private var items: [[Item]] = []

  package init(_ walk: SharedWalk, scheme: PagingScheme) {
    self.scheme = scheme
    for spaceNumber in walk.items.indices { take(walk, spaceNumber) }
  }

  private mutating func take(_ walk: SharedWalk, _ spaceNumber: Int) {
    var flat: [Item] = []
    var path: [UInt64] = []
    var end: UInt64?
    for item in walk.items[spaceNumber] {
      let taken: Item
      switch item {
      case .table(let table):
        // The entries above the table's level stay; its own root has none.
        if table.table.level > 0 { path = path.prefix(table.table.level - 1) + [table.entry] }
        if let end, table.virtual.value <= end { problems.append("\(spaceNumber): a table inside \(end)") }
        ownTables.append((spaceNumber, table))
        continue
      case .mapping(let range, _):
        taken = Item(
          first: range.virtual.value, last: range.virtual.value &+ (range.length &- 1),
          path: path.prefix(range.level) + [range.raw], isLeaf: true, access: range.access, range: range,
          reference: nil)
      case .reference(let reference, let entry, let rights):
        taken = Item(
          first: reference.ourVA.value, last: reference.ourVA.value &+ (reference.length &- 1),
          path: reference.depth == 0 ? [] : path.prefix(reference.depth - 1) + [entry], isLeaf: false,
          access: rights.access, range: nil, reference: reference)
        if (reference.owner, reference.theirVA.value) >= (spaceNumber, reference.ourVA.value) {
          problems.append("\(spaceNumber): \(reference) points ahead")
        }
        if reference.owner >= walk.spaces.count || walk.spaces[reference.owner].root != reference.space {
          problems.append("\(spaceNumber): \(reference) names another root than its owner's")
        }
      }
      if taken.last < taken.first || end.map({ taken.first <= $0 }) ?? false {
        problems.append("\(spaceNumber): not ascending at \(String(taken.first, radix: 16))")
      }
      if fold(taken, from: 0, .all) != taken.access {
        problems.append("\(spaceNumber): access at \(String(taken.first, radix: 16)) is not its path's")
      }
      end = taken.last
      flat.append(taken)
    }
    items.append(flat)
  }

  /// What is left of `access` after the item's path from a level on.
  private func fold(_ item: Item, from level: Int, _ access: Access) -> Access {
    var access = access
    for index in item.path.indices.dropFirst(level) {
      let isLeaf = item.isLeaf && index == item.path.count - 1
      let format = scheme.levels[index].format
      access.formIntersection(format.access(of: item.path[index], kind: isLeaf ? .leaf : .table))
    }
    return access
  }

  /// All leaves of a space, in ascending virtual address.
  ///
  /// - Returns: nil when there are more than `limit`.
  package func pieces(of spaceNumber: Int, limit: Int = .max) -> [Piece]? {
    var pieces: [Piece] = []
    var budget = limit
    let isWhole = expand(
      spaceNumber, from: 0, through: .max, at: 0, level: 0, access: .all, into: &pieces, budget: &budget)
    return isWhole ? pieces : nil
  }

  /// Appends what a space maps from `first` to `last` as it appears at `address`, below a table of `level` that is
  /// reached with `access`. Answers whether the budget was enough.
  private func expand(
    _ spaceNumber: Int, from first: UInt64, through last: UInt64, at address: UInt64, level: Int,
    access: Access,
    into pieces: inout [Piece], budget: inout Int
  ) -> Bool {
    let list = items[spaceNumber]
    var low = 0
    var high = list.count
    while low < high {
      let middle = (low + high) / 2
      if list[middle].last < first { low = middle + 1 } else { high = middle }
    }
    for item in list[low...] {
      guard item.first <= last else { break }
      budget -= 1
      guard budget >= 0 else { return false }
      let start = max(first, item.first)
      let end = min(last, item.last)
      let there = address &+ (start &- first)
      let folded = fold(item, from: level, access)
      if let range = item.range {
        pieces.append(
          Piece(
            va: there, pa: range.physical.value &+ (start &- item.first), length: end &- start &+ 1,
            level: range.level, raw: range.raw, access: folded))
      } else if let reference = item.reference {
        let theirs = reference.theirVA.value &+ (start &- item.first)
        guard
          expand(
            reference.owner, from: theirs, through: theirs &+ (end &- start), at: there,
            level: reference.depth, access: folded, into: &pieces, budget: &budget)
        else { return false }
      }
    }
    return true
  }

  /// The tables that each space reaches, its own and those below its references, for a walk without bounds.
  package func reachedTables() -> [Set<TableReference>] {
    let own = items.indices.map { spaceNumber in
      ownTables.filter { $0.spaceNumber == spaceNumber }.map(\.table)
    }
    var known: [TableReference: Set<TableReference>] = [:]
    /// Own tables and references of a place between two addresses, below a level.
    func below(_ spaceNumber: Int, _ first: UInt64, _ last: UInt64, _ level: Int) -> Set<TableReference> {
      var found: Set<TableReference> = []
      for table in own[spaceNumber] where table.table.level >= level {
        if table.virtual.value >= first && table.virtual.value <= last { found.insert(table.table) }
      }
      for item in items[spaceNumber] where item.first >= first && item.last <= last {
        guard let reference = item.reference else { continue }
        if known[reference.table] == nil {
          known[reference.table] = below(
            reference.owner, reference.theirVA.value, reference.theirVA.value &+ (reference.length &- 1),
            reference.depth)
        }
        found.formUnion(known[reference.table] ?? [])
      }
      return found
    }
    return items.indices.map { below($0, 0, .max, 0) }
  }
}
