import PageTables
import TestSupport
import Testing

/// Numbers that a caller made up: nothing is found for them, or a documented precondition says what they must be.
@Suite struct ArgumentBoundsTests {
  private let scheme = X86.paging4Level()

  /// A space of four tables that maps one page.
  private func oneSpace() -> (space: AddressSpace, memory: TableMemory) {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: space)
    return (space, memory)
  }

  /// A scheme of so many levels of x86 tables, at roots of that alignment.
  private static func scheme(levels: Int, rootAlignment: UInt64) -> PagingScheme {
    let long = X86.paging4Level()
    return PagingScheme(
      name: "made up", title: "", virtualAddressBits: 48, isSignExtended: true, rootRegister: "CR3",
      rootAddress: long.rootAddress, rootAlignment: rootAlignment,
      levels: Array(repeating: long.levels[0], count: levels - 1) + [long.levels[3]])
  }

  @Test func eightLevelsAtRootsOf16BytesAreAScheme() {
    let scheme = Self.scheme(levels: 8, rootAlignment: 16)
    var memory = TableMemory()
    // Eight tables of one entry each, the last of which maps a page.
    for table in 1...8 as ClosedRange<UInt64> {
      memory.set(table: table << 12, slot: 0, to: (table + 1) << 12 | 3)
    }
    let root = PhysicalAddress(0x1000)
    let walked = walkSpaces([root, root].spaces(scheme), in: memory)
    #expect(walked.spaces[0].summary.tables == 8 && walked.references(of: 1).map(\.depth) == [0])
    #expect(TableGraph(roots: [root], scheme: scheme, memory: memory)?.count == 8)
  }

  @Test func moreLevelsAreNone() async {
    await #expect(processExitsWith: .failure) { _ = Self.scheme(levels: 9, rootAlignment: 4096) }
  }

  @Test func rootsOf8BytesAreNone() async {
    await #expect(processExitsWith: .failure) { _ = Self.scheme(levels: 4, rootAlignment: 8) }
  }

  @Test(arguments: [-1, 0, 31, 52, 64, .max, .min]) func anEncryptionBitElsewhereIsNone(bit: Int) {
    var features = ProcessorFeatures()
    features.encryptionBit = bit
    #expect(X86.all(features) == X86.all())
  }

  @Test func physicalAddressBitsAreClamped() {
    func schemes(_ bits: Int) -> [PagingScheme] {
      var features = ProcessorFeatures()
      features.physicalAddressBits = bits
      return X86.all(features)
    }
    #expect(schemes(.min) == schemes(32))
    #expect(schemes(.max) == schemes(52))
  }

  @Test func aNegativeNumberOfFramesIsRefused() {
    let memory = OverlayMemory(over: MemoryBlock(emptyMachineWith: PhysicalRanges([])))
    #expect(throws: OutOfFrames(count: -1, limit: PhysicalAddress(0x10_0000))) {
      try memory.allocateFrames(-1, below: PhysicalAddress(0x10_0000))
    }
  }

  @Test(arguments: [-1, 4, 32, .min, .max]) func aLevelThatThereIsNotHasNothing(level: Int) throws {
    let (space, memory) = oneSpace()
    let graph = try #require(TableGraph(roots: [space.root], scheme: scheme, memory: memory))
    let table = TableReference(address: space.root, level: level)
    #expect(graph.node(of: table) == nil)
    #expect(graph.nodes(at: level).isEmpty)
    #expect(try scheme.runs(of: table, in: memory).isEmpty)
    #expect(scheme.mark(in: 0x800, level: level) == nil)
  }

  @Test(arguments: [(-1, 0), (1, 0), (.max, 0), (0, 1), (0, -1)]) func aSpaceOrWindowThatThereIsNotHasNothing(
    spaceNumber: Int, window: Int
  ) throws {
    let (space, memory) = oneSpace()
    let index = try #require(SpaceIndex([space], memory: memory))
    let root = TableReference(address: space.root, level: 0)
    #expect(index.sharing(of: root, in: 0, window: 0)?.spaces == 1)
    #expect(index.sharing(of: root, in: spaceNumber, window: window) == nil)
    #expect(index.arrivals(at: root, in: spaceNumber, window: window, limit: 9).isEmpty)
    #expect(index.directMaps(in: spaceNumber, window: window).offsets.isEmpty)
    guard window == 0 else { return }
    #expect(index.sharers(of: spaceNumber, in: memory).isEmpty)
    #expect(walkSpaces([space], in: memory).references(of: spaceNumber).isEmpty)
  }
}
