/// The kernel's linear maps of all RAM: the distances between virtual and physical address under which supervisor
/// leaves map a large part of memory. They need not start at a known address (KASLR), and there may be several. An
/// identity map, which kernels set up for booting, counts however little it covers.
public struct DirectMaps: Sendable {
  /// Virtual minus physical address, modulo 2^64; the distance that covers most memory comes first.
  public private(set) var offsets: [UInt64] = []

  /// The shortest run of leaves under one distance that counts, in leaves: scattered leaves are not a linear map.
  private static let shortestRun: UInt64 = 16
  /// The most distances kept in the end.
  private static let mostKept = 32

  /// No linear maps.
  init() {}

  /// Looks for linear maps in all tables of a graph; reads each table that has leaves once.
  public init(_ graph: TableGraph, _ counts: TableCounts, memory: any PhysicalMemory) {
    let existing = PhysicalRanges(memory.extent.physical.ranges + memory.extent.dumped.ranges)
    var tally = LinearTally(of: existing)
    for level in graph.scheme.levels.indices {
      let shape = PagingLevelShape(graph.scheme.levels[level])
      for node in graph.nodes(at: level) where graph.leaves(in: node) > 0 {
        guard counts.isReached(node) else { continue }
        let base = graph.firstArrival(at: node, counts).base
        let owner = Int(counts.owners[node])
        let paths = counts.pathRights[node]
        var run = (offset: UInt64(0), length: UInt64(0), start: PhysicalAddress(0))
        func close() {
          guard run.length >= min(DirectMaps.shortestRun * shape.span, 2 << 20) else { return }
          tally.add(run.offset, from: run.start, length: run.length)
        }
        graph.forEachLeaf(in: node, shape, memory: memory) { slot, raw, physical in
          guard shape.isClosedToUser(raw, by: paths) else { return }
          let virtual = graph.virtual(base &+ UInt64(slot) &* shape.span, member: owner).value
          if virtual &- physical.value != run.offset {
            close()
            run = (virtual &- physical.value, 0, physical)
          }
          run.length &+= shape.span
        }
        close()
      }
    }
    let best = tally.best?.bytes ?? 0
    let hasDirectMap = best > 0 && best >= min(existing.length / 4, LinearTally.alwaysMapped)
    offsets = tally.covered.filter { $0.key == 0 || (hasDirectMap && $0.value >= best - best / 4) }
      .sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
    if offsets.count > DirectMaps.mostKept {
      let identity = offsets[DirectMaps.mostKept...].filter { $0 == 0 }
      offsets = offsets.prefix(DirectMaps.mostKept) + identity
    }
  }

  /// Whether a mapping belongs to one of the linear maps.
  public func contains(_ virtual: VirtualAddress, _ physical: PhysicalAddress) -> Bool {
    offsets.contains(virtual.value &- physical.value)
  }
}
