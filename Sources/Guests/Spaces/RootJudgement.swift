import PageTables

/// How well a root reads under a scheme: used to choose between schemes or between roots.
struct RootJudgement: Comparable {
  /// The fraction of memory that the direct map maps where it should, 0 to 1.
  let confidence: Double
  /// Entries that the processor cannot follow, or whose table the dump does not hold.
  let faults: UInt64
  /// Entries that kernels rarely write, including the faults: data misread as tables is full of them.
  let oddities: UInt64

  /// The most leaves visited before the result so far is taken.
  private static let leafLimit = 1 << 16

  /// - Parameter start: where the kernel's part begins; nil for the usual place.
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

  /// The better one compares as greater.
  static func < (left: RootJudgement, right: RootJudgement) -> Bool {
    left.confidence != right.confidence ? left.confidence < right.confidence : left.oddities > right.oddities
  }
}

/// Counts leaves that map no memory and continue no other leaf: devices have a few, a mapped range larger than
/// memory has one, and data misread as a table has hardly any others.
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
