import MemoryImages
import PageTables
import TestSupport
import Testing

/// What `walkSpaces` finds in real guests' tables, against their bytes and what the guest and QEMU said.
@Suite struct SharingTruthTests {
  /// A guest walked from all its roots, in the order of the truth.
  private struct Walked {
    let memory: any PhysicalMemory
    let scheme: PagingScheme
    let roots: [PhysicalAddress]
    let walk: SharedWalk
    let truth: SharingTruth

    init(_ guest: GuestTruth) throws {
      truth = try SharingTruth(guest)
      memory = try MemoryImage.open(guest.capturePath, options: SourceOptions()).memory
      scheme = try #require(X86.all().first { $0.name == guest.schemeName })
      roots = truth.roots.map { PhysicalAddress($0) }
      var options = WalkSpacesOptions()
      options.listsEveryLeaf = true
      options.listsTables = true
      walk = walkSpaces(roots.spaces(scheme), in: memory, options: options)
    }

    func reach(_ table: TableReference) throws -> SharingTruth.Reach {
      try #require(truth.tables[SharingTruth.Table(address: table.address.value, level: table.level)])
    }
  }

  @Test(arguments: GuestTruth.all) func eachReferenceNamesTheFirstSpaceThatReaches(_ guest: GuestTruth) throws
  {
    let walked = try Walked(guest)
    var count = 0
    for spaceNumber in walked.roots.indices {
      for reference in walked.walk.references(of: spaceNumber) {
        let reach = try walked.reach(reference.table).roots
        let first = walked.truth.roots.firstIndex { reach.contains($0) }
        #expect(reference.owner == first)
        #expect(reference.depth == reference.table.level)
        #expect(reach.contains(walked.truth.roots[spaceNumber]))
        count += 1
      }
    }
    #expect(count > 0)
  }

  @Test(arguments: GuestTruth.all) func theListCanBeGoneThroughOnce(_ guest: GuestTruth) throws {
    let walked = try Walked(guest)
    let expansion = WalkExpansion(walked.walk, scheme: walked.scheme)
    #expect(expansion.problems == [])
  }

  /// Every table is somebody's own once, and each further entry that points at it is one reference, save for those
  /// in tables that are not walked again: so the topmost tables are the references, and those only.
  @Test(arguments: GuestTruth.all) func onlyTopmostTablesAreReferences(_ guest: GuestTruth) throws {
    let walked = try Walked(guest)
    let own = WalkExpansion(walked.walk, scheme: walked.scheme).ownTables.map(\.table.table)
    #expect(own.count == walked.truth.tables.count)
    #expect(Set(own).count == own.count)
    let references = walked.roots.indices.flatMap { walked.walk.references(of: $0) }
    let entries = walked.truth.tables.values.reduce(0) { $0 + $1.parents }
    #expect(references.count == entries + walked.roots.count - own.count)
    #expect(walked.walk.spaces.reduce(0) { $0 + Int($1.references) } == references.count)
  }

  @Test(arguments: GuestTruth.all) func expandedReferencesAreThePlainWalk(_ guest: GuestTruth) throws {
    let walked = try Walked(guest)
    let expansion = WalkExpansion(walked.walk, scheme: walked.scheme)
    for (spaceNumber, root) in walked.roots.enumerated() {
      let pieces = try #require(expansion.pieces(of: spaceNumber))
      var index = 0
      var isSame = true
      let space = AddressSpace(name: "", root: root, scheme: walked.scheme)
      let summary = space.forEachLeaf(in: walked.memory) { leaf in
        let piece = WalkExpansion.Piece(
          va: leaf.virtual.value, pa: leaf.physical.value, length: walked.scheme.levels[leaf.level].span,
          level: leaf.level, raw: leaf.raw, access: leaf.access)
        isSame = index < pieces.count && pieces[index] == piece
        index += 1
        return isSame
      }
      #expect(isSame && index == pieces.count, "root \(String(root.value, radix: 16)), leaf \(index)")
      #expect(summary.isComplete && !pieces.isEmpty)
    }
  }

  @Test(arguments: GuestTruth.all) func tablesAreReachedByTheSpacesOfTheTruth(_ guest: GuestTruth) throws {
    let walked = try Walked(guest)
    var reached: [TableReference: Set<UInt64>] = [:]
    let sets = WalkExpansion(walked.walk, scheme: walked.scheme).reachedTables()
    for (spaceNumber, tables) in sets.enumerated() {
      for table in tables { reached[table, default: []].insert(walked.truth.roots[spaceNumber]) }
    }
    #expect(reached.count == walked.truth.tables.count)
    for (table, roots) in reached { #expect(try walked.reach(table).roots == roots) }
  }

  @Test(arguments: GuestTruth.all) func theGraphCountsSpacesAndEntriesAsTheTruth(_ guest: GuestTruth) throws {
    let walked = try Walked(guest)
    let graph = try #require(
      TableGraph(roots: walked.roots, scheme: walked.scheme, memory: walked.memory))
    #expect(graph.count == walked.truth.tables.count)
    var parents = [Int](repeating: 0, count: graph.count)
    for node in 0..<graph.count {
      for child in graph.children(of: node) { parents[Int(child)] += 1 }
    }
    let counts = TableCounts(graph)
    for node in 0..<graph.count {
      let reach = try walked.reach(graph.table(node))
      #expect(Int(counts.spaces[node]) == reach.roots.count)
      #expect(parents[node] == reach.parents)
    }
  }

  /// The layouts of the guest say what must be shared (Samples/README.md).
  @Test(arguments: GuestTruth.all) func theTruthHoldsWhatTheGuestSetUp(_ guest: GuestTruth) throws {
    let truth = try SharingTruth(guest)
    let pids = try guest.roots().reduce(into: [:] as [String: Int]) { $0[$1.name] = $1.pid }
    func sharers(_ names: String...) throws -> Int {
      let wanted = try Set(names.map { try #require(pids[$0]) })
      return truth.sharedFrames.values.filter { wanted.isSubset(of: Set($0.map(\.pid))) }.count
    }
    #expect(try sharers("share_a", "share_b", "share_elsewhere", "share_twice") >= 16)
    let twice = try #require(pids["share_twice"])
    let inBoth = truth.sharedFrames.values.filter { pages in pages.filter { $0.pid == twice }.count > 1 }
    #expect(inBoth.count >= 8)
    let merged = try #require(pids["merged"])
    #expect(truth.users.values.contains { pages in pages.filter { $0.pid == merged }.count >= 16 })
    // Linux's PAGE_OFFSET with 3 GiB for processes (CONFIG_VMSPLIT_3G); elsewhere it is random.
    if guest.name.hasPrefix("linux-i686") { #expect(truth.directMapOffset == 0xc000_0000) }
    // The ring of BPF: its data lies twice in a row in kernel land.
    let bpf = try #require(pids["bpf"])
    let ring = truth.mirrors.filter { page in page.users.contains { $0.pid == bpf } }
    #expect(Dictionary(grouping: ring, by: \.frame).values.contains { $0.count == 2 })
  }
}
