import PageTables

/// Holds the engine's walks of a random memory against the naive walker's. Each check gives the promises that
/// it found broken, empty when all is well.
package struct WalkChecks {
  private let tables: RandomTables
  private let label: String
  private var random: SeededRandom
  /// Walks that the naive walker may spend on one space; a memory that takes more is left out.
  private let limit: Int

  /// The checks of one memory; `scheme` is one of `RandomTables.schemes`, `limit` bounds the work.
  package init(scheme: String, seed: UInt64, limit: Int = 12_000) {
    tables = RandomTables(scheme: scheme, seed: seed)
    label = "\(scheme) seed \(seed): "
    random = SeededRandom(seed: ~seed)
    self.limit = limit
  }

  /// Whether all spaces are small enough to be compared in full.
  package var isComplete: Bool { tables.naive.allSatisfy { $0.survey(limit: limit) != nil } }

  /// Leaves, and what was passed over, are those of the naive walk; addresses ascend.
  package func leaves() -> [String] {
    eachSpace { space, naive in
      guard let survey = naive.survey(limit: limit) else { return [] }
      var found: [Leaf] = []
      let summary = space.forEachLeaf(in: tables.memory) { leaf in
        found.append(leaf)
        return true
      }
      return [
        expect(found.map { page($0, space) } == survey.pages.map(comparable), "leaves differ"),
        expect(zip(found, found.dropFirst()).allSatisfy { $0.virtual < $1.virtual }, "leaves do not ascend"),
        expect(summary.leaves == UInt64(survey.pages.count), "count of leaves"),
        expect(summary.markedEntries == survey.marked, "count of marked entries"),
        expect(summary.malformedEntries == survey.malformed, "count of malformed entries"),
        expect(summary.missingTables == survey.missing, "count of missing tables"),
        expect(summary.isComplete, "walk says that it is incomplete"),
      ]
    }
  }

  /// Ranges, with both merge rules and between random bounds, are the naive pages joined and cut.
  package mutating func ranges() -> [String] {
    var problems: [String] = []
    for (space, naive) in zip(tables.spaces, tables.naive) {
      guard let all = naive.survey(limit: limit) else { continue }
      for round in 0..<6 {
        let first = round == 0 ? nil : randomAddress(near: all.pages, naive)
        let last = round == 0 ? nil : randomAddress(near: all.pages, naive)
        guard let survey = naive.survey(from: first ?? 0, through: last ?? .max, limit: limit) else {
          continue
        }
        for rule in [MergeRule.virtualAndPhysical, .virtualOnly] {
          var found: [MappedRange] = []
          _ = space.forEachRange(in: tables.memory, from: bound(first), through: bound(last), merging: rule) {
            found.append($0)
            return true
          }
          let expected = NaiveWalker.ranges(
            of: survey.pages, from: first ?? 0, through: last ?? .max,
            samePhysical: rule == .virtualAndPhysical
          ).map { range($0, first ?? 0, last ?? .max, space) }
          if found != expected {
            problems.append(label + "ranges \(rule) from \(hex(first)) through \(hex(last)) differ")
          }
        }
        var leaves: [Leaf] = []
        _ = space.forEachLeaf(in: tables.memory, from: bound(first), through: bound(last)) { leaf in
          leaves.append(leaf)
          return true
        }
        if leaves.map({ page($0, space) }) != survey.pages.map(comparable) {
          problems.append(label + "leaves from \(hex(first)) through \(hex(last)) differ")
        }
      }
    }
    return problems
  }

  /// Translations are the naive walk's, step by step: of bytes in leaves, and of any address.
  package mutating func translations() -> [String] {
    var problems: [String] = []
    for (space, naive) in zip(tables.spaces, tables.naive) {
      let pages = naive.survey(limit: limit)?.pages ?? []
      for _ in 0..<60 {
        let address = randomAddress(near: pages, naive)
        let walk = naive.walk(address)
        let translation = space.translate(VirtualAddress(address), in: tables.memory)
        let steps = translation.steps.map { step in
          let size = space.scheme.levels[step.level].format.entrySize
          return NaiveWalker.Entry(address: step.table.value + UInt64(step.slot * size), value: step.raw)
        }
        if steps != walk.entries { problems.append(label + "steps of \(hex(address)) differ") }
        if !isSame(translation.page, walk.page, address) {
          problems.append(label + "page of \(hex(address)) differs")
        }
        if faultName(translation) != walk.fault {
          problems.append(label + "fault of \(hex(address)) differs")
        }
      }
    }
    return problems
  }

  /// Every leaf of the walk translates to itself, at its first and its last byte.
  package func leavesTranslate() -> [String] {
    eachSpace { space, naive in
      guard naive.survey(limit: limit) != nil else { return [] }
      var problems: [String?] = []
      _ = space.forEachLeaf(in: tables.memory) { leaf in
        let size = space.scheme.levels[leaf.level].span
        for offset in [0, size - 1] {
          let page = space.translate(leaf.virtual.advanced(by: offset), in: tables.memory).page
          let isSame =
            page?.physical == leaf.physical.advanced(by: offset) && page?.access == leaf.access
            && page?.pageSize == size
          problems.append(expect(isSame, "leaf \(hex(leaf.virtual.value)) translates elsewhere"))
        }
        return true
      }
      return problems
    }
  }

  /// Runs, folded and not, expand to the entries of their table, at every level that it can be read at.
  package func runs() -> [String] {
    tables.spaces.prefix(1).flatMap { space in
      var problems: [String?] = []
      for (index, level) in space.scheme.levels.enumerated() {
        for table in tables.tables {
          for folded in [true, false] {
            let reference = TableReference(address: PhysicalAddress(table), level: index)
            let runs = try? space.scheme.runs(of: reference, in: tables.memory, folded: folded)
            let isRight = expandsToEntries(runs ?? [], table, level)
            problems.append(expect(isRight, "runs of \(hex(table)) at level \(index) differ"))
            if !folded {
              let isSingle = runs?.allSatisfy { $0.kind == .absent || $0.count == 1 } ?? false
              problems.append(expect(isSingle, "unfolded runs of \(hex(table)) are folded"))
            }
          }
        }
      }
      return problems.compactMap { $0 }
    }
  }

  /// The graph holds the tables that a plain search finds, with their leaves, edges and reach, and reads each once.
  package func graph() -> [String] {
    guard let scheme = tables.spaces.first?.scheme else { return [] }
    let before = tables.memory.pageReads
    guard let graph = TableGraph(roots: tables.spaces.map(\.root), scheme: scheme, memory: tables.memory)
    else {
      return [label + "the graph was cancelled"]
    }
    let reads = tables.memory.pageReads - before
    let reach = tables.spaces.map { PlainSearch(root: $0.root.value, scheme: scheme, memory: tables.memory) }
    let expected = reach.reduce(into: [:] as [TableReference: UInt32]) {
      $0.merge($1.leaves) { one, _ in one }
    }
    let readable = (0..<graph.count).filter { graph.isReadable($0) }
    let found = Dictionary(
      uniqueKeysWithValues: readable.map { (graph.table($0), UInt32(graph.leaves(in: $0))) })
    let spaces = TableCounts(graph).spaces
    let bytes = graph.bytesBelow()
    var problems = [
      expect(found == expected, "tables of the graph differ"),
      expect(reads == readable.count, "\(readable.count) tables took \(reads) reads"),
      expect(
        readable.allSatisfy { node in
          spaces[node] == reach.count(where: { $0.leaves[graph.table(node)] != nil })
        }, "spaces that reach a table differ"),
      expect(
        (0..<graph.count).allSatisfy { node in graph.children(of: node).allSatisfy { Int($0) > node } },
        "a child stands before its parent"),
    ]
    for ((space, naive), root) in zip(zip(tables.spaces, tables.naive), graph.roots) {
      guard let survey = naive.survey(limit: limit), let root else { continue }
      let total = survey.pages.reduce(0) { $0 + $1.size }
      problems.append(expect(bytes[root] == total, "bytes below \(hex(space.root.value)) differ"))
    }
    return problems.compactMap { $0 }
  }

  /// Ranges of both merge rules, cut into pages and put end to end, are the leaves.
  package func rangesExpandToLeaves() -> [String] {
    eachSpace { space, naive in
      guard naive.survey(limit: limit) != nil else { return [] }
      var leaves: [Leaf] = []
      _ = space.forEachLeaf(in: tables.memory) { leaf in
        leaves.append(leaf)
        return true
      }
      var problems: [String?] = []
      for rule in [MergeRule.virtualAndPhysical, .virtualOnly] {
        var rest = leaves[...]
        _ = space.forEachRange(in: tables.memory, merging: rule) { range in
          for offset in stride(from: 0, to: range.length, by: Int(space.scheme.levels[range.level].span)) {
            guard let leaf = rest.popFirst() else {
              problems.append(label + "more pages in ranges than leaves")
              return false
            }
            let follows = rule == .virtualOnly || leaf.physical == range.physical.advanced(by: offset)
            let attributes = space.scheme.levels[leaf.level].leafAttributes
            let isPage =
              leaf.virtual == range.virtual.advanced(by: offset) && leaf.level == range.level
              && leaf.access == range.access && (leaf.raw ^ range.raw) & attributes == 0
            problems.append(
              expect(isPage && follows, "range at \(hex(range.virtual.value)) is not its leaves"))
          }
          return true
        }
        problems.append(expect(rest.isEmpty, "ranges leave out leaves"))
      }
      return problems
    }
  }

  /// All of the above.
  package mutating func all() -> [String] {
    leaves() + rangesExpandToLeaves() + ranges() + translations() + leavesTranslate() + runs() + graph()
  }

  // MARK: Parts

  private func expect(_ isTrue: Bool, _ problem: @autoclosure () -> String) -> String? {
    isTrue ? nil : label + problem()
  }

  private func eachSpace(_ check: (AddressSpace, NaiveWalker) -> [String?]) -> [String] {
    zip(tables.spaces, tables.naive).flatMap { check($0, $1).compactMap { $0 } }
  }

  private func bound(_ address: UInt64?) -> VirtualAddress? { address.map { VirtualAddress($0) } }

  private func hex(_ value: UInt64?) -> String { value.map { "0x" + String($0, radix: 16) } ?? "the end" }

  /// An address in or beside a page, at the edge of a half, or anywhere at all.
  private mutating func randomAddress(near pages: [NaiveWalker.Page], _ naive: NaiveWalker) -> UInt64 {
    switch Int.random(in: 0..<6, using: &random) {
    case 0:
      let edges = naive.halves.flatMap { [$0.lowerBound, $0.upperBound] }
      return random.pick(edges) &+ random.pick([0, 1, ~0, 0x1000, ~0xfff])
    case 1: return random.next()
    case 2: return random.pick(naive.halves.map { UInt64.random(in: $0, using: &random) })
    default:
      guard !pages.isEmpty else { return random.next() & 0xffff_ffff }
      let page = random.pick(pages)
      let offset = random.pick([
        0, ~0, page.size, page.size - 1, UInt64.random(in: 0..<page.size, using: &random),
      ])
      return page.virtual &+ offset
    }
  }

  private func access(_ page: NaiveWalker.Page) -> Access {
    var access: Access = []
    if page.isWritable { access.insert(.write) }
    if page.isUser { access.insert(.user) }
    if page.isExecutable { access.insert(.execute) }
    return access
  }

  /// A naive page without what a leaf does not tell.
  private func comparable(_ page: NaiveWalker.Page) -> NaiveWalker.Page {
    var page = page
    page.attributes = 0
    return page
  }

  private func page(_ leaf: Leaf, _ space: AddressSpace) -> NaiveWalker.Page {
    NaiveWalker.Page(
      virtual: leaf.virtual.value, physical: leaf.physical.value, size: space.scheme.levels[leaf.level].span,
      isWritable: leaf.access.contains(.write), isUser: leaf.access.contains(.user),
      isExecutable: leaf.access.contains(.execute), entry: leaf.raw, attributes: 0)
  }

  /// The range that a group of naive pages makes between two bounds.
  private func range(_ pages: [NaiveWalker.Page], _ first: UInt64, _ last: UInt64, _ space: AddressSpace)
    -> MappedRange
  {
    let page = pages[0]
    let start = max(page.virtual, first)
    let end = min(pages[pages.count - 1].virtual + (page.size - 1), last)
    return MappedRange(
      virtual: VirtualAddress(start), physical: PhysicalAddress(page.physical + (start - page.virtual)),
      length: end - start + 1, level: space.scheme.levels.firstIndex { $0.span == page.size } ?? -1,
      raw: page.entry, rights: Rights(access(page)))
  }

  private func faultName(_ translation: Translation) -> String? {
    guard case .fault(let fault) = translation.outcome else { return nil }
    return switch fault {
    case .nonCanonical: "non-canonical"
    case .noRoot: "no-root"
    case .absent: "absent"
    case .marked: "marked"
    case .malformed: "malformed"
    case .tableMissing: "not-in-dump"
    }
  }

  private func isSame(_ found: MappedPage?, _ page: NaiveWalker.Page?, _ address: UInt64) -> Bool {
    guard let found, let page else { return found == nil && page == nil }
    let physical = page.physical + (address - page.virtual)
    return found.physical.value == physical && found.pageSize == page.size && found.access == access(page)
      && found.isInDump == tables.tables.contains(physical & ~0xfff)
  }

  private func expandsToEntries(_ runs: [EntryRun], _ table: UInt64, _ level: PagingLevel) -> Bool {
    var slot = 0
    for run in runs {
      guard run.slot == slot, run.count >= 1 else { return false }
      for index in 0..<run.count {
        let raw = tables.memory.entry(table: table, slot: slot, size: level.format.entrySize)
        // In a run only the address of a leaf moves; x86 keeps it in place, save for PSE-36's high part.
        let moved = UInt64(index) &* run.stride
        let address = (run.address.value &+ moved)
        let low = run.kind == .leaf ? address & level.format.leafAddress.mask : 0
        let high =
          run.kind == .leaf
          ? (address &>> level.format.leafAddress.highShift) & level.format.leafAddress.highMask : 0
        let rest = run.kind == .leaf ? run.raw & level.leafAttributes : run.raw
        guard raw == rest | low | high else { return false }
        slot += 1
      }
    }
    return slot == level.entryCount
  }
}

/// The tables below one root and the leaves in each, found the plain way, one entry at a time.
private struct PlainSearch {
  var leaves: [TableReference: UInt32] = [:]

  init(root: UInt64, scheme: PagingScheme, memory: TableMemory) {
    var open = [TableReference(address: PhysicalAddress(root), level: 0)]
    while let table = open.popLast() {
      let level = scheme.levels[table.level]
      guard leaves[table] == nil, memory.entry(table: table.address.value, slot: 0) != nil else { continue }
      leaves[table] = 0
      for slot in 0..<level.entryCount {
        let raw = memory.entry(table: table.address.value, slot: slot, size: level.format.entrySize) ?? 0
        switch level.format.kind(of: raw) {
        case .leaf: leaves[table, default: 0] += 1
        case .table:
          open.append(
            TableReference(address: level.format.tableAddress.address(in: raw), level: table.level + 1))
        default: break
        }
      }
    }
  }
}

/// Checks `iterations` random memories of each scheme.
///
/// - Returns: each broken promise with the seed that shows it; that nothing traps shows by returning.
package func fuzzWalker(seed: UInt64, iterations: Int) -> [String] {
  var problems: [String] = []
  for iteration in 0..<iterations {
    for scheme in RandomTables.schemes {
      var checks = WalkChecks(scheme: scheme, seed: seed &+ UInt64(iteration), limit: 40_000)
      problems += checks.all()
    }
  }
  return problems
}
