import PageTables

/// How well a root reads under a scheme: what decides where the schemes, or the roots, compete.
struct RootJudgement: Comparable {
  /// How much of memory the direct map has where it should be, 0 to 1.
  let confidence: Double
  /// Entries that the processor or the dump cannot follow.
  let faults: UInt64
  /// Entries that no kernel writes often, the faults among them: data taken for tables is full of them.
  let oddities: UInt64

  /// Leaves that one look may meet before it settles for what it has.
  private static let leafLimit = 1 << 16

  /// - Parameter start: where the kernel's part begins; nil where custom has it.
  init(_ space: AddressSpace, from start: VirtualAddress? = nil, in memory: any PhysicalMemory) {
    confidence = DirectMap(of: space, from: start, in: memory)?.confidence(in: memory) ?? 0
    var leaves = 0
    var strays = StrayLeaves(memory.extent.physical)
    let summary = space.forEachLeaf(in: memory) { leaf in
      leaves += 1
      strays.add(leaf)
      return leaves < RootJudgement.leafLimit
    }
    faults = summary.malformedEntries &+ summary.missingTables
    oddities = faults &+ summary.markedEntries &+ strays.count
  }

  /// The better one is the greater one.
  static func < (left: RootJudgement, right: RootJudgement) -> Bool {
    left.confidence != right.confidence ? left.confidence < right.confidence : left.oddities > right.oddities
  }
}

/// Counts leaves that map no memory and continue nothing: devices have a few, windows larger than the memory one, and
/// data that is taken for a table nearly nothing else.
struct StrayLeaves {
  private let physical: PhysicalRanges
  private var offset: UInt64?
  private(set) var count: UInt64 = 0

  init(_ physical: PhysicalRanges) { self.physical = physical }

  mutating func add(_ leaf: Leaf) {
    let here = leaf.virtual.value &- leaf.physical.value
    if here != offset, !physical.contains(leaf.physical) { count += 1 }
    offset = here
  }
}
