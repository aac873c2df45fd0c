import PageTables
import TestSupport
import Testing

/// What spaces use, held to pages that were walked and added up one by one.
@Suite struct SpaceMemoryPropertyTests {
  private static let cases = RandomTables.schemes.flatMap { scheme in
    (0..<30 as Range<UInt64>).map { (scheme, $0) }
  }

  private func check(
    _ spaces: [AddressSpace], _ memory: TableMemory, _ mappings: [[NaiveSpaceMemory.Mapping]], seed: UInt64
  ) throws {
    var random = SeededRandom(seed: seed)
    let unwanted = Set(spaces.indices.filter { _ in random.once(in: 4) })
    // The first one is no copy.
    let copied = spaces.indices.dropFirst().filter { _ in random.once(in: 4) }
    let copies = Dictionary(uniqueKeysWithValues: copied.map { ($0, 0) })
    let index = try #require(SpaceIndex(spaces, memory: memory, copies: copies))
    let use = try #require(index.memoryOfSpaces(in: memory, isWanted: { !unwanted.contains($0) }))
    let isCounted = spaces.indices.map { number in
      !unwanted.contains(number) && (copies[number] == nil || unwanted.contains(0))
    }
    let naive = NaiveSpaceMemory(mappings, isCounted: isCounted)
    #expect(use.map(\.userBytes) == mappings.map { $0.reduce(0) { $0 + $1.length } }, "seed \(seed)")
    #expect(use.map(\.residentBytes) == naive.resident, "seed \(seed)")
    for (found, expected) in zip(use.map(\.proportionalBytes), naive.proportional) {
      #expect(abs(Double(found) - expected) <= 1 + expected * 1e-12, "seed \(seed)")
    }
    // Of what does not count, a table may be another's, too.
    for number in spaces.indices where isCounted[number] {
      #expect(use[number].privateBytes == naive.sole[number], "seed \(seed)")
    }
    #expect(use.allSatisfy { $0.isComplete })
  }

  @Test(arguments: cases) func randomTablesAreAddedUp(scheme: String, seed: UInt64) throws {
    let tables = RandomTables(scheme: scheme, seed: seed)
    var mappings: [[NaiveSpaceMemory.Mapping]] = []
    for naive in tables.naive {
      // Tables that multiply are too many to walk one by one.
      guard let survey = naive.survey(limit: 12_000) else { return }
      mappings.append(survey.pages.filter(\.isUser).map { .init($0.physical, $0.size) })
    }
    try check(tables.spaces, tables.memory, mappings, seed: seed)
  }

  // Rights of two privileges, leaves that map one page together, and two windows in a space.
  @Test(arguments: InventedSchemeTests.shapes) func inventedTablesAreAddedUp(
    _ shape: InventedSchemeTests.Shape
  ) throws {
    for seed in 0..<40 as Range<UInt64> {
      let invented = InventedMemory(
        shape.kind, upperLevels: shape.upperLevels, isAcyclic: seed % 2 == 0, seed: seed)
      var mappings: [[NaiveSpaceMemory.Mapping]] = []
      for space in invented.spaces {
        var pages: [NaiveSpaceMemory.Mapping] = []
        for window in space.windows {
          invented.forEachPage(of: window) { _, outcome in
            if case .page(let page) = outcome, page.rights.isUser {
              pages.append(.init(page.physical, 0x1000))
            }
          }
        }
        mappings.append(pages)
      }
      try check(invented.spaces, invented.memory, mappings, seed: seed)
    }
  }
}
