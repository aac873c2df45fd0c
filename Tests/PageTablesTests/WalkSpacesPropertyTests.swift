import PageTables
import TestSupport
import Testing

/// Promises that hold in every memory, tried on random ones: what the list says is what a plain walker finds.
@Suite struct WalkSpacesPropertyTests {
  /// Random tables, and more spaces over them than they come with: several roots, some twice.
  private struct Case {
    let tables: RandomTables
    let scheme: PagingScheme
    let roots: [UInt64]
    let seed: UInt64
    var random: SeededRandom

    init(_ name: String, seed: UInt64) {
      self.seed = seed
      tables = RandomTables(scheme: name, seed: seed)
      random = SeededRandom(seed: seed &+ 0x5eed)
      scheme = tables.spaces[0].scheme
      var roots = tables.spaces.map(\.root.value)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        roots.append(random.once(in: 3) ? random.pick(roots) : random.pick(tables.tables))
      }
      if random.once(in: 4) { roots.append(0xdead_b000) }
      self.roots = roots
    }

    func walk(_ first: UInt64? = nil, _ length: UInt64? = nil) -> SharedWalk {
      var options = WalkSpacesOptions()
      options.listsEveryLeaf = true
      options.listsTables = true
      return walkSpaces(
        roots.map { PhysicalAddress($0) }.spaces(scheme), in: tables.memory,
        from: first.map { VirtualAddress($0) }, length: length, options: options)
    }

    func naive(_ spaceNumber: Int) -> NaiveWalker {
      var walker = tables.naive[0]
      walker.root = roots[spaceNumber]
      return walker
    }

    /// What a plain walker finds, cut to the bounds; nil where that takes too long.
    func pieces(_ spaceNumber: Int, _ first: UInt64, _ last: UInt64) -> [WalkExpansion.Piece]? {
      guard let survey = naive(spaceNumber).survey(from: first, through: last, limit: 6_000) else {
        return nil
      }
      return survey.pages.map { page in
        let start = max(page.virtual, first)
        let end = min(page.virtual &+ (page.size - 1), last)
        var access: Access = []
        if page.isWritable { access.insert(.write) }
        if page.isUser { access.insert(.user) }
        if page.isExecutable { access.insert(.execute) }
        return WalkExpansion.Piece(
          va: start, pa: page.physical &+ (start - page.virtual), length: end - start + 1,
          level: scheme.levels.firstIndex { $0.span == page.size } ?? -1, raw: page.entry, access: access)
      }
    }

    /// Bounds near something that is mapped, cut through a page now and then, or anywhere.
    mutating func bounds(_ walk: SharedWalk) -> (first: UInt64, length: UInt64) {
      let starts = walk.items.joined().map { item in
        switch item {
        case .mapping(let range, _): range.virtual.value
        case .reference(let reference, _, _): reference.ourVA.value
        case .table(let table): table.virtual.value
        }
      }
      let near = starts.isEmpty ? 0 : random.pick(starts)
      let offset: UInt64 = random.pick([0, 1, 0x1000, 0x5800, 0x20_0000, 0x4020_1000, ~0xfff, ~0])
      let first = random.once(in: 8) ? random.next() : near &+ offset
      let length: UInt64 = random.pick([
        1, 0x1000, 0x3801, 0x20_0000, 0x60_1000, 0x4000_0000, 0x80_4000_1000, 1 << 47, .max,
      ])
      return (first, length)
    }
  }

  private static let seeds: Range<UInt64> = 0..<40

  /// How many spaces were compared with the plain walker, and what differed.
  private struct Comparison {
    var compared = 0
    var problems: [String] = []

    mutating func add(_ trial: Case, _ walk: SharedWalk, _ first: UInt64, _ last: UInt64) {
      let expansion = WalkExpansion(walk, scheme: trial.scheme)
      problems += expansion.problems
      for spaceNumber in trial.roots.indices {
        guard let expected = trial.pieces(spaceNumber, first, last) else { continue }
        compared += 1
        if expansion.pieces(of: spaceNumber) != expected {
          problems.append(
            "seed \(trial.seed), space \(spaceNumber), \(AddressText.hex(first))...\(AddressText.hex(last))")
        }
      }
    }
  }

  @Test(arguments: RandomTables.schemes) func expandedReferencesAreThePlainWalk(_ scheme: String) {
    var comparison = Comparison()
    for seed in Self.seeds {
      let trial = Case(scheme, seed: seed)
      comparison.add(trial, trial.walk(), 0, .max)
    }
    #expect(comparison.problems.prefix(3) == [])
    #expect(comparison.compared > 30)
  }

  @Test(arguments: RandomTables.schemes) func expandedReferencesAreThePlainWalkBetweenBounds(_ scheme: String)
  {
    var comparison = Comparison()
    for seed in Self.seeds {
      var trial = Case(scheme, seed: seed)
      let whole = trial.walk()
      for _ in 0..<6 {
        let (first, length) = trial.bounds(whole)
        let (sum, overflow) = first.addingReportingOverflow(length - 1)
        // Bounds are widened to whole pages, and an end without its sign extension is one of the upper half.
        var last = (overflow ? .max : sum) | 0xfff
        let top = UInt64(1) << UInt64(min(trial.scheme.virtualAddressBits, 63))
        if trial.scheme.isSignExtended, first < top, last >= top / 2, last < 0 &- top / 2 {
          last = last < top ? last | ~(top - 1) : .max
        }
        comparison.add(trial, trial.walk(first, length), first & ~0xfff, last)
      }
    }
    #expect(comparison.problems.prefix(3) == [])
    #expect(comparison.compared > 400)
  }

  @Test(arguments: RandomTables.schemes) func noTableIsReadTwice(_ scheme: String) {
    for seed in Self.seeds {
      let trial = Case(scheme, seed: seed)
      let before = trial.tables.memory.pageReads
      let walk = trial.walk()
      let reads = trial.tables.memory.pageReads - before
      let own = WalkExpansion(walk, scheme: trial.scheme).ownTables.map(\.table.table)
      let plain = PlainTables(trial.roots, trial.scheme, trial.tables.memory)
      #expect(Set(own) == Set(plain.found.keys))
      #expect(own.count == plain.found.count && reads == own.count, "seed \(seed)")
      // Every entry that points at a table is either the one that owns it or a reference.
      let references = walk.spaces.reduce(0) { $0 + $1.references }
      #expect(Int(references) == plain.pointers - own.count, "seed \(seed)")
      #expect(walk.spaces.reduce(0) { $0 + $1.summary.missingTables } == plain.missing, "seed \(seed)")
      #expect(walk.spaces.reduce(0) { $0 + $1.summary.leaves } == plain.leaves, "seed \(seed)")
    }
  }

  @Test(arguments: RandomTables.schemes) func eachReferenceNamesTheFirstPlace(_ scheme: String) {
    var checked = 0
    for seed in Self.seeds {
      let trial = Case(scheme, seed: seed)
      guard let first = PlainPlaces(trial.roots, trial.scheme, trial.tables.memory, limit: 50_000)?.first
      else {
        continue
      }
      let walk = trial.walk()
      for spaceNumber in trial.roots.indices {
        for reference in walk.references(of: spaceNumber) {
          #expect(first[reference.table]?.spaceNumber == reference.owner, "seed \(seed)")
          #expect(first[reference.table]?.virtual == reference.theirVA, "seed \(seed)")
          checked += 1
        }
      }
    }
    #expect(checked > 100)
  }

  @Test(arguments: RandomTables.schemes) func noPartOfATableIsWalkedTwiceBetweenBounds(_ scheme: String) {
    for seed in Self.seeds {
      var trial = Case(scheme, seed: seed)
      let whole = trial.walk()
      let (first, length) = trial.bounds(whole)
      let before = trial.tables.memory.pageReads
      let own = WalkExpansion(trial.walk(first, length), scheme: trial.scheme).ownTables.map(\.table.table)
      #expect(trial.tables.memory.pageReads - before == own.count)
      // Cut at its low end, cut at its high end, and whole.
      #expect(Dictionary(grouping: own, by: \.self).values.allSatisfy { $0.count <= 3 }, "seed \(seed)")
    }
  }

  @Test(arguments: RandomTables.schemes) func joinedRangesHoldTheSameLeaves(_ scheme: String) {
    for seed in Self.seeds {
      let trial = Case(scheme, seed: seed)
      let roots = trial.roots.map { PhysicalAddress($0) }
      let joined = walkSpaces(roots.spaces(trial.scheme), in: trial.tables.memory)
      let each = trial.walk()
      for spaceNumber in roots.indices {
        func bytes(_ walk: SharedWalk) -> UInt64 {
          walk.items[spaceNumber].reduce(0) { sum, item in
            if case .mapping(let range, _) = item { sum &+ range.length } else { sum }
          }
        }
        #expect(bytes(joined) == bytes(each))
        #expect(joined.references(of: spaceNumber) == each.references(of: spaceNumber))
        #expect(joined.spaces[spaceNumber] == each.spaces[spaceNumber])
      }
    }
  }
}

/// The entries of a table that point at tables, slot by slot.
private func pointers(
  _ table: TableReference, _ scheme: PagingScheme, _ memory: TableMemory
) -> [(slot: Int, table: TableReference)] {
  let level = scheme.levels[table.level]
  return (0..<level.entryCount).compactMap { slot in
    let raw = memory.entry(table: table.address.value, slot: slot, size: level.format.entrySize) ?? 0
    guard level.format.kind(of: raw) == .table else { return nil }
    return (slot, TableReference(address: level.format.tableAddress.address(in: raw), level: table.level + 1))
  }
}

/// All tables below some roots, each looked at once.
private struct PlainTables {
  var found: [TableReference: Bool] = [:]
  /// Roots, and entries of distinct tables, that point at a table that can be read.
  var pointers = 0
  /// The same for those that cannot.
  var missing: UInt64 = 0
  var leaves: UInt64 = 0

  init(_ roots: [UInt64], _ scheme: PagingScheme, _ memory: TableMemory) {
    var open = roots.map { TableReference(address: PhysicalAddress($0), level: 0) }
    while let table = open.popLast() {
      guard memory.entry(table: table.address.value, slot: 0) != nil else {
        missing += 1
        continue
      }
      pointers += 1
      guard found.updateValue(true, forKey: table) == nil else { continue }
      let level = scheme.levels[table.level]
      for slot in 0..<level.entryCount {
        let raw = memory.entry(table: table.address.value, slot: slot, size: level.format.entrySize) ?? 0
        if level.format.kind(of: raw) == .leaf { leaves += 1 }
      }
      open += PageTablesTests.pointers(table, scheme, memory).map(\.table)
    }
  }
}

/// The first place of every table, by going down every path.
private struct PlainPlaces {
  var first: [TableReference: (spaceNumber: Int, virtual: VirtualAddress)] = [:]
  private var budget: Int
  private var known: [TableReference: [(slot: Int, table: TableReference)]] = [:]

  init?(_ roots: [UInt64], _ scheme: PagingScheme, _ memory: TableMemory, limit: Int) {
    budget = limit
    for (spaceNumber, root) in roots.enumerated() {
      visit(TableReference(address: PhysicalAddress(root), level: 0), spaceNumber, 0, scheme, memory)
      if budget < 0 { return nil }
    }
  }

  private mutating func visit(
    _ table: TableReference, _ spaceNumber: Int, _ base: UInt64, _ scheme: PagingScheme, _ memory: TableMemory
  ) {
    budget -= 1
    guard budget >= 0 else { return }
    if first[table] == nil { first[table] = (spaceNumber, scheme.canonical(base)) }
    let below = known[table] ?? pointers(table, scheme, memory)
    known[table] = below
    for (slot, child) in below {
      visit(
        child, spaceNumber, base + UInt64(slot) << UInt64(scheme.levels[table.level].shift), scheme, memory)
    }
  }
}
