import PageTables
import TestSupport
import Testing

/// The engine and a naive walker of AArch64 agree on random memories, whatever is in them.
@Suite struct AArch64PropertyTests {
  private static let cases = Array(zip(RandomArmTables.shapes, UInt64(0)...))

  private func eachSpace(
    _ tables: RandomArmTables, _ body: (AddressSpace, NaiveArmWalker) -> Void
  ) {
    for (space, naive) in zip(tables.spaces, tables.naive) { body(space, naive) }
  }

  private func text(_ rights: Rights) -> String {
    let letters = zip(0..., "rwxrwx").map { rights.rawValue >> $0 & 1 == 1 ? String($1) : "-" }
    return letters[..<3].joined() + "/" + letters[3...].joined()
  }

  @Test(arguments: cases) func leavesAreTheNaiveOnes(_ shape: RandomArmTables.Shape, seed: UInt64) {
    let tables = RandomArmTables(shape, seed: seed)
    eachSpace(tables) { space, naive in
      var leaves: [NaiveArmWalker.Page] = []
      _ = space.forEachLeaf(in: tables.memory) { leaf in
        leaves.append(
          NaiveArmWalker.Page(
            virtual: leaf.virtual.value, physical: leaf.physical.value,
            size: space.windows[leaf.window].scheme.levels[leaf.level].span, rights: text(leaf.rights),
            descriptor: leaf.raw))
        return true
      }
      #expect(leaves == naive.pages())
    }
  }

  @Test(arguments: cases) func rangesCutIntoPagesAreTheLeaves(_ shape: RandomArmTables.Shape, seed: UInt64) {
    let tables = RandomArmTables(shape, seed: seed)
    eachSpace(tables) { space, naive in
      var rest = naive.pages()[...]
      _ = space.forEachRange(in: tables.memory) { range in
        let span = space.windows[range.window].scheme.levels[range.level].span
        for offset in stride(from: UInt64(0), to: range.length, by: Int(span)) {
          let page = rest.popFirst()
          #expect(page?.virtual == range.virtual.value &+ offset)
          #expect(page?.physical == range.physical.value + (range.isOneFrame ? 0 : offset))
          #expect(page?.rights == text(range.rights))
        }
        return true
      }
      #expect(rest.isEmpty)
    }
  }

  @Test(arguments: cases) func translationsAreTheNaiveOnesStepByStep(
    _ shape: RandomArmTables.Shape, seed: UInt64
  ) {
    let tables = RandomArmTables(shape, seed: seed)
    var random = SeededRandom(seed: seed)
    eachSpace(tables) { space, naive in
      let pages = naive.pages()
      var addresses = (0..<100).map { _ in random.next() >> random.pick([0, 12, 16, 20, 28, 39]) }
      addresses += addresses.map(~)
      for page in pages.prefix(200) { addresses += [page.virtual, page.virtual + (page.size - 1)] }
      for bits in [25, 31, 36, 39, 42, 47, 48, 52] as [UInt64] {
        addresses += [(1 << bits) - 1, 1 << bits, 0 &- (1 << bits), 0 &- (1 << bits) - 1]
      }
      for address in addresses {
        let found = space.translate(VirtualAddress(address), in: tables.memory)
        let walk = naive.walk(address)
        #expect(
          found.steps.map {
            NaiveWalker.Entry(address: $0.table.value + UInt64($0.slot) * 8, value: $0.raw)
          } == walk.entries)
        switch found.outcome {
        case .mapped(let page):
          #expect(page.physical.value == walk.page.map { $0.physical + (address - $0.virtual) })
          #expect(page.pageSize == walk.page?.size)
          #expect(text(page.rights) == walk.page?.rights)
        case .fault(.nonCanonical): #expect(walk.fault == "non-canonical")
        // Bit 55 selects the register (D8.2.1).
        case .fault(.noRoot(let register)):
          #expect(walk.fault == "non-canonical")
          #expect(register == (address >> 55 & 1 == 1 ? "TTBR1_EL1" : "TTBR0_EL1"))
        case .fault(.absent): #expect(walk.fault == "absent")
        case .fault(.marked): #expect(walk.fault == "marked")
        case .fault(.malformed): #expect(walk.fault == "malformed")
        case .fault(.tableMissing): #expect(walk.fault == "not-in-dump")
        }
      }
    }
  }

  @Test(arguments: cases) func graphAndAliasesHoldTheNaivePages(_ shape: RandomArmTables.Shape, seed: UInt64)
    throws
  {
    let tables = RandomArmTables(shape, seed: seed)
    var random = SeededRandom(seed: seed)
    let index = try #require(SpaceIndex(tables.spaces, memory: tables.memory))
    for window in tables.spaces.flatMap(\.windows) {
      let graph = TableGraph(roots: [window.root], scheme: window.scheme, memory: tables.memory)
      #expect(graph?.brokenInvariants() == [])
    }
    let pages = tables.naive.map { $0.pages() }
    for page in pages.joined().shuffled(using: &random).prefix(20) {
      let expected = zip(0..., pages).reduce(into: Set<[String]>()) { found, space in
        for other in space.1
        where other.physical <= page.physical && page.physical - other.physical < other.size {
          found.insert([
            "\(space.0)", AddressText.hex(other.virtual + (page.physical - other.physical)), other.rights,
          ])
        }
      }
      var members: Set<[String]> = []
      for group in index.aliases(of: PhysicalAddress(page.physical), in: tables.memory).groups {
        index.forEachMember(of: group, mapping: PhysicalAddress(page.physical)) { alias in
          members.insert([
            "\(alias.spaceNumber)", AddressText.hex(alias.virtual.value), text(alias.rights),
          ])
          return true
        }
      }
      #expect(members == expected)
    }
  }
}
