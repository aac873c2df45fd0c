import PageTables
import TestSupport
import Testing

/// Random RISC-V tables, held to a walk of every block of addresses by hand.
@Suite struct RISCVPropertyTests {
  private static let seeds: Range<UInt64> = 0..<60
  private static let mostWalks = 40_000

  private struct Found: Hashable {
    var virtual: UInt64
    var physical: UInt64
    var length: UInt64
    var rights: UInt8
  }

  /// What a walk by hand finds: pages, and how many walks ended with which fault. Nil where the memory has too many
  /// paths.
  private static func survey(_ walker: NaiveRISCVWalker) -> (pages: [Found], faults: [String: Int])? {
    var pages: [Found] = []
    var faults: [String: Int] = [:]
    let isWhole = walker.survey(limit: mostWalks) { address, walk in
      if let page = walk.page {
        pages.append(
          Found(
            virtual: address, physical: page.physical, length: walk.blockSize,
            rights: page.rights.rawValue))
      }
      if let fault = walk.fault { faults[fault, default: 0] += 1 }
    }
    return isWhole ? (pages, faults) : nil
  }

  @Test(arguments: RandomRISCVTables.schemes) func everyBlockTranslates(_ name: String) {
    var outcomes: [String: Int] = [:]
    for seed in Self.seeds {
      let random = RandomRISCVTables(scheme: name, seed: seed)
      for (space, walker) in zip(random.spaces, random.naive) {
        _ = walker.survey(limit: 4_000) { address, walk in
          let asked = address &+ 0x123
          let translation = space.translate(VirtualAddress(asked), in: random.memory)
          var outcome: String
          switch translation.outcome {
          case .mapped(let page):
            outcome = "mapped"
            #expect(
              page.physical.value &- 0x123 == walk.page?.physical, "seed \(seed), \(AddressText.hex(asked))")
            #expect(page.pageSize == walk.page?.size, "seed \(seed), \(AddressText.hex(asked))")
            #expect(page.rights == walk.page?.rights, "seed \(seed), \(AddressText.hex(asked))")
          case .fault(.nonCanonical): outcome = "non-canonical"
          case .fault(.noRoot): outcome = "no-root"
          case .fault(.absent): outcome = "absent"
          case .fault(.marked): outcome = "marked"
          case .fault(.malformed): outcome = "malformed"
          case .fault(.tableMissing): outcome = "not-in-dump"
          }
          #expect(outcome == walk.fault ?? "mapped", "seed \(seed), \(AddressText.hex(asked))")
          #expect(translation.steps.map(\.table.value) == walk.tables)
          if walk.page?.size == 0x10000, name != "riscv-sv32" { outcome = "64K" }
          outcomes[outcome, default: 0] += 1
        }
      }
    }
    for expected in ["mapped", "absent", "marked", "malformed"] + (name == "riscv-sv32" ? [] : ["64K"]) {
      #expect(outcomes[expected, default: 0] > 50, "\(expected) in \(outcomes)")
    }
  }

  @Test(arguments: RandomRISCVTables.schemes) func leavesAndRangesAreThePages(_ name: String) {
    var compared = 0
    for seed in Self.seeds {
      let random = RandomRISCVTables(scheme: name, seed: seed)
      for (space, walker) in zip(random.spaces, random.naive) {
        guard let (expected, faults) = Self.survey(walker) else { continue }
        compared += 1
        var leaves: [Found] = []
        let summary = space.forEachLeaf(in: random.memory) { leaf in
          leaves.append(
            Found(
              virtual: leaf.virtual.value, physical: leaf.physical.value,
              length: space.scheme.levels[leaf.level].span, rights: leaf.rights.rawValue))
          return true
        }
        #expect(leaves == expected, "seed \(seed)")
        #expect(summary.malformedEntries == UInt64(faults["malformed", default: 0]), "seed \(seed)")
        #expect(summary.markedEntries == UInt64(faults["marked", default: 0]), "seed \(seed)")
        var ranges: [Found] = []
        _ = space.forEachRange(in: random.memory) { range in
          let span = space.scheme.levels[range.level].span
          for offset in stride(from: UInt64(0), to: range.length, by: UInt64.Stride(span)) {
            ranges.append(
              Found(
                virtual: range.virtual.value &+ offset,
                physical: range.physical.value &+ (range.isOneFrame ? 0 : offset), length: span,
                rights: range.rights.rawValue))
          }
          return true
        }
        #expect(ranges == expected, "seed \(seed)")
      }
    }
    #expect(compared > 20)
  }

  @Test(arguments: RandomRISCVTables.schemes) func aliasesAreAllThatMapsAFrame(_ name: String) throws {
    var members = 0
    for seed in Self.seeds {
      let random = RandomRISCVTables(scheme: name, seed: seed)
      let surveys = random.naive.map { Self.survey($0) }
      guard surveys.allSatisfy({ $0 != nil }) else { continue }
      let index = try #require(SpaceIndex(random.spaces, memory: random.memory))
      for frame in stride(from: UInt64(0x10_0000), to: 0x80_0000, by: 0x1_7000) {
        var expected: Set<[UInt64]> = []
        for (spaceNumber, survey) in surveys.enumerated() {
          for page in survey?.pages ?? [] where frame >= page.physical && frame - page.physical < page.length
          {
            expected.insert([
              UInt64(spaceNumber), page.virtual &+ (frame - page.physical), UInt64(page.rights),
            ])
          }
        }
        var found: Set<[UInt64]> = []
        let aliases = index.aliases(of: PhysicalAddress(frame), in: random.memory)
        for group in aliases.groups {
          index.forEachMember(of: group, mapping: PhysicalAddress(frame)) { alias in
            found.insert([UInt64(alias.spaceNumber), alias.virtual.value, UInt64(alias.rights.rawValue)])
            return true
          }
        }
        #expect(found == expected, "seed \(seed), \(AddressText.hex(frame))")
        members += found.count
      }
    }
    #expect(members > 100)
  }

  /// What the writing side makes of an access is read as that access by hand.
  @Test(arguments: RandomRISCVTables.schemes) func entriesThatAreMadeAreReadByHand(_ name: String) throws {
    let scheme = try #require(PagingSchemes.named(name))
    for level in scheme.levels {
      for access: Access in [[], .write, .user, [.user, .write]] {
        let raw = try level.format.leaf(at: PhysicalAddress(0), access: access)
        #expect(raw & 1 == 1 && raw >> 1 & 1 == 1)
        #expect((raw >> 2 & 1 == 1) == access.contains(.write))
        #expect((raw >> 4 & 1 == 1) == access.contains(.user))
        #expect(raw >> 3 & 1 == 0)
      }
      let code = try level.format.leaf(at: PhysicalAddress(0), access: .execute)
      #expect(code & 0x1f == 0xb)
    }
    let table = try scheme.levels[0].format.entry(pointingAt: PhysicalAddress(0x5000))
    #expect(table == 0x1401)
  }
}
