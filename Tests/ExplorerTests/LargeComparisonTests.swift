import PageTables
import TestSupport
import Testing

@testable import Explorer

/// Spaces that are too large to compare while a key waits.
@Suite("Two large spaces side by side")
struct LargeComparisonTests {
  private let scheme = X86.paging4Level()

  /// Two spaces whose tables are their own, and map the same frames; but for one, where `differs`.
  private func machine(pages: UInt64, differs: Bool) -> (spaces: [AddressSpace], memory: TableMemory) {
    var memory = TableMemory()
    memory.addPhysical(0, 1 << 40)
    let spaces = ["a", "b"].map { memory.makeSpace($0, scheme: scheme) }
    for space in spaces {
      for page in 0..<pages {
        memory.map(0x1000_0000 + page << 12, to: 0x1_0000_0000 + page << 12, in: space)
      }
      // Behind what cannot all be read.
      memory.map(0x7000_0000_0000, to: 0x2_0000_0000, in: space)
    }
    if differs { memory.map(0x7000_0000_1000, to: 0x3_0000_0000, in: spaces[0]) }
    return (spaces, memory)
  }

  private func rows(pages: UInt64, differs: Bool = false) -> [CompareRow] {
    let (spaces, memory) = machine(pages: pages, differs: differs)
    var comparison = Comparison(
      left: SpaceID(root: spaces[0].root, ordinal: 0), right: SpaceID(root: spaces[1].root, ordinal: 0))
    comparison.build(spaces[0], spaces[1], numbers: (0, 1), nil, memory)
    return comparison.rows
  }

  @Test("What was not all read is not called different, and what comes behind it is still compared")
  func cut() {
    #expect(rows(pages: 100).map(\.relation) == [.sameFrames, .sameFrames])
    #expect(rows(pages: 70 * 512).map(\.relation) == [.unknown, .sameFrames])
    #expect(rows(pages: 70 * 512, differs: true).map(\.relation) == [.unknown, .different])
  }
}
