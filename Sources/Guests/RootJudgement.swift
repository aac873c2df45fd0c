import PageTables

/// How well a root reads under a scheme: what decides where the schemes, or the roots, compete.
struct RootJudgement: Comparable {
  /// How much of memory the direct map has where it should be, 0 to 1.
  let confidence: Double
  /// Entries that no kernel writes often: data taken for tables is full of them.
  let oddities: UInt64

  /// Leaves that one look may meet before it settles for what it has.
  private static let leafLimit = 1 << 16

  init(_ space: AddressSpace, in memory: any PhysicalMemory) {
    confidence = DirectMap(of: space, in: memory)?.confidence(in: memory) ?? 0
    var leaves = 0
    let summary = space.forEachLeaf(in: memory) { _ in
      leaves += 1
      return leaves < RootJudgement.leafLimit
    }
    oddities = summary.malformedEntries &+ summary.missingTables &+ summary.markedEntries
  }

  /// The better one is the greater one.
  static func < (left: RootJudgement, right: RootJudgement) -> Bool {
    left.confidence != right.confidence ? left.confidence < right.confidence : left.oddities > right.oddities
  }
}
