/// A search for mirrors in the spaces of one paging scheme.
struct MirrorSearch {
  /// Supervisor leaves in a row, contiguous in virtual and physical addresses.
  private struct KernelRun {
    var virtual: UInt64
    var physical: UInt64
    var length: UInt64
    var place: Int
  }

  /// A user leaf of a frame that the kernel maps, too.
  private struct UserLeaf {
    var frame: UInt64
    var node: UInt32
    var slot: UInt32
  }

  /// A frame that both map: where user space has it first, and how often.
  private struct UserFrame {
    let frame: UInt64
    let place: Int
    let virtual: UInt64
    let mappings: UInt64
  }

  private let spaces: IndexedSpaces
  private let counts: TableCounts
  private let graph: TableGraph
  private let memory: any PhysicalMemory
  private let isCancelled: () -> Bool
  private let shapes: [PagingLevelShape]
  private let pageSize: UInt64
  private var kernelRuns: [KernelRun] = []
  private(set) var mirrors: [Mirror] = []
  private(set) var isComplete = true

  /// Runs, leaves or pages that one search keeps.
  private static let limit = 1 << 18

  /// - Parameter counts: those of the spaces that are wanted.
  init(
    _ spaces: IndexedSpaces, _ counts: TableCounts, _ memory: any PhysicalMemory,
    _ isCancelled: @escaping () -> Bool
  ) {
    self.spaces = spaces
    self.counts = counts
    self.memory = memory
    self.isCancelled = isCancelled
    graph = spaces.graph
    shapes = graph.scheme.levels.map(PagingLevelShape.init)
    pageSize = shapes.last?.span ?? Frame.size
  }

  mutating func run() {
    collectKernelRuns()
    let leaves = userLeaves()
    guard !leaves.isEmpty else { return }
    // What one kernel has in a row is joined; another's tables may hold anything between.
    kernelRuns.sort { ($0.place, $0.virtual) < ($1.place, $1.virtual) }
    join(frames(of: leaves))
  }

  /// Calls `body` with every node that has leaves and that a wanted space reaches, until the search is cancelled.
  private mutating func forEachNode(_ body: (inout MirrorSearch, TableGraph.Node, PagingLevelShape) -> Void) {
    for level in shapes.indices {
      for node in graph.nodes(at: level) {
        if node & 63 == 0, isCancelled() {
          isComplete = false
          return
        }
        if graph.leaves(in: node) > 0, counts.isReached(node) { body(&self, node, shapes[level]) }
      }
    }
  }

  /// Every supervisor leaf that no linear map holds, at each address at which it lies. What a recursive slot shows
  /// are tables, and their entries no mappings of the kernel's own.
  private mutating func collectKernelRuns() {
    var bases = VirtualBases(graph, spaces.parents, counts)
    forEachNode { search, node, shape in
      let mayBeSupervisor = search.counts.pathAccess[node] & TableCounts.withoutUser != 0
      var leaves: [(slot: Int, physical: UInt64)] = []
      search.graph.forEachLeaf(in: node, shape, memory: search.memory) { slot, raw, physical in
        if mayBeSupervisor || !shape.format.access(of: raw, kind: .leaf).contains(.user) {
          leaves.append((slot, physical.value))
        }
      }
      guard !leaves.isEmpty, !search.graph.firstArrival(at: node, search.counts).isRecursive else { return }
      search.collect(&leaves, of: shape, all: bases(node).map(\.offset), at: bases.usual(node))
    }
  }

  private mutating func collect(
    _ leaves: inout [(slot: Int, physical: UInt64)], of shape: PagingLevelShape, all offsets: [UInt64],
    at bases: [VirtualBases.Base]
  ) {
    let scheme = graph.scheme
    func virtual(_ slot: Int, _ offset: UInt64) -> UInt64 {
      scheme.canonical(offset &+ UInt64(slot) &* shape.span).value
    }
    // An entry of a linear map stays one, whatever else leads to it: boot-time tables borrow from the kernel's.
    leaves.removeAll { leaf in
      offsets.contains { offset in
        spaces.directMaps.contains(
          VirtualAddress(virtual(leaf.slot, offset)), PhysicalAddress(leaf.physical))
      }
    }
    for base in bases {
      var last: KernelRun?
      for leaf in leaves {
        let address = virtual(leaf.slot, base.offset)
        if let run = last, run.virtual &+ run.length == address,
          run.physical &+ run.length == leaf.physical
        {
          last?.length &+= shape.span
        } else {
          append(last)
          last = KernelRun(
            virtual: address, physical: leaf.physical, length: shape.span, place: Int(base.owner))
        }
      }
      append(last)
    }
  }

  private mutating func append(_ run: KernelRun?) {
    guard let run else { return }
    guard kernelRuns.count < MirrorSearch.limit else {
      isComplete = false
      return
    }
    kernelRuns.append(run)
  }

  /// Every user leaf that maps a frame of those runs, by frame; of a huge one, the frames that they have in common.
  private mutating func userLeaves() -> [UserLeaf] {
    let ranges = PhysicalRanges(
      kernelRuns.map { run in
        PhysicalRange(PhysicalAddress(run.physical), PhysicalAddress(run.physical &+ run.length))
      })
    guard !ranges.ranges.isEmpty else { return [] }
    let filter = FrameFilter(ranges)
    let pageSize = pageSize
    var found: [UserLeaf] = []
    forEachNode { search, node, shape in
      guard search.counts.pathAccess[node] & TableCounts.withUser != 0 else { return }
      let number = UInt32(truncatingIfNeeded: node)
      let room = MirrorSearch.limit - found.count
      var hits: [UserLeaf] = []
      search.graph.forEachLeaf(in: node, shape, memory: search.memory) { slot, raw, physical in
        guard shape.format.access(of: raw, kind: .leaf).contains(.user) else { return }
        let slotNumber = UInt32(truncatingIfNeeded: slot)
        if shape.span == pageSize {
          if filter.mayContain(physical), ranges.contains(physical) {
            hits.append(UserLeaf(frame: physical.value, node: number, slot: slotNumber))
          }
          return
        }
        ranges.forEachPage(of: pageSize, from: physical, length: shape.span) { frame in
          hits.append(UserLeaf(frame: frame.value, node: number, slot: slotNumber))
          return hits.count <= room
        }
      }
      if hits.count > room { search.isComplete = false }
      found += hits.prefix(room)
    }
    return found.sorted { ($0.frame, $0.node, $0.slot) < ($1.frame, $1.node, $1.slot) }
  }

  /// What the user leaves of each frame say together: asked once a frame, however often the kernel maps it.
  private func frames(of leaves: [UserLeaf]) -> [UserFrame] {
    var frames: [UserFrame] = []
    var start = 0
    while start < leaves.count {
      var end = start
      var first: (place: Int, virtual: UInt64)?
      var mappings: UInt64 = 0
      while end < leaves.count, leaves[end].frame == leaves[start].frame {
        let leaf = leaves[end]
        end += 1
        let node = Int(leaf.node)
        let (sum, overflow) = mappings.addingReportingOverflow(counts.paths[node])
        mappings = overflow ? .max : sum
        let place = Int(counts.owners[node])
        if let first, first.place < place { continue }
        let span = shapes[graph.level(of: node)].span
        let base = graph.firstArrival(at: node, counts).base
        let offset = base &+ UInt64(leaf.slot) &* span &+ (leaf.frame & (span &- 1))
        let virtual = graph.scheme.canonical(offset).value
        if let first, first.place == place, first.virtual <= virtual { continue }
        first = (place, virtual)
      }
      if let first {
        frames.append(
          UserFrame(
            frame: leaves[start].frame, place: first.place, virtual: first.virtual, mappings: mappings))
      }
      start = end
    }
    return frames
  }

  private mutating func join(_ frames: [UserFrame]) {
    var joining = JoiningRun(pageSize: pageSize)
    var pages = 0
    for run in kernelRuns {
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
        // The same space goes on at the next address: the run does, or, where its frames begin anew, the next one.
        if let next = joining.next(virtual, of: run.place), maps(next.place, next.user, user.frame) {
          if joining.extend(user.frame) { continue }
          finish(&joining)
          joining.start(virtual, user.frame, next.place, next.user, run.place, user.mappings)
        } else {
          finish(&joining)
          joining.start(virtual, user.frame, user.place, user.virtual, run.place, user.mappings)
        }
      }
    }
    finish(&joining)
  }

  private mutating func finish(_ joining: inout JoiningRun) {
    if let mirror = joining.take() { mirrors.append(mirror) }
  }

  private func maps(_ place: Int, _ virtual: UInt64, _ frame: UInt64) -> Bool {
    guard let root = graph.roots[place] else { return false }
    let space = AddressSpace(name: "", root: graph.table(root).address, scheme: graph.scheme)
    guard let page = space.translate(VirtualAddress(virtual), in: memory).page else { return false }
    return page.physical.value == frame && page.access.contains(.user)
  }
}

/// A mirror that may yet grow.
private struct JoiningRun {
  private let pageSize: UInt64
  private var mirror: Mirror?
  private var frames: Set<UInt64> = []

  init(pageSize: UInt64) {
    self.pageSize = pageSize
  }

  /// Where the user side would go on if the page at `virtual` belonged to the run; nil where it cannot.
  func next(_ virtual: UInt64, of kernelPlace: Int) -> (place: Int, user: UInt64)? {
    guard let mirror, mirror.kernelPlace == kernelPlace, mirror.kernelVA.value &+ mirror.length == virtual
    else { return nil }
    return (mirror.place, mirror.userVA.value &+ mirror.length)
  }

  /// Takes one page more; answers false where the frame is in the run already: a list of frames that comes twice
  /// is two mirrors.
  mutating func extend(_ frame: UInt64) -> Bool {
    guard let old = mirror, frames.insert(frame).inserted else { return false }
    mirror = Mirror(
      place: old.place, userVA: old.userVA, kernelVA: old.kernelVA, length: old.length &+ pageSize,
      physical: old.physical, kernelPlace: old.kernelPlace, userMappings: old.userMappings)
    return true
  }

  mutating func start(
    _ virtual: UInt64, _ frame: UInt64, _ place: Int, _ user: UInt64, _ kernelPlace: Int, _ mappings: UInt64
  ) {
    frames = [frame]
    mirror = Mirror(
      place: place, userVA: VirtualAddress(user), kernelVA: VirtualAddress(virtual), length: pageSize,
      physical: PhysicalAddress(frame), kernelPlace: kernelPlace, userMappings: mappings)
  }

  mutating func take() -> Mirror? {
    defer { mirror = nil }
    return mirror
  }
}
