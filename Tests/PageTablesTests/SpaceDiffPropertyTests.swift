import PageTables
import TestSupport
import Testing

/// `SpaceDiff` and a naive comparison agree on random memories and random changes to them.
@Suite struct SpaceDiffPropertyTests {
  /// Memories small enough to be compared entry by entry.
  private static let seeds: [String: [UInt64]] = [
    "x86-32": [0, 1, 2, 3], "x86-pae": [0, 4, 6, 8], "x86-64": [1, 2, 3, 4], "x86-64-la57": [1, 2, 4, 5],
  ]
  private static let cases = RandomTables.schemes.flatMap { scheme in
    seeds[scheme, default: []].map { (scheme, $0) }
  }

  /// Changes a few entries: other bits, other entries of the same memory, nothing.
  private func change(_ tables: RandomTables, entrySize: Int, _ random: inout SeededRandom) -> TableMemory {
    var memory = tables.memory
    let slots = 4096 / entrySize
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      let table = random.pick(tables.tables)
      let used = (0..<slots).filter { memory.entry(table: table, slot: $0, size: entrySize) != 0 }
      guard let slot = used.randomElement(using: &random) else { continue }
      let raw = memory.entry(table: table, slot: slot, size: entrySize) ?? 0
      let other = memory.entry(table: table, slot: random.pick(used), size: entrySize) ?? 0
      let changed: UInt64 = random.pick([
        0, raw ^ 1, raw ^ 2, raw ^ 4, raw ^ 0x20, raw ^ 0x40, raw ^ 0x200, raw ^ 0x1000, raw ^ 0x80, other,
        entrySize == 8 ? raw ^ 1 << 63 : raw ^ 0x100,
      ])
      memory.set(table: table, slot: slot, to: changed, size: entrySize)
    }
    return memory
  }

  @Test(arguments: cases, [0, 1, 2, 3, 4, 5] as [UInt64])
  func changesAreTheNaiveOnes(_ memory: (scheme: String, seed: UInt64), round: UInt64) throws {
    let tables = RandomTables(scheme: memory.scheme, seed: memory.seed)
    var random = SeededRandom(seed: memory.seed &* 31 &+ round)
    let new = change(tables, entrySize: memory.scheme == "x86-32" ? 4 : 8, &random)
    let pairs = tables.spaces.map { SpacePair(old: $0, new: $0) }
    for countsUse in [false, true] {
      let diff = try #require(SpaceDiff(old: tables.memory, new: new, spaces: pairs, countsUse: countsUse))
      #expect(diff.isComplete)
      for (number, pair) in pairs.enumerated() {
        let naive = NaiveDiff(pair, old: tables.memory, new: new, ignoring: countsUse ? 0 : 0x60)
        #expect(compare(diff.changes(ofSpace: number), naive.changes) == [])
        // What is told quickly may be too much, never too little.
        let kinds = naive.changes.reduce(into: ChangeKinds()) { $0.formUnion($1.kind) }
        #expect(diff.kinds(ofSpace: number).isEmpty ? kinds.isEmpty : true)
        for change in naive.changes.prefix(64) {
          let first = VirtualAddress(change.first)
          let last = VirtualAddress(change.first &+ (change.length &- 1))
          #expect(diff.kinds(ofSpace: number, from: first, through: last).contains(change.kind))
          let within = diff.changes(ofSpace: number, from: first, through: last)
          #expect(compare(within, [change]) == [])
        }
      }
    }
  }

  @Test(arguments: cases)
  func whatCameAndWhatWentIsAllThatWasThere(scheme: String, seed: UInt64) throws {
    let tables = RandomTables(scheme: scheme, seed: seed)
    let pairs = [SpacePair(old: nil, new: tables.spaces[0]), SpacePair(old: tables.spaces[0], new: nil)]
    let diff = try #require(SpaceDiff(old: tables.memory, new: tables.memory, spaces: pairs))
    for (number, pair) in pairs.enumerated() {
      let naive = NaiveDiff(pair, old: tables.memory, new: tables.memory, ignoring: 0)
      #expect(compare(diff.changes(ofSpace: number), naive.changes) == [])
    }
  }

  /// What differs between ranges and the changes that they were joined from, in words; nothing where they agree.
  private func compare(_ ranges: [ChangedRange], _ naive: [NaiveDiff.Change]) -> [String] {
    var wrong: [String] = []
    var rest = naive[...]
    for range in ranges {
      var offset: UInt64 = 0
      while offset < range.length {
        guard let next = rest.popFirst() else { return wrong + ["too much: \(range)"] }
        let ours = NaiveDiff.Change(
          first: range.virtual.value &+ offset, length: next.length, kind: range.kind,
          oldFrame: frame(range.old, offset), newFrame: frame(range.new, offset))
        if ours != next { wrong.append("\(ours), naive \(next)") }
        offset += next.length
        if wrong.count > 3 { return wrong }
      }
      if offset != range.length { wrong.append("\(range) ends elsewhere") }
    }
    return wrong + rest.prefix(3).map { "missing: \($0)" }
  }

  private func frame(_ content: RangeContent, _ offset: UInt64) -> UInt64? {
    if case .page(let page) = content { page.physical.value &+ offset } else { nil }
  }
}
