/// Counts the memory that each space maps for its user, every page once; and, as it reads each table for that, the bytes
/// of its leaves, each divided by the number of its mappings.
///
/// A table whose pages nothing else maps adds the same to every space that reaches it. Only the others are read again:
/// once for a space, or for all spaces that reach the same tables.
struct ResidentSearch {
  /// By space number.
  private(set) var bytes: [UInt64]
  private(set) var isComplete: [Bool]

  private let tables: [UserTables]
  private let memory: any PhysicalMemory
  /// The tables with leaves for the user, largest pages first.
  private let shelves: [Shelf]
  /// For each shelf and table, `unread`, `mappedElsewhere`, or the bytes of its leaves, which nothing else maps.
  private var states: [[UInt64]]
  /// For each group and space, the roots.
  private let roots: [[[TableGraph.Node]]]
  private var known: [Signature: (bytes: UInt64, isComplete: Bool)] = [:]
  /// How many leaves may still be visited again.
  private var leavesLeft: Int
  private let seeds = (UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max))

  private static let unread = UInt64.max
  private static let mappedElsewhere = UInt64.max - 1

  /// The tables of one level of a group.
  private struct Shelf {
    let group: Int
    let level: Int
    var tables: [UserTables.Table] = []
  }

  /// Which tables a space reaches, and how: the sum of one random number per table.
  private struct Signature: Hashable {
    var low: UInt64 = 0
    var high: UInt64 = 0
  }

  private struct Visit {
    /// By its place on the shelf.
    let table: UInt32
    /// The kinds of paths by which the space reaches it.
    let kinds: UInt8
  }

  /// - Parameters:
  ///   - found: by group, the tables with leaves for the user, level by level.
  ///   - limit: the most leaves to visit again.
  init(_ tables: [UserTables], _ found: [[UserTables.Table]], _ memory: any PhysicalMemory, limit: Int) {
    leavesLeft = limit
    self.tables = tables
    self.memory = memory
    let spaceCount = tables.reduce(0) { max($0, ($1.group.spaceNumbers.max() ?? -1) + 1) }
    bytes = [UInt64](repeating: 0, count: spaceCount)
    isComplete = [Bool](repeating: true, count: spaceCount)
    roots = tables.map { tables in
      var roots = [[TableGraph.Node]](repeating: [], count: spaceCount)
      for (member, root) in tables.graph.roots.enumerated() {
        if let root { roots[tables.group.spaceNumbers[member]].append(root) }
      }
      return roots
    }
    var shelves: [Shelf] = []
    for (group, found) in found.enumerated() {
      for table in found {
        let level = tables[group].graph.level(of: table.node)
        if shelves.last?.group != group || shelves.last?.level != level {
          shelves.append(Shelf(group: group, level: level))
        }
        shelves[shelves.count - 1].tables.append(table)
      }
    }
    shelves.sort { tables[$0.group].shapes[$0.level].shift > tables[$1.group].shapes[$1.level].shift }
    self.shelves = shelves
    states = shelves.map { [UInt64](repeating: ResidentSearch.unread, count: $0.tables.count) }
  }

  /// Counts for all spaces.
  ///
  /// - Parameters:
  ///   - mapped: knows the mappings of all pages.
  ///   - isCounted: for each space, whether its mappings count.
  ///   - sums: by group, get the shares of each table.
  /// - Returns: whether it was not cancelled.
  mutating func run(
    _ mapped: inout MappedPages, _ isCounted: [Bool], _ sums: inout [[UserPaths.Sums]],
    _ progress: (Double) -> Bool
  ) -> Bool {
    mapped.startSeeing()
    // Whether a table is alone is known for spaces that count. Most others reach the tables of one that does.
    let order = isCounted.indices.filter { isCounted[$0] } + isCounted.indices.filter { !isCounted[$0] }
    for start in stride(from: 0, to: order.count, by: 64) {
      let batch = Array(order[start..<min(start + 64, order.count)])
      let reaches = tables.indices.map { group in
        tables[group].paths.reach(from: batch.map { roots[group][$0] })
      }
      let signatures = signatures(of: batch.count, reaches)
      // Of spaces that reach the same tables, the first is counted.
      var isFirst: UInt64 = 0
      for (bit, signature) in signatures.enumerated() where known[signature] == nil {
        known[signature] = (0, true)
        isFirst |= 1 << UInt64(bit)
      }
      let visits = visits(of: batch.count, isFirst, reaches)
      for (bit, spaceNumber) in batch.enumerated() {
        guard progress(Double(start) / Double(order.count)) else { return false }
        if isFirst & 1 << UInt64(bit) != 0 {
          known[signatures[bit]] = count(visits[bit], &mapped, &sums, isCounted: isCounted[spaceNumber])
        }
        (bytes[spaceNumber], isComplete[spaceNumber]) = known[signatures[bit]] ?? (0, true)
      }
    }
    return true
  }

  /// Which tables each of up to 64 spaces reaches, in short.
  private func signatures(of count: Int, _ reaches: [UserPaths.Reach]) -> [Signature] {
    var signatures = [Signature](repeating: Signature(), count: count)
    for shelf in shelves {
      let reach = reaches[shelf.group]
      let isPlain = tables[shelf.group].paths.isPlain
      for table in shelf.tables {
        var bits = reach.spaces(reaching: table.node)
        var mark = mark(of: table, shelf.group, kinds: 1)
        while bits != 0 {
          let bit = bits.trailingZeroBitCount
          bits &= bits &- 1
          if !isPlain {
            mark = self.mark(of: table, shelf.group, kinds: reach.kinds(of: bit, reaching: table.node))
          }
          signatures[bit].low &+= mark.low
          signatures[bit].high &+= mark.high
        }
      }
    }
    return signatures
  }

  /// The random number of a table that a space reaches by some kinds of paths.
  @inline(__always)
  private func mark(of table: UserTables.Table, _ group: Int, kinds: UInt8) -> Signature {
    let name = UInt64(table.node) << 24 ^ UInt64(group) << 8 ^ UInt64(kinds)
    return Signature(
      low: ResidentSearch.mixed(name &+ seeds.0), high: ResidentSearch.mixed(name ^ seeds.1))
  }

  /// The tables that some of up to 64 spaces reach, for each space and shelf.
  private func visits(of count: Int, _ wanted: UInt64, _ reaches: [UserPaths.Reach]) -> [[[Visit]]] {
    let none = [[Visit]](repeating: [], count: shelves.count)
    var visits = [[[Visit]]](repeating: none, count: count)
    guard wanted != 0 else { return visits }
    for (number, shelf) in shelves.enumerated() {
      for (place, table) in shelf.tables.enumerated() {
        var bits = reaches[shelf.group].spaces(reaching: table.node) & wanted
        while bits != 0 {
          let bit = bits.trailingZeroBitCount
          bits &= bits &- 1
          let kinds = reaches[shelf.group].kinds(of: bit, reaching: table.node)
          visits[bit][number].append(Visit(table: UInt32(truncatingIfNeeded: place), kinds: kinds))
        }
      }
    }
    return visits
  }

  /// A number from which its source cannot be told (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
  /// Generators", OOPSLA 2014).
  @inline(__always)
  private static func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value &+ 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// Counts for one space, larger pages before smaller ones.
  private mutating func count(
    _ visits: [[Visit]], _ mapped: inout MappedPages, _ sums: inout [[UserPaths.Sums]], isCounted: Bool
  ) -> (bytes: UInt64, isComplete: Bool) {
    mapped.forgetSeen()
    var bytes: UInt64 = 0
    var isComplete = true
    for number in shelves.indices {
      let shelf = shelves[number]
      let tables = tables[shelf.group]
      let (shape, size) = (tables.shapes[shelf.level], tables.sizes[shelf.level])
      for visit in visits[number] {
        let place = Int(visit.table)
        let table = shelf.tables[place]
        let state = states[number][place]
        if state == ResidentSearch.unread {
          states[number][place] = read(
            table, of: tables, shape, size, visit.kinds, &mapped, &sums[shelf.group], seen: &bytes)
        } else if state != ResidentSearch.mappedElsewhere, isCounted {
          bytes &+= state
        } else if leavesLeft > tables.graph.leaves(in: table.node) {
          leavesLeft -= tables.graph.leaves(in: table.node)
          tables.forEachLeaf(in: table, shape, memory) { raw, physical in
            if tables.paths.isPlain || tables.paths.isOpen(raw, to: visit.kinds, shape) {
              bytes &+= mapped.see(physical, size: size)
            }
          }
        } else {
          isComplete = false
        }
      }
    }
    return (bytes, isComplete)
  }

  /// Reads a table for the first time, for a space that reaches it by some kinds of paths; returns its state.
  private func read(
    _ table: UserTables.Table, of tables: UserTables, _ shape: PagingLevelShape, _ size: Int, _ kinds: UInt8,
    _ mapped: inout MappedPages, _ sums: inout [UserPaths.Sums], seen: inout UInt64
  ) -> UInt64 {
    var bytes: UInt64 = 0
    // Which of its leaves are open depends on the path, where paths differ in more than whether they are open.
    var isAlone = tables.paths.isPlain
    tables.forEachLeaf(in: table, shape, memory) { raw, physical in
      let share = mapped.share(
        physical, size: size, tables.paths.mappings(of: raw, in: table.node, shape))
      bytes &+= shape.span
      isAlone = isAlone && share.isAlone
      tables.paths.add(raw, of: table.node, shape, share: share, to: &sums)
      if tables.paths.isPlain || tables.paths.isOpen(raw, to: kinds, shape) {
        seen &+= mapped.see(physical, size: size)
      }
    }
    return isAlone ? bytes : ResidentSearch.mappedElsewhere
  }
}
