import Canvas
import Explorer
import Glibc
import Guests
import PageTables
import Records
import TestSupport

/// Reads memory that is rewritten at random between any two readings: index, frames, mirrors, findings, walks, the
/// explorer's lists and pictures, an export. What must hold is that all of it ends, stays inside, and does not grow.
struct ChangingMemoryRun {
  private let seed: UInt64
  private let spaces: [AddressSpace]
  private let memory: ChangingMemory
  private(set) var problems: [String] = []

  /// Whether no promise was broken for so long.
  static func run(seconds: Int) -> Bool {
    let clock = ContinuousClock()
    let start = clock.now
    let first = UInt64.random(in: 0..<1 << 48)
    var rounds: UInt64 = 0
    var broken = 0
    var slowest = Duration.zero
    var early = 0
    while clock.now - start < .seconds(seconds) {
      for scheme in RandomTables.schemes {
        let began = clock.now
        var round = ChangingMemoryRun(scheme, seed: first &+ rounds)
        round.run()
        for problem in round.problems { print("seed \(first &+ rounds), \(scheme): \(problem)") }
        broken += round.problems.count
        slowest = max(slowest, clock.now - began)
      }
      rounds += 1
      if rounds == 20 { early = residentPages() }
    }
    let growth = rounds > 20 ? (residentPages() - early) * 4096 / (1 << 20) : 0
    print(
      "\(rounds) rounds of \(RandomTables.schemes.count) schemes from seed \(first), \(broken) problems; slowest \(slowest), "
        + "grown by \(growth) MiB since round 20")
    return broken == 0 && growth < 256
  }

  private static func residentPages() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 200)
    guard fgets(&line, 200, file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }

  private init(_ scheme: String, seed: UInt64) {
    self.seed = seed
    let tables = RandomTables(scheme: scheme, seed: seed)
    memory = ChangingMemory(over: tables.memory, pages: tables.tables, seed: seed)
    spaces = tables.spaces + tables.spaces.reversed()
  }

  private mutating func check(_ holds: Bool, _ promise: String) { if !holds { problems.append(promise) } }

  private mutating func run() {
    guard let index = SpaceIndex(spaces, memory: memory) else {
      problems.append("an index that nobody cancelled is made")
      return
    }
    check(index.tables.count == index.tableCount, "every table is listed")
    for table in index.tables.prefix(8) {
      let aliases = index.aliases(of: table.table.address, in: memory, limit: 1000)
      for group in aliases.groups.prefix(8) {
        check(
          index.members(of: group, mapping: aliases.physical, limit: 50).count <= 50, "limits are kept")
      }
    }
    _ = index.memoryOfSpaces(in: memory, swapTest: { _ in { $0.raw & 2 != 0 } })
    let mirrors = Mirrors(of: index, in: memory)
    check(mirrors.all.allSatisfy { $0.length > 0 }, "no mirror is empty")
    let findings = Findings(of: index, in: memory, kernelStart: \.upperHalf)
    check(
      findings.all.allSatisfy { spaces.indices.contains($0.spaceNumber) && $0.length > 0 },
      "findings lie in spaces that there are")
    walk()
    export(index, mirrors, findings)
    explore()
  }

  private mutating func walk() {
    var options = WalkSpacesOptions()
    options.listsTables = true
    check(
      walkSpaces(spaces, in: memory, options: options).items.count == spaces.count, "every space is walked")
    for space in spaces {
      var left = 2000
      _ = space.forEachRange(in: memory) { range in
        left -= 1
        return range.length > 0 && left > 0
      }
    }
    guard let rebuilt = try? rebuild(spaces.map(\.root), scheme: spaces[0].scheme, in: memory) else { return }
    let graph = TableGraph(roots: rebuilt.roots, scheme: spaces[0].scheme, memory: rebuilt.memory)
    check(graph?.brokenInvariants() == [], "a rebuilt image holds together")
  }

  private mutating func export(_ index: SpaceIndex, _ mirrors: Mirrors, _ findings: Findings) {
    let path = "/tmp/pagewalk-fuzz-\(getpid()).sqlite"
    defer { unlink(path) }
    let found = spaces.map { FoundSpace(space: $0, origin: .scan) }
    do {
      let summary = try DatabaseExport.write(
        found, index, mirrors: mirrors, findings: findings, names: nil, in: memory, source: "changing",
        programVersion: "0", to: try Database(path: path))
      check(summary.tables == index.tableCount, "every table is exported")
    } catch { problems.append("export: \(error)") }
  }

  // MARK: The explorer

  private static let keys = [
    "Enter j Enter j j Enter Enter j Enter x Esc d Esc Home", "S j x Esc d", "M j Enter", "s j x",
    "C l l j x Enter", "V + + l Enter", "f \"w\" Enter G Enter", "F j Enter", "H j x Esc Enter", "a G Home z",
    "/ \"1\" Enter n N",
  ]

  private mutating func explore() {
    var explorer = Explorer(memory: memory, sourceName: "changing", formatName: "", warnings: [])
    var found = FoundSpaces()
    found.spaces = spaces.prefix(spaces.count / 2).map { FoundSpace(space: $0, origin: .scan) }
    send(.input(.resize(width: 120, height: 40)), to: &explorer)
    for round in 0..<2 {
      send(.spacesFound(found, isComplete: true), to: &explorer)
      for keys in Self.keys {
        for case .key(let key) in (try? Script.parse(keys)) ?? [] { send(.input(.key(key)), to: &explorer) }
        var canvas = Canvas(width: 120, height: 40)
        explorer.draw(into: &canvas, theme: .color256, glyphs: .unicode)
        for _ in 0..<3 { send(.input(.key(.escape)), to: &explorer) }
      }
      if round == 0 { found.spaces.reverse() }
    }
  }

  /// One event, then those that its work answers with.
  private func send(_ first: ExplorerEvent, to explorer: inout Explorer) {
    var events = [first]
    while let event = events.popLast() {
      for work in explorer.update(event) {
        switch work {
        case .proceed: events.append(.proceed)
        case .index(let request, let spaces, let census):
          if let index = ExplorerIndex(spaces, census, memory: explorer.memory) {
            events.append(.indexed(request: request, index))
          }
        case .findSharers(let request, let search):
          events.append(.sharersFound(request: request, search.run()))
        case .findPhysical(let request, let space, let address):
          events.append(
            .physicalFound(
              request: request, PhysicalSearch.first(mapping: address, in: space, memory: explorer.memory)))
        default: break
        }
      }
    }
  }
}
