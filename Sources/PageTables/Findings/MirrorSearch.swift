/// A search for mirrors in all spaces. The kernel side and the user side may lie in windows of different paging
/// schemes.
struct MirrorSearch {
  /// Consecutive supervisor leaves, contiguous in virtual and in physical addresses.
  private struct KernelRun {
    var virtual: UInt64
    var physical: UInt64
    var length: UInt64
    var spaceNumber: Int
  }

  /// A user leaf that maps a frame which the kernel maps, too.
  private struct UserLeaf {
    var frame: UInt64
    var group: UInt32
    var node: UInt32
    var slot: UInt32
  }

  /// A frame that both map: where user space maps it first, and how often it does.
  private struct UserFrame {
    let frame: UInt64
    let spaceNumber: Int
    let virtual: UInt64
    let mappings: UInt64
  }

  private let index: SpaceIndex
  private let counts: [TableCounts]
  private let counted: [TableCounts]
  private let memory: any PhysicalMemory
  private let isCancelled: () -> Bool
  private let shapes: [[PagingLevelShape]]
  private let pageSize: UInt64
  private var kernelRuns: [KernelRun] = []
  /// Bytes of executable kernel memory outside the linear maps, by the distance from frame to address.
  private var codeByDistance: [UInt64: UInt64] = [:]
  private let isInUse: ((PhysicalAddress) -> Bool)?
  private(set) var mirrors: [Mirror] = []
  private var leaves: [UserLeaf] = []
  private(set) var isComplete = true

  /// The most runs, leaves or pages that one search keeps.
  private static let limit = 1 << 18

  /// A kernel's code has at least so many bytes at one distance; what a module or a translator of packet filters has
  /// by chance is less.
  private static let leastCode: UInt64 = 1 << 19
  /// Distances that are kept at most.
  private static let distanceLimit = 1 << 16

  /// - Parameters:
  ///   - counts: by group, the counts of the wanted spaces.
  ///   - counted: the same without those that are copies of others.
  ///   - isInUse: whether the kernel's image still has a frame, where somebody knows.
  init(
    _ index: SpaceIndex, _ counts: [TableCounts], _ counted: [TableCounts], _ memory: any PhysicalMemory,
    isInUse: ((PhysicalAddress) -> Bool)?, _ isCancelled: @escaping () -> Bool
  ) {
    self.isInUse = isInUse
    self.index = index
    self.counts = counts
    self.counted = counted
    self.memory = memory
    self.isCancelled = isCancelled
    shapes = index.groups.map { $0.graph.scheme.levels.map(PagingLevelShape.init) }
    pageSize = index.groups.map(\.graph.scheme.pageSize).min() ?? Frame.size
  }

  mutating func run() {
    for group in index.groups.indices { collectKernelRuns(of: group) }
    leaves = userLeaves()
    guard !leaves.isEmpty else { return }
    // Sort by space first, so that a run of one kernel is joined even where another kernel's tables hold pages
    // between.
    kernelRuns.sort { ($0.spaceNumber, $0.virtual) < ($1.spaceNumber, $1.virtual) }
    join(frames(of: leaves))
  }

  /// Where user space maps what the kernel maps, by frame.
  var userEntries: [Mirrors.UserEntry] {
    leaves.map { leaf in
      let spaces = index.groups[Int(leaf.group)]
      return Mirrors.UserEntry(
        physical: PhysicalAddress(leaf.frame), table: spaces.graph.table(Int(leaf.node)),
        spaceNumber: spaces.spaceNumbers[0], window: spaces.windowNumbers[0])
    }
  }

  /// The distance from frame to address of the kernel's image, which is mapped as one piece: where most of its code
  /// is. Nil where entries cannot forbid execution, so that code looks like data.
  private var imageDistance: UInt64? {
    codeByDistance.max { ($0.value, $1.key) < ($1.value, $0.key) }
      .flatMap { $0.value >= Self.leastCode ? $0.key : nil }
  }

  /// Calls `body` with every node that has leaves and that a wanted space reaches, until the search is cancelled.
  private mutating func forEachNode(
    of group: Int, _ body: (inout MirrorSearch, TableGraph.Node, PagingLevelShape) -> Void
  ) {
    let graph = index.groups[group].graph
    for level in shapes[group].indices {
      for node in graph.nodes(at: level) {
        if node & 63 == 0, isCancelled() {
          isComplete = false
          return
        }
        if graph.leaves(in: node) > 0, counts[group].isReached(node) {
          body(&self, node, shapes[group][level])
        }
      }
    }
  }

  /// Collects every supervisor leaf outside the linear maps, at each of its addresses. What a recursive slot shows
  /// is tables; their entries are not mappings that the kernel made.
  private mutating func collectKernelRuns(of group: Int) {
    let spaces = index.groups[group]
    let counts = counts[group]
    let canForbid = spaces.graph.scheme.canForbidExecution
    var bases = VirtualBases(spaces.graph, spaces.parents, counts)
    forEachNode(of: group) { search, node, shape in
      let paths = counts.pathRights[node]
      var leaves: [(slot: Int, physical: UInt64, isCode: Bool)] = []
      spaces.graph.forEachLeaf(in: node, shape, memory: search.memory) { slot, raw, physical in
        guard shape.isClosedToUser(raw, by: paths) else { return }
        let isCode = canForbid && shape.format.rights(of: raw, kind: .leaf).contains(.execute)
        leaves.append((slot, physical.value, isCode))
      }
      guard !leaves.isEmpty, !spaces.graph.firstArrival(at: node, counts).isRecursive else { return }
      let all = bases(node)
      // An entry of a linear map remains one even if another path leads to it: boot-time tables reuse the kernel's
      // tables.
      leaves.removeAll { leaf in
        all.contains { base in
          spaces.directMaps.contains(
            bases.virtual(base, UInt64(leaf.slot) &* shape.span), PhysicalAddress(leaf.physical))
        }
      }
      for base in bases.usual(node) {
        search.collect(leaves, of: shape, spaceNumber: spaces.spaceNumbers[Int(base.owner)]) {
          bases.virtual(base, UInt64($0) &* shape.span).value
        }
      }
    }
  }

  private mutating func collect(
    _ leaves: [(slot: Int, physical: UInt64, isCode: Bool)], of shape: PagingLevelShape, spaceNumber: Int,
    _ virtual: (_ slot: Int) -> UInt64
  ) {
    var last: KernelRun?
    for leaf in leaves {
      let address = virtual(leaf.slot)
      let distance = address &- leaf.physical
      if leaf.isCode, codeByDistance.count < Self.distanceLimit || codeByDistance[distance] != nil {
        codeByDistance[distance, default: 0] &+= shape.span
      }
      if let run = last, run.virtual &+ run.length == address, run.physical &+ run.length == leaf.physical {
        last?.length &+= shape.span
      } else {
        append(last)
        last = KernelRun(
          virtual: address, physical: leaf.physical, length: shape.span, spaceNumber: spaceNumber)
      }
    }
    append(last)
  }

  private mutating func append(_ run: KernelRun?) {
    guard let run else { return }
    guard kernelRuns.count < MirrorSearch.limit else {
      isComplete = false
      return
    }
    kernelRuns.append(run)
  }

  /// Every user leaf that maps a frame of those runs, by frame; of a huge page, only the frames that overlap a run.
  private mutating func userLeaves() -> [UserLeaf] {
    let ranges = PhysicalRanges(
      kernelRuns.map { run in
        PhysicalRange(PhysicalAddress(run.physical), PhysicalAddress(run.physical &+ run.length))
      })
    guard !ranges.ranges.isEmpty else { return [] }
    let filter = FrameFilter(ranges)
    let pageSize = pageSize
    var found: [UserLeaf] = []
    for group in index.groups.indices {
      let graph = index.groups[group].graph
      forEachNode(of: group) { search, node, shape in
        let paths = search.counts[group].pathRights[node]
        guard paths.hasUser else { return }
        let room = MirrorSearch.limit - found.count
        var hits: [UserLeaf] = []
        func hit(_ frame: PhysicalAddress, _ slot: Int) {
          hits.append(
            UserLeaf(
              frame: frame.value, group: UInt32(truncatingIfNeeded: group),
              node: UInt32(truncatingIfNeeded: node), slot: UInt32(truncatingIfNeeded: slot)))
        }
        graph.forEachLeaf(in: node, shape, memory: search.memory) { slot, raw, physical in
          guard shape.isOpenToUser(raw, by: paths) else { return }
          if shape.span == pageSize {
            if filter.mayContain(physical), ranges.contains(physical) { hit(physical, slot) }
            return
          }
          ranges.forEachPage(of: pageSize, from: physical, length: shape.span) { frame in
            hit(frame, slot)
            return hits.count <= room
          }
        }
        if hits.count > room { search.isComplete = false }
        found += hits.prefix(room)
      }
    }
    return found.sorted {
      ($0.frame, $0.group, $0.node, $0.slot) < ($1.frame, $1.group, $1.node, $1.slot)
    }
  }

  /// Sums up the user leaves of each frame: once per frame, however often the kernel maps it.
  private func frames(of leaves: [UserLeaf]) -> [UserFrame] {
    var frames: [UserFrame] = []
    var start = 0
    while start < leaves.count {
      var end = start
      var first: (spaceNumber: Int, virtual: UInt64)?
      var mappings: UInt64 = 0
      while end < leaves.count, leaves[end].frame == leaves[start].frame {
        let leaf = leaves[end]
        end += 1
        let spaces = index.groups[Int(leaf.group)]
        let counts = counts[Int(leaf.group)]
        let node = Int(leaf.node)
        let own = counted[Int(leaf.group)].paths[node]
        let (sum, overflow) = mappings.addingReportingOverflow(own == 0 ? counts.paths[node] : own)
        mappings = overflow ? .max : sum
        let owner = Int(counts.owners[node])
        let spaceNumber = spaces.spaceNumbers[owner]
        if let first, first.spaceNumber < spaceNumber { continue }
        let span = shapes[Int(leaf.group)][spaces.graph.level(of: node)].span
        let base = spaces.graph.firstArrival(at: node, counts).base
        let offset = base &+ UInt64(leaf.slot) &* span &+ (leaf.frame & (span &- 1))
        let virtual = spaces.graph.virtual(offset, member: owner).value
        if let first, first.spaceNumber == spaceNumber, first.virtual <= virtual { continue }
        first = (spaceNumber, virtual)
      }
      if let first {
        frames.append(
          UserFrame(
            frame: leaves[start].frame, spaceNumber: first.spaceNumber, virtual: first.virtual,
            mappings: mappings))
      }
      start = end
    }
    return frames
  }

  private mutating func join(_ frames: [UserFrame]) {
    var joining = JoiningRun(pageSize: pageSize)
    var pages = 0
    let image = imageDistance
    for run in kernelRuns {
      let isImage = image == run.virtual &- run.physical
      var position = frames.partitioningIndex { $0.frame >= run.physical }
      while position < frames.count, frames[position].frame &- run.physical < run.length {
        let user = frames[position]
        position += 1
        pages += 1
        guard pages <= MirrorSearch.limit, pages & 1023 != 0 || !isCancelled() else {
          isComplete = false
          finish(&joining)
          return
        }
        let virtual = run.virtual &+ (user.frame &- run.physical)
        // If the same space maps the frame at the next address, this page continues the run, or, where the frames
        // repeat, starts a new one.
        let kind: Mirror.Kind =
          isImage && isInUse?(PhysicalAddress(user.frame)) != true ? .givenBack : .mirror
        if let next = joining.next(virtual, of: run.spaceNumber, kind, isImage: isImage),
          maps(next.spaceNumber, next.user, user.frame)
        {
          if joining.extend(user.frame) { continue }
          finish(&joining)
          joining.start(
            virtual, user.frame, next.spaceNumber, next.user, run.spaceNumber, user.mappings, kind,
            isImage: isImage)
        } else {
          finish(&joining)
          joining.start(
            virtual, user.frame, user.spaceNumber, user.virtual, run.spaceNumber, user.mappings, kind,
            isImage: isImage)
        }
      }
    }
    finish(&joining)
  }

  private mutating func finish(_ joining: inout JoiningRun) {
    if let mirror = joining.take() { mirrors.append(mirror) }
  }

  private func maps(_ spaceNumber: Int, _ virtual: UInt64, _ frame: UInt64) -> Bool {
    guard let page = index.spaces[spaceNumber].translate(VirtualAddress(virtual), in: memory).page else {
      return false
    }
    return page.physical.value == frame && page.rights.isUser
  }
}
