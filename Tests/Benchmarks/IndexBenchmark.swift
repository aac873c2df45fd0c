import CLimit
import Guests
import MemoryImages
import PageTables

/// The index of all spaces, beside a C program that reads the same tables once and keeps nothing.
struct IndexBenchmark {
  let memory: any PhysicalMemory
  let spaces: [AddressSpace]
  let scheme: PagingScheme
  let roots: [PhysicalAddress]

  init(image: MemoryImage, spaces found: FoundSpaces) {
    memory = image.memory
    spaces = found.spaces.map(\.space)
    scheme = spaces[0].scheme
    roots = spaces.filter { [scheme] in $0.scheme == scheme }.map(\.root)
  }

  func run() {
    guard let graph = TableGraph(roots: roots, scheme: scheme, memory: memory) else { return }
    let leaves = graph.leavesBelow()
    let mapped = graph.roots.reduce(UInt64(0)) { $0 &+ ($1.map { leaves[$0] } ?? 0) }
    print("\(roots.count) spaces, \(graph.count) tables, \(mapped) mappings")
    // A short rest between the two: what one leaves in the caches, the other should not find.
    guard let limit = limit(of: roots, repeats: 30) else {
      print("no limit: it reads 4 and 5 levels of an uncompressed dump only")
      return
    }
    print("limit: \(limit.tables) tables in \(milliseconds(limit.time))")
    line("index all spaces, sharing included", index(roots), goal: limit.time * 1.5, of: "1.5 x limit")
    let frames = measured(30) { _ = FrameIndex(graph, memory: memory) }
    line("frame index", frames, goal: limit.time * 2, of: "2 x limit")
    if let index = SpaceIndex(spaces, memory: memory) {
      let use = measured(30) { _ = index.memoryOfSpaces(in: memory, swapTest: SwapEntries().test) }
      line("memory of all spaces", use, goal: limit.time * 4, of: "4 x limit")
    }
    timeGrowth()
    timeAliases()
    measureMemory(of: graph)
  }

  private func index(_ roots: [PhysicalAddress]) -> Duration {
    measured(30) {
      if let graph = TableGraph(roots: roots, scheme: scheme, memory: memory) { _ = TableCounts(graph) }
    }
  }

  /// A tenth of the spaces, and all: time goes with tables, not with spaces times tables.
  private func timeGrowth() {
    let few = Array(roots.prefix(max(1, roots.count / 10)))
    guard let fewLimit = limit(of: few, repeats: 30), let allLimit = limit(of: roots, repeats: 30) else {
      return
    }
    let ratio = { (duration: Duration, limit: Duration) in Int(duration / limit * 100) }
    print(
      "10 x the spaces: from \(fewLimit.tables) to \(allLimit.tables) tables; the index takes "
        + "\(ratio(index(few), fewLimit.time)) %, then \(ratio(index(roots), allLimit.time)) % of the limit")
  }

  /// The frames that most tables map, and some others.
  private func timeAliases() {
    guard let index = SpaceIndex(spaces, memory: memory) else { return }
    var worst = (time: Duration.zero, count: UInt64(0))
    var asked = 0
    for range in memory.extent.readable.ranges {
      let step = max(range.length / 2000, 1)
      for offset in stride(from: 0, to: range.length, by: Int(step)) {
        let frame = range.start.advanced(by: offset).frameStart
        var count: UInt64 = 0
        // The better of two: the first may have to wait for the page cache.
        let time = measured(2) { count = index.aliases(of: frame, in: memory).count }
        asked += 1
        if time > worst.time { worst = (time, count) }
      }
    }
    line(
      "all aliases of a frame, the slowest of \(asked)", worst.time, goal: .milliseconds(1),
      of: "it has \(worst.count)")
  }

  /// What the index keeps, as the allocator counts it.
  private func measureMemory(of graph: TableGraph) {
    let before = limit_allocated_bytes()
    let index = SpaceIndex(spaces, memory: memory)
    let bytes = limit_allocated_bytes() - before
    let tables = (0..<graph.count).reduce(0) { $0 + Int(scheme.levels[graph.level(of: $1)].tableSize) }
    let verdict = bytes <= tables / 16 ? "met" : "MISSED"
    withExtendedLifetime(index) {
      print(
        "memory of the index: \(bytes / 1024) KiB for \(tables / 1024) KiB of tables: 1/\(tables / max(bytes, 1)), goal 1/16: \(verdict)"
      )
    }
  }

  /// The least that reading the tables costs; nil where the memory is no mapped file or has other tables.
  func limit(of roots: [PhysicalAddress], repeats: Int32) -> (time: Duration, tables: UInt64)? {
    guard scheme.levels.count >= 4, let segments = mappedSegments() else { return nil }
    let result = limit_read_tables(
      segments, segments.count, roots.map(\.value), roots.count, Int32(scheme.levels.count), repeats)
    return (.nanoseconds(Int64(result.milliseconds * 1e6)), result.tables)
  }

  /// Where the memory's ranges stand in the mapped file, told from where their pages do.
  private func mappedSegments() -> [limit_segment]? {
    var segments: [limit_segment] = []
    for range in memory.extent.readable.ranges {
      let last = PhysicalAddress(range.end.value - Frame.size)
      guard let start = pointer(to: range.start), let end = pointer(to: last),
        UInt64(UInt(bitPattern: end)) &- UInt64(UInt(bitPattern: start)) == last.value - range.start.value
      else { return nil }
      segments.append(limit_segment(start: range.start.value, end: range.end.value, bytes: start))
    }
    return segments
  }

  private func pointer(to address: PhysicalAddress) -> UnsafePointer<UInt8>? {
    let place = try? memory.withPage(at: address) { page in
      page.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    }
    return place.flatMap { UnsafePointer(bitPattern: $0) }
  }
}
