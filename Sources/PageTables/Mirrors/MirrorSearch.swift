/// The mirrors of a memory that somebody else wrote: supervisor leaves outside the direct map whose frames user
/// leaves map as well, joined to runs.
public struct Mirrors: Sendable {
  /// By kernel address.
  public internal(set) var all: [Mirror] = []
  /// Whether everything was looked at: hostile tables map more than anybody could list.
  public internal(set) var isComplete = true

  /// - Parameter isWanted: whether the space at a place counts; what is left of a space that ended would show
  ///   mirrors that nobody has.
  public init(
    of index: SpaceIndex, in memory: any PhysicalMemory, isWanted: ((_ place: Int) -> Bool)? = nil
  ) {
    let places = index.spaces.indices.filter { isWanted?($0) ?? true }
    if places.count == index.spaces.count {
      for group in index.groups { add(MirrorSearch(group, memory)) { index.place($0, in: group) } }
    } else if let alive = SpaceIndex(places.map { index.spaces[$0] }, memory: memory) {
      for group in alive.groups { add(MirrorSearch(group, memory)) { places[alive.place($0, in: group)] } }
    }
    all.sort { ($0.kernelVA, $0.place) < ($1.kernelVA, $1.place) }
  }

  private mutating func add(_ search: consuming MirrorSearch, _ place: (Int) -> Int) {
    search.run()
    isComplete = isComplete && search.isComplete
    for mirror in search.mirrors {
      all.append(
        Mirror(
          place: place(mirror.place), userVA: mirror.userVA, kernelVA: mirror.kernelVA, length: mirror.length,
          physical: mirror.physical, kernelPlace: place(mirror.kernelPlace), userMappings: mirror.userMappings
        ))
    }
  }
}

/// One search, in the spaces of one paging scheme.
private struct MirrorSearch {
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

  private let spaces: IndexedSpaces
  private let graph: TableGraph
  private let memory: any PhysicalMemory
  private let shapes: [PagingLevelShape]
  private let pageSize: UInt64
  private var kernelRuns: [KernelRun] = []
  private var userLeaves: [UserLeaf] = []
  private(set) var mirrors: [Mirror] = []
  private(set) var isComplete = true

  /// Runs, leaves or pages that one search keeps.
  private static let limit = 1 << 18

  init(_ spaces: IndexedSpaces, _ memory: any PhysicalMemory) {
    self.spaces = spaces
    self.memory = memory
    graph = spaces.graph
    shapes = graph.scheme.levels.map(PagingLevelShape.init)
    pageSize = shapes.last?.span ?? Frame.size
  }

  mutating func run() {
    collectKernelRuns()
    collectUserLeaves()
    guard !userLeaves.isEmpty else { return }
    userLeaves.sort { ($0.frame, $0.node, $0.slot) < ($1.frame, $1.node, $1.slot) }
    kernelRuns.sort { ($0.virtual, $0.place) < ($1.virtual, $1.place) }
    join()
  }

  /// Every supervisor leaf that no linear map holds, at each address at which it lies.
  private mutating func collectKernelRuns() {
    var bases = VirtualBases(graph, spaces.parents, spaces.counts)
    for level in shapes.indices {
      let shape = shapes[level]
      for node in graph.nodes(at: level) where graph.leaves(in: node) > 0 {
        let rights = spaces.counts.pathAccess[node]
        let mayBeSupervisor = rights & TableCounts.withoutUser != 0
        var leaves: [(slot: Int, physical: UInt64)] = []
        graph.forEachLeaf(in: node, shape, memory: memory) { slot, raw, physical in
          if mayBeSupervisor || !shape.format.access(of: raw, kind: .leaf).contains(.user) {
            leaves.append((slot, physical.value))
          }
        }
        guard !leaves.isEmpty else { continue }
        let allBases = bases(node).map(\.offset)
        let ourBases = bases.usual(node)
        let place = Int(spaces.counts.owners[node])
        func virtual(_ slot: Int, _ base: UInt64) -> UInt64 {
          graph.scheme.canonical(base &+ UInt64(slot) &* shape.span).value
        }
        // An entry of a linear map stays one, whatever else leads to it: boot-time tables borrow from the kernel's.
        leaves.removeAll { leaf in
          allBases.contains { base in
            spaces.directMaps.contains(
              VirtualAddress(virtual(leaf.slot, base)), PhysicalAddress(leaf.physical))
          }
        }
        for base in ourBases {
          var last: KernelRun?
          for leaf in leaves {
            let address = virtual(leaf.slot, base)
            if let run = last, run.virtual &+ run.length == address,
              run.physical &+ run.length == leaf.physical
            {
              last?.length &+= shape.span
            } else {
              append(last)
              last = KernelRun(virtual: address, physical: leaf.physical, length: shape.span, place: place)
            }
          }
          append(last)
        }
      }
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

  /// Every user leaf that maps a frame of those runs; of a huge one, the frames that they have in common.
  private mutating func collectUserLeaves() {
    let ranges = PhysicalRanges(
      kernelRuns.map { run in
        PhysicalRange(PhysicalAddress(run.physical), PhysicalAddress(run.physical &+ run.length))
      })
    guard !ranges.ranges.isEmpty else { return }
    let filter = FrameFilter(ranges)
    for level in shapes.indices {
      let shape = shapes[level]
      for node in graph.nodes(at: level)
      where graph.leaves(in: node) > 0 && spaces.counts.pathAccess[node] & TableCounts.withUser != 0 {
        let number = UInt32(truncatingIfNeeded: node)
        var hits: [UserLeaf] = []
        graph.forEachLeaf(in: node, shape, memory: memory) { slot, raw, physical in
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
            return hits.count < MirrorSearch.limit
          }
        }
        let room = MirrorSearch.limit - userLeaves.count
        if hits.count > room { isComplete = false }
        userLeaves += hits.prefix(room)
      }
    }
  }

  /// The user leaves of one frame.
  private func leaves(of frame: UInt64) -> ArraySlice<UserLeaf> {
    let start = userLeaves.partitioningIndex { $0.frame >= frame }
    let end = userLeaves[start...].firstIndex { $0.frame != frame } ?? userLeaves.count
    return userLeaves[start..<end]
  }

  private mutating func join() {
    var joining = JoiningRun()
    var pages = 0
    for run in kernelRuns {
      let start = userLeaves.partitioningIndex { $0.frame >= run.physical }
      var position = start
      while position < userLeaves.count, userLeaves[position].frame &- run.physical < run.length {
        let frame = userLeaves[position].frame
        let leaves = leaves(of: frame)
        position = leaves.endIndex
        pages += 1
        guard pages <= MirrorSearch.limit else {
          isComplete = false
          break
        }
        let virtual = run.virtual &+ (frame &- run.physical)
        if let (place, user) = joining.next(virtual, frame, pageSize) {
          // The same space goes on at the next address: the run does.
          if maps(place, user, frame) {
            if joining.extend(frame, pageSize) { continue }
            finish(&joining)
            joining.start(virtual, frame, place, user, run.place, count(leaves), pageSize)
            continue
          }
        }
        finish(&joining)
        guard let (place, user) = first(of: leaves, frame) else { continue }
        joining.start(virtual, frame, place, user, run.place, count(leaves), pageSize)
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

  /// The first space that maps a frame for its user, and its lowest address.
  private func first(of leaves: ArraySlice<UserLeaf>, _ frame: UInt64) -> (place: Int, virtual: UInt64)? {
    var best: (place: Int, virtual: UInt64)?
    for leaf in leaves {
      let node = Int(leaf.node)
      let place = Int(spaces.counts.owners[node])
      if let best, best.place < place { continue }
      let shape = shapes[graph.level(of: node)]
      let arrival = graph.firstArrival(at: node, spaces.counts)
      let offset = arrival.base &+ UInt64(leaf.slot) &* shape.span &+ (frame & (shape.span &- 1))
      let virtual = graph.scheme.canonical(offset).value
      if let best, best.place == place, best.virtual <= virtual { continue }
      best = (place, virtual)
    }
    return best
  }

  private func count(_ leaves: ArraySlice<UserLeaf>) -> UInt64 {
    leaves.reduce(0) { sum, leaf in
      let (total, overflow) = sum.addingReportingOverflow(spaces.counts.paths[Int(leaf.node)])
      return overflow ? .max : total
    }
  }
}

/// A mirror that may yet grow.
private struct JoiningRun {
  private var mirror: Mirror?
  private var frames: Set<UInt64> = []

  /// Where the user side would go on if the page at `virtual` belonged to the run; nil where it cannot.
  func next(_ virtual: UInt64, _ frame: UInt64, _ pageSize: UInt64) -> (place: Int, user: UInt64)? {
    guard let mirror, mirror.kernelVA.value &+ mirror.length == virtual else { return nil }
    return (mirror.place, mirror.userVA.value &+ mirror.length)
  }

  /// Takes one page more; answers false where the frame is in the run already: a list of frames that comes twice
  /// is two mirrors.
  mutating func extend(_ frame: UInt64, _ pageSize: UInt64) -> Bool {
    guard let old = mirror, frames.insert(frame).inserted else { return false }
    mirror = Mirror(
      place: old.place, userVA: old.userVA, kernelVA: old.kernelVA, length: old.length &+ pageSize,
      physical: old.physical, kernelPlace: old.kernelPlace, userMappings: old.userMappings)
    return true
  }

  mutating func start(
    _ virtual: UInt64, _ frame: UInt64, _ place: Int, _ user: UInt64, _ kernelPlace: Int, _ count: UInt64,
    _ pageSize: UInt64
  ) {
    frames = [frame]
    mirror = Mirror(
      place: place, userVA: VirtualAddress(user), kernelVA: VirtualAddress(virtual), length: pageSize,
      physical: PhysicalAddress(frame), kernelPlace: kernelPlace, userMappings: count)
  }

  mutating func take() -> Mirror? {
    defer { mirror = nil }
    return mirror
  }
}
