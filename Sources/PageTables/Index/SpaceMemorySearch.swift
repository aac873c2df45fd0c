/// Counts the memory of all spaces: passes over all tables, then over those with leaves for the user, then over what each
/// space reaches of these.
struct SpaceMemorySearch {
  /// By space number.
  private(set) var result: [SpaceMemory]

  private let index: SpaceIndex
  private let memory: any PhysicalMemory
  private let limit: Int
  private let isCounted: [Bool]
  /// By group.
  private let tables: [UserTables]
  private let swapTests: [((Mark) -> Bool)?]
  /// By group, those with leaves for the user, level by level.
  private var found: [[UserTables.Table]]
  /// By group, what a path to each node leads to.
  private var sums: [[UserPaths.Sums]]
  private var mapped: MappedPages

  /// As many blocks as 128 GiB of scattered pages take.
  private static let leastBlocks = 1 << 16

  /// - Parameters:
  ///   - memory: one moment of it.
  ///   - isCounted: for each space, whether its mappings count.
  init(
    _ index: SpaceIndex, _ memory: any PhysicalMemory, isCounted: [Bool],
    _ swapTest: (PagingScheme) -> ((Mark) -> Bool)?, limit: Int
  ) {
    self.index = index
    self.memory = memory
    self.limit = limit
    self.isCounted = isCounted
    result = index.spaces.map { _ in SpaceMemory() }
    let levels = index.groups.flatMap { $0.graph.scheme.levels.filter { $0.allowsLeaves } }
    let shifts = Set(levels.map { UInt64($0.shift) }).sorted()
    tables = index.groups.map { group in UserTables(group, shifts: shifts) { isCounted[$0] } }
    swapTests = index.groups.map { swapTest($0.graph.scheme) }
    found = tables.map { _ in [] }
    sums = tables.map(\.paths.noSums)
    let nodeCount = tables.reduce(0) { $0 + $1.graph.count }
    // So many, where all pages of the source are mapped.
    let readable = Int(clamping: memory.extent.readable.length >> 21)
    mapped = MappedPages(
      shifts: shifts, mostBlocks: max(SpaceMemorySearch.leastBlocks, 2 * nodeCount, readable),
      mostSteps: limit)
  }

  /// - Returns: whether it was not cancelled.
  mutating func run(_ progress: (Double) -> Bool) -> Bool {
    for group in tables.indices {
      guard lookThrough(group, { progress(0.3 * $0) }) else { return false }
    }
    mapped.startCounting()
    for group in tables.indices where mapped.needsCounts {
      guard count(group, { progress(0.3 + 0.2 * $0) }) else { return false }
    }
    var residents = ResidentSearch(tables, found, memory, limit: limit)
    guard residents.run(&mapped, isCounted, &sums, { progress(0.5 + 0.5 * $0) }) else { return false }
    sumUp()
    for spaceNumber in result.indices {
      result[spaceNumber].residentBytes = residents.bytes[spaceNumber]
      result[spaceNumber].isComplete = mapped.isComplete && residents.isComplete[spaceNumber]
    }
    return progress(1)
  }

  /// Finds the tables with leaves for the user, the pages that these map, and what is swapped out.
  private mutating func lookThrough(_ group: Int, _ progress: (Double) -> Bool) -> Bool {
    let tables = tables[group]
    let isSwapped = swapTests[group]
    var found: [UserTables.Table] = []
    for level in tables.shapes.indices {
      let (shape, size) = (tables.shapes[level], tables.sizes[level])
      for node in tables.graph.nodes(at: level) {
        if node & 63 == 0, !progress(Double(node) / Double(tables.graph.count)) { return false }
        var swapped: UInt64 = 0
        var base: UInt64?
        let table = tables.look(
          through: node, shape, memory, takesMarks: isSwapped != nil,
          leaf: { raw, physical in
            mapped.add(physical, size: size, isOne: tables.paths.mappings(of: raw, in: node, shape) == 1)
          },
          mark: { slot, raw in
            guard let isSwapped else { return }
            let mark = tables.mark(raw, at: slot, of: node, level: level, base: &base)
            if isSwapped(mark) { swapped &+= shape.span }
          })
        if let table { found.append(table) }
        if swapped > 0 { tables.paths.add(swapped: swapped, of: node, to: &sums[group]) }
      }
    }
    self.found[group] = found
    return true
  }

  /// Counts the mappings of pages that have more than a few.
  private mutating func count(_ group: Int, _ progress: (Double) -> Bool) -> Bool {
    let tables = tables[group]
    for (position, table) in found[group].enumerated() {
      if position & 63 == 0, !progress(Double(position) / Double(found[group].count)) { return false }
      let level = tables.graph.level(of: table.node)
      let (shape, size) = (tables.shapes[level], tables.sizes[level])
      tables.forEachLeaf(in: table, shape, memory) { raw, physical in
        mapped.count(physical, size: size, tables.paths.mappings(of: raw, in: table.node, shape))
      }
    }
    return true
  }

  /// Hands what lies below each root to its space.
  private mutating func sumUp() {
    var shares = [Double](repeating: 0, count: result.count)
    for (group, tables) in tables.enumerated() {
      tables.paths.addBelow(to: &sums[group])
      for (member, root) in tables.graph.roots.enumerated() {
        let spaceNumber = tables.group.spaceNumbers[member]
        if swapTests[group] != nil, result[spaceNumber].swappedBytes == nil {
          result[spaceNumber].swappedBytes = 0
        }
        guard let root else { continue }
        let all = tables.paths.sums(ofRoot: root, in: sums[group])
        let (bytes, tooMany) = result[spaceNumber].userBytes.addingReportingOverflow(all.bytes)
        result[spaceNumber].userBytes = tooMany ? .max : bytes
        if let swapped = result[spaceNumber].swappedBytes {
          let (sum, overflow) = swapped.addingReportingOverflow(all.swapped)
          result[spaceNumber].swappedBytes = overflow ? .max : sum
        }
        shares[spaceNumber] += all.share
        let (sole, isPastAll) = result[spaceNumber].privateBytes.addingReportingOverflow(all.privateBytes)
        result[spaceNumber].privateBytes = isPastAll ? .max : sole
      }
    }
    sums = []
    for (spaceNumber, share) in shares.enumerated() {
      // 2^64 and above fit no byte count.
      let whole = share.rounded()
      result[spaceNumber].proportionalBytes = whole < 0x1p64 ? UInt64(whole) : .max
    }
  }
}
