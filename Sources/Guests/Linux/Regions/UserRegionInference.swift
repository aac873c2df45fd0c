import PageTables

/// Infers where the kernel keeps the regions of its processes if there is no type information: a tree's nodes say
/// what each region must contain; a list must be ascending in every process, and must end.
struct UserRegionInference {
  let reader: GuestMemoryReader
  let symbols: KernelSymbols?
  /// The `mm_struct`s of processes.
  let memories: [UInt64]

  private static let processLimit = 32
  /// How many processes may give the first hint: one may be corrupt.
  private static let examples = 3
  private static let memorySize = 1024
  private static let areaSize = 160
  /// Pages in the largest possible file.
  private static let filePages: UInt64 = 1 << 51
  /// The most nodes examined in a tree, and the most regions over all trees.
  private static let nodeLimit = 256
  private static let effort = 1 << 17

  /// A region: the range that it must contain, and its address.
  private typealias Region = MapleTree.Entry

  /// The regions of a process, and its `mm_struct`.
  private struct Process {
    let memory: UInt64
    let regions: [Region]
  }

  private var tolerance = Tolerance.none

  init(reader: GuestMemoryReader, symbols: KernelSymbols?, memories: [UInt64]) {
    self.reader = reader
    self.symbols = symbols
    self.memories = memories
  }

  /// Nil where nothing fits the processes.
  func run() -> UserRegionReader? {
    for tolerance in Tolerance.allCases {
      var inference = self
      inference.tolerance = tolerance
      if let found = inference.search() { return found }
    }
    return nil
  }

  private func search() -> UserRegionReader? {
    let memories = Array(self.memories.prefix(UserRegionInference.processLimit))
    let size = reader.pointerSize
    guard !memories.isEmpty else { return nil }
    var effort = UserRegionInference.effort
    for tree in stride(from: 0, to: UserRegionInference.memorySize, by: size) {
      guard let processes = processes(memories, treeAt: tree, &effort),
        let start = startOffset(processes.flatMap(\.regions))
      else { continue }
      let source = UserRegionReader.Source.tree(MapleTree(inferredFor: reader), offset: tree)
      if let found = found(source, processes, start: start) { return found }
    }
    for first in stride(from: 0, to: UserRegionInference.memorySize, by: size) {
      for place in memories.prefix(UserRegionInference.examples).flatMap({ lists($0, first) }) {
        guard effort > 0, let processes = processes(memories, listAt: place, &effort) else { continue }
        let source = UserRegionReader.Source.list(place.list)
        if let found = found(source, processes, start: place.start) { return found }
      }
    }
    return nil
  }

  /// Infers the remaining offsets once it is known what holds the regions.
  private func found(
    _ source: UserRegionReader.Source, _ processes: [Process], start: Int
  ) -> UserRegionReader? {
    guard let flags = flagsOffset(processes) else { return nil }
    let size = reader.pointerSize
    let layout = layoutOffset(processes, flags: flags)
    let all = processes.flatMap(\.regions)
    let files = FilePathInference(reader: reader, symbols: symbols, areas: all.prefix(4096).map(\.pointer))
      .run()
    let area = UserRegionReader.Area(
      start: start, end: start + size, flags: flags,
      pageOffset: files.flatMap { pageOffset(all, start: start, file: $0.file) }, file: files?.file,
      operations: nil,
      privateData: specialOffset(all), anonymousName: nil, filesHaveNames: false, nameOperation: nil,
      specialName: 0, nameText: nil, isInferred: true)
    return UserRegionReader(
      inferred: area, source: source, heap: layout.map { ($0, $0 + size) },
      stack: layout.map { $0 + 2 * size },
      arguments: layout.map { ($0 + 3 * size, $0 + 4 * size, ($0 + 5 * size, $0 + 6 * size)) },
      paths: files?.paths, reader)
  }

  /// The offset of a region's first page in its file. For much memory without a file, the field equals the address
  /// in pages (not for stacks that were moved, and special regions); some files are mapped from their start.
  private func pageOffset(_ regions: [Region], start: Int, file: Int) -> Int? {
    let mapped = regions.filter { reader.pointer(at: $0.pointer &+ UInt64(file)).map { $0 != 0 } ?? false }
    let anonymous = regions.filter { reader.pointer(at: $0.pointer &+ UInt64(file)) == 0 }
    guard !mapped.isEmpty, !anonymous.isEmpty else { return nil }
    return stride(from: 0, to: UserRegionInference.areaSize, by: reader.pointerSize).first { offset in
      guard offset != start else { return false }
      func value(_ region: Region) -> UInt64? { reader.pointer(at: region.pointer &+ UInt64(offset)) }
      let own = anonymous.count { value($0) == $0.first >> UInt64(Frame.shift) }
      return own * 4 > anonymous.count && mapped.contains { value($0) == 0 }
        && mapped.allSatisfy { value($0).map { $0 < UserRegionInference.filePages } ?? false }
    }
  }

  /// A list that may hold regions, and the offset of each region's start.
  private struct ListPlace {
    let list: RegionList
    let start: Int
  }

  /// Finds candidate offsets in the first region of a process: of its bounds, of the next region, and, following
  /// that, of the previous one, which the first region lacks.
  private func lists(_ memory: UInt64, _ first: Int) -> [ListPlace] {
    let size = reader.pointerSize
    guard let area = reader.pointer(at: memory &+ UInt64(first)), area != 0, area % UInt64(size) == 0 else {
      return []
    }
    var places: [ListPlace] = []
    for start in stride(from: 0, to: UserRegionInference.areaSize, by: size)
    where bounds(of: area, start) != nil {
      for next in stride(from: 0, to: UserRegionInference.areaSize, by: size) {
        guard let second = reader.pointer(at: area &+ UInt64(next)), second != 0,
          reader.pointer(at: area &+ UInt64(next + size)) == 0,
          reader.pointer(at: second &+ UInt64(next + size)) == area
        else { continue }
        places.append(ListPlace(list: RegionList(reader, first: first, next: next), start: start))
      }
    }
    return places
  }

  private func bounds(of area: UInt64, _ start: Int) -> Range<UInt64>? {
    guard let first = reader.pointer(at: area &+ UInt64(start)),
      let end = reader.pointer(at: area &+ UInt64(start + reader.pointerSize)), first < end,
      (first | end) & (Frame.size - 1) == 0
    else { return nil }
    return first..<end
  }

  /// The regions of every process, if this is their list: it ends, and is ascending.
  private func processes(_ memories: [UInt64], listAt place: ListPlace, _ effort: inout Int) -> [Process]? {
    var all: [Process] = []
    let fits = tolerance.accepts(memories) { memory in
      let chain = ListWalk.chain(
        from: reader.pointer(at: memory &+ UInt64(place.list.first)), link: place.list.next, reader: reader,
        limit: max(effort, 0))
      effort -= chain.nodes.count
      guard chain.isEnded, chain.nodes.count > 1 else { return false }
      var regions: [Region] = []
      for area in chain.nodes {
        guard let bounds = bounds(of: area, place.start),
          regions.last.map({ $0.last < bounds.lowerBound }) ?? true
        else { return false }
        regions.append(Region(first: bounds.lowerBound, last: bounds.upperBound - 1, pointer: area))
      }
      all.append(Process(memory: memory, regions: regions))
      return true
    }
    return fits && !all.isEmpty ? all : nil
  }

  /// The regions of every process, if its tree starts at that offset.
  private func processes(_ memories: [UInt64], treeAt offset: Int, _ effort: inout Int) -> [Process]? {
    let tree = MapleTree(inferredFor: reader)
    var all: [Process] = []
    let fits = tolerance.accepts(memories) { memory in
      guard let root = reader.pointer(at: memory &+ UInt64(offset)), root & 3 == 2, root > 4096,
        (1...3).contains(root >> 3 & 0xf), effort > 0
      else { return false }
      let regions = tree.entries(below: root, nodes: UserRegionInference.nodeLimit)
      effort -= regions.count
      guard regions.count > 1 else { return false }
      all.append(Process(memory: memory, regions: regions))
      return true
    }
    return fits && !all.isEmpty ? all : nil
  }

  /// The offset at which every region has its first address, followed by one past its last.
  private func startOffset(_ regions: [Region]) -> Int? {
    let size = reader.pointerSize
    return stride(from: 0, to: UserRegionInference.areaSize, by: size).first { offset in
      tolerance.accepts(regions) { region in
        reader.pointer(at: region.pointer &+ UInt64(offset)) == region.first
          && reader.pointer(at: region.pointer &+ UInt64(offset + size)) == region.last &+ 1
      }
    }
  }

  /// The offset of the flags: permissions never exceed the permitted maximum, and in each process one region grows
  /// down.
  private func flagsOffset(_ processes: [Process]) -> Int? {
    stride(from: 0, to: UserRegionInference.areaSize, by: reader.pointerSize).first { offset in
      var kinds: Set<UInt64> = []
      let fits = tolerance.accepts(processes) { process in
        var stacks = 0
        for region in process.regions {
          guard let flags = reader.pointer(at: region.pointer &+ UInt64(offset)), flags != 0,
            flags >> 40 == 0,
            flags & 7 & ~(flags >> 4) == 0
          else { return false }
          if flags & UserRegionReader.growsDown != 0 { stacks += 1 }
          kinds.insert(flags & 7)
        }
        return stacks == 1
      }
      // There must be code, and writable data.
      return fits && kinds.contains(5) && kinds.contains(3)
    }
  }

  /// The offset in `mm_struct` of the heap's start and end, followed by the starts of stack and arguments.
  private func layoutOffset(_ processes: [Process], flags: Int) -> Int? {
    let size = reader.pointerSize
    return stride(from: 0, to: UserRegionInference.memorySize - 5 * size, by: size).first { offset in
      tolerance.accepts(processes) { process in
        let values = (0..<5).compactMap { reader.pointer(at: process.memory &+ UInt64(offset + $0 * size)) }
        let stack = process.regions.first { region in
          (reader.pointer(at: region.pointer &+ UInt64(flags)) ?? 0) & UserRegionReader.growsDown != 0
        }
        guard values.count == 5, let stack else { return false }
        func isInStack(_ address: UInt64) -> Bool { stack.first <= address && address <= stack.last }
        return values[0] > 0 && values[0] <= values[1] && !isInStack(values[0]) && !isInStack(values[1])
          && isInStack(values[2]) && isInStack(values[3]) && values[2] <= values[3] && values[3] <= values[4]
      }
    }
  }

  /// The offset at which special regions point at a structure that starts with the pointer to their name.
  private func specialOffset(_ regions: [Region]) -> Int? {
    stride(from: 0, to: UserRegionInference.areaSize, by: reader.pointerSize).first { offset in
      regions.contains { region in
        guard let special = reader.pointer(at: region.pointer &+ UInt64(offset)), special != 0,
          let text = reader.pointer(at: special), text != 0
        else { return false }
        return reader.string(at: text, limit: 16) == "[vdso]"
      }
    }
  }
}
