/// Copies the tables of some spaces and the pages that they map: each (table, level) once, in the order in which it
/// is reached.
struct TableCopy {
  private let scheme: PagingScheme
  private let memory: any PhysicalMemory
  private let extent: MemoryExtent
  private let shapes: [PagingLevelShape]
  private var nodes: [TableReference] = []
  /// Offset of each node's first byte in the image.
  private var offsets: [UInt64] = []
  private var indices: [TableReference: Int] = [:]
  /// The image, little-endian, with the original entries.
  private var words: [UInt64] = []
  /// Byte offsets of unreadable pages that belong to tables with readable ones.
  private var holeOffsets: [UInt64] = []
  /// Bytes of all tables known so far; whole pages.
  private(set) var bytes: UInt64 = 0
  /// The required alignment of the first table.
  private(set) var alignment = Frame.size
  private(set) var missingTables: UInt64 = 0
  /// Where the image must not lie.
  private(set) var avoided: AvoidedMemory
  /// The copied pages, which precede the tables.
  private(set) var pages = MovedPages()
  private let options: RebuildOptions

  /// - Parameters:
  ///   - memory: one moment.
  ///   - extent: that of the memory.
  init(scheme: PagingScheme, memory: any PhysicalMemory, extent: MemoryExtent, options: RebuildOptions) {
    self.scheme = scheme
    self.memory = memory
    self.extent = extent
    self.options = options
    shapes = scheme.levels.map(PagingLevelShape.init)
    avoided = AvoidedMemory(extent)
  }

  var count: Int { nodes.count }

  /// Where the tables begin: the copied pages precede them, because the largest of those need the coarsest
  /// alignment.
  var tableStart: UInt64 { (pages.bytes &+ alignment &- 1) & ~(alignment &- 1) }

  /// Bytes of the whole image; whole pages.
  var imageBytes: UInt64 { tableStart &+ bytes }

  /// The required alignment of the whole image.
  var imageAlignment: UInt64 { max(alignment, pages.alignment) }

  func address(of node: Int, from start: PhysicalAddress) -> PhysicalAddress {
    start.advanced(by: tableStart &+ offsets[node])
  }

  /// The node of a table, nil where its first page cannot be read.
  mutating func node(_ table: TableReference) -> Int? {
    if let known = indices[table] { return known }
    var isReadable = true
    do throws(MissingPage) {
      try memory.withPage(at: table.address) { _ in }
    } catch {
      isReadable = false
    }
    guard isReadable else {
      missingTables &+= 1
      avoided.add(table.address.frameStart, Frame.size)
      return nil
    }
    indices[table] = nodes.count
    nodes.append(table)
    let size = max(scheme.levels[table.level].tableSize, Frame.size)
    // Tables of several pages are aligned to their size.
    let own = max(size, table.level == 0 ? scheme.rootAlignment : 0)
    let start = (bytes &+ own &- 1) & ~(own &- 1)
    offsets.append(start)
    bytes = start &+ size
    alignment = max(alignment, own)
    return nodes.count - 1
  }

  /// Reads every table that is reached, each once.
  mutating func readAll() {
    var next = 0
    while next < nodes.count {
      read(next)
      next += 1
    }
    pages.arrange(readable: extent.readable)
  }

  private mutating func read(_ node: Int) {
    let table = nodes[node]
    let shape = shapes[table.level]
    let start = offsets[node]
    let end = start &+ max(scheme.levels[table.level].tableSize, Frame.size)
    words.append(contentsOf: repeatElement(0, count: Int(truncatingIfNeeded: end) / 8 - words.count))
    var done = 0
    while done < shape.entryCount {
      let entry = table.address.advanced(by: UInt64(done &* shape.entrySize))
      let pageEnd = min(shape.entryCount, done + (Int(Frame.size) - entry.offsetInFrame) / shape.entrySize)
      let slots = done..<max(pageEnd, done + 1)
      do throws(MissingPage) {
        try memory.withEntries(of: table.address, level: shape, slots: slots) { page, offset, slots in
          copy(page, offset, slots, to: start, table.level, shape)
          return true
        }
      } catch {
        // The pages of the copy correspond to those of the table where tables start at page boundaries, as all
        // tables of several pages do.
        holeOffsets.append(start &+ UInt64(slots.lowerBound &* shape.entrySize) & ~(Frame.size &- 1))
        missingTables &+= 1
      }
      done = slots.upperBound
    }
  }

  private mutating func copy(
    _ page: RawSpan, _ offset: Int, _ slots: Range<Int>, to start: UInt64, _ level: Int,
    _ shape: PagingLevelShape
  ) {
    var cursor = EntryCursor(offset: offset, slots: slots)
    while true {
      let raw = cursor.nextEntry(in: page, size: shape.entrySize)
      guard raw != 0 else { return }
      let slot = cursor.slot
      storeEntry(
        raw, size: shape.entrySize, at: Int(truncatingIfNeeded: start) &+ slot &* shape.entrySize, in: &words)
      switch shape.format.kind(of: raw) {
      case .leaf:
        avoided.add(shape.frame(of: raw, slot: slot), shape.span)
        // Where several entries map one page together, the page moves in one piece.
        if options.movesPages {
          pages.add(shape.format.leafAddress.address(in: raw), size: scheme.levels[level].pageSize(of: raw))
        }
      case .table:
        let child = shape.format.tableAddress.address(in: raw)
        _ = node(TableReference(address: child, level: level + 1))
      case .absent, .marked, .malformed: break
      }
    }
  }

  /// The image with its entries pointing at the copies, and the set of its unreadable pages.
  func image(at start: PhysicalAddress) throws(RebuildError) -> (words: [UInt64], holes: Set<Frame>) {
    var image: [UInt64] = []
    image.reserveCapacity(Int(truncatingIfNeeded: imageBytes / 8))
    var holes = pages.append(to: &image, from: memory)
    let first = Int(truncatingIfNeeded: tableStart)
    image.append(contentsOf: repeatElement(0, count: first / 8 - image.count))
    image.append(contentsOf: words)
    holes += holeOffsets.map { tableStart &+ $0 }
    for (node, table) in nodes.enumerated() {
      let shape = shapes[table.level]
      let offset = Int(truncatingIfNeeded: offsets[node])
      var marked: [UInt64: UInt64] = [:]
      for slot in 0..<shape.entryCount {
        let position = offset &+ slot &* shape.entrySize
        let raw = words.span.bytes.entry(at: position, size: shape.entrySize)
        guard raw != 0 else { continue }
        let moved: UInt64?
        switch shape.format.kind(of: raw) {
        case .table: moved = try entry(raw, level: table.level, movedFrom: start)
        case .leaf: moved = try leaf(raw, level: table.level, movedFrom: start, &marked)
        case .absent, .marked, .malformed: moved = nil
        }
        if let moved { storeEntry(moved, size: shape.entrySize, at: first &+ position, in: &image) }
      }
    }
    return (image, Set(holes.map { start.advanced(by: $0).frame }))
  }

  /// The entry, pointing at the copy of its table; nil where the table cannot be read.
  private func entry(
    _ raw: UInt64, level: Int, movedFrom start: PhysicalAddress
  ) throws(RebuildError) -> UInt64? {
    let format = shapes[level].format
    let child = TableReference(address: format.tableAddress.address(in: raw), level: level + 1)
    guard let index = indices[child] else { return nil }
    do throws(EncodingError) {
      return try format.entry(raw, movedTo: address(of: index, from: start))
    } catch {
      throw .noRoom(bytes: imageBytes)
    }
  }

  /// The leaf with its page's new address and its mark; nil where neither changes.
  ///
  /// - Parameter marked: a cache of the marked attributes, by the original ones.
  private func leaf(
    _ raw: UInt64, level: Int, movedFrom start: PhysicalAddress, _ marked: inout [UInt64: UInt64]
  ) throws(RebuildError) -> UInt64? {
    let format = shapes[level].format
    let address = format.leafAddress.address(in: raw)
    var leaf = raw
    if let mark = options.copyOnWrite,
      mark.matches(raw) || format.access(of: raw, kind: .leaf).contains(.write)
    {
      let attributes = shapes[level].leafAttributes
      if marked[raw & attributes] == nil {
        do throws(EncodingError) {
          marked[raw & attributes] = try scheme.levels[level].leaf(raw, copyingOnWriteBy: mark) & attributes
        } catch {
          throw .encoding(error)
        }
      }
      leaf = (marked[raw & attributes] ?? 0) | raw & ~attributes
    }
    // One of several entries that map a page together keeps its address bits below the page's size.
    if let offset = pages.offset(of: address) {
      do throws(EncodingError) {
        leaf = try format.entry(leaf, movedTo: start.advanced(by: offset))
      } catch {
        throw .noRoom(bytes: imageBytes)
      }
    }
    return leaf == raw ? nil : leaf
  }
}
