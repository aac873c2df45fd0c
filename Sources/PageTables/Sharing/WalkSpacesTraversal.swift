/// One walk over several spaces: who has walked which table, and the recursion over those that nobody has.
struct SharedSpaceWalk {
  private let scheme: PagingScheme
  private let memory: any PhysicalMemory
  private let readable: PhysicalRanges
  private let shapes: [PagingLevelShape]
  private let range: TranslatedRange
  private let options: WalkSpacesOptions
  private let isCancelled: () -> Bool
  private let body: (Int, SpaceItem) -> Bool
  private(set) var spaces: [SharedSpace]
  private var visits: [UInt64: Visit] = [:]
  /// The space that is being walked, its counts, and where its leaves go.
  private var place = 0
  private var current: SharedSpace
  private var sink: RangeSink

  /// The first visit of a table.
  private struct Visit {
    let place: UInt32
    /// Offset of the table's first byte there.
    let base: UInt64
  }

  /// The part of a table's block that the bounds leave.
  private struct Part {
    /// Offsets from the block's start, both included.
    let first: UInt64
    let last: UInt64
    /// Bit 0: cut at its low end; bit 1: cut at its high end. At one level only one block of all is cut by either
    /// bound, and in every space the same one: so the same cuts of a table are the same part of it.
    let cuts: UInt64

    init(ofBlockAt base: UInt64, size: UInt64, in range: TranslatedRange) {
      first = range.first > base ? range.first &- base : 0
      last = min(range.last &- base, size &- 1)
      cuts = (first > 0 ? 1 : 0) | (last < size &- 1 ? 2 : 0)
    }
  }

  init(
    spaces: [SharedSpace], scheme: PagingScheme, memory: any PhysicalMemory, range: TranslatedRange,
    options: WalkSpacesOptions, isCancelled: @escaping () -> Bool, body: @escaping (Int, SpaceItem) -> Bool
  ) {
    precondition(
      scheme.levels.count <= 8 && scheme.rootAlignment >= 32, "a table, its level and cuts fit a key")
    self.spaces = spaces
    self.scheme = scheme
    self.memory = memory
    self.range = range
    self.options = options
    self.isCancelled = isCancelled
    self.body = body
    readable = memory.extent.readable
    shapes = scheme.levels.map(PagingLevelShape.init)
    current = SharedSpace(root: PhysicalAddress(0))
    sink = RangeSink(
      rule: .virtualAndPhysical, firstAddress: nil, lastAddress: nil, body: { _ in true })
  }

  mutating func run() {
    let top = shapes[0].span &* UInt64(shapes[0].entryCount)
    let first = scheme.canonical(range.first)
    let last = scheme.canonical(range.last)
    var goesOn = true
    for place in spaces.indices {
      self.place = place
      current = spaces[place]
      if goesOn {
        let mark = options.copyOnWrite
        sink = RangeSink(rule: .virtualAndPhysical, firstAddress: first, lastAddress: last) { [body] range in
          let isMarked = mark?.matches(range.raw) ?? false
          return body(place, .mapping(range, isMarked ? .copyOnWrite : .plain))
        }
        let root = TableReference(address: current.root, level: 0)
        goesOn = meet(root, size: top, base: 0, access: .all, entry: 0) && sink.flush()
        current.isRootReadable =
          current.summary.tables > 0 || current.references > 0 || current.summary.missingTables == 0
      }
      current.summary.isComplete = goesOn
      spaces[place] = current
    }
  }

  /// Tells of a table whose block starts at offset `base`: a reference where it was walked, else all below it.
  /// Answers whether to go on.
  private mutating func meet(
    _ table: TableReference, size: UInt64, base: UInt64, access: Access, entry: UInt64
  ) -> Bool {
    let part = Part(ofBlockAt: base, size: size, in: range)
    // Tables lie at 32-byte boundaries or coarser, so the low bits are free for the level and the cuts.
    let whole = table.address.value | UInt64(truncatingIfNeeded: table.level)
    let key = whole | part.cuts &<< 3
    // A visit with the same cuts, if there is one, is older than one of the whole table.
    if let visit = visits[key] ?? (part.cuts == 0 ? nil : visits[whole]) {
      return refer(to: table, visit, part, base: base, access: access, entry: entry)
    }
    guard readable.contains(table.address) else {
      current.summary.missingTables &+= 1
      return true
    }
    if isCancelled() { return false }
    visits[key] = Visit(place: UInt32(truncatingIfNeeded: place), base: base)
    if options.listsTables {
      let virtual = scheme.canonical(base &+ part.first)
      guard sink.flush(), body(place, .table(OwnTable(table: table, virtual: virtual, entry: entry))) else {
        return false
      }
    }
    let tablesBefore = current.summary.tables
    let goesOn = visit(table, part: part, base: base, access: access)
    // The extent promised more than the memory holds: nothing was walked that one could refer to.
    if current.summary.tables == tablesBefore { visits[key] = nil }
    return goesOn
  }

  private mutating func refer(
    to table: TableReference, _ visit: Visit, _ part: Part, base: UInt64, access: Access, entry: UInt64
  ) -> Bool {
    current.references &+= 1
    let owner = Int(visit.place)
    let ourVA = scheme.canonical(base &+ part.first)
    let reference = SpaceReferenceMapping(
      depth: table.level, owner: owner, space: owner == place ? current.root : spaces[owner].root,
      ourVA: ourVA, theirVA: scheme.canonical(visit.base &+ part.first),
      // Through the canonical end, as a root's block has the gap between the halves inside.
      length: scheme.canonical(base &+ part.last).value &- ourVA.value &+ 1, table: table)
    return sink.flush() && body(place, .reference(reference, entry: entry, access: access))
  }

  private mutating func visit(_ table: TableReference, part: Part, base: UInt64, access: Access) -> Bool {
    let shape = shapes[table.level]
    let first = Int(truncatingIfNeeded: part.first &>> shape.shift)
    let last = Int(truncatingIfNeeded: part.last &>> shape.shift)
    var goesOn = true
    var isRead = false
    do throws(MissingPage) {
      try memory.withEntries(of: table.address, level: shape, slots: first..<last + 1) {
        page, offset, slots in
        if !isRead { current.summary.tables &+= 1 }
        isRead = true
        goesOn = scan(page, offset, slots, level: table.level, shape: shape, base: base, access: access)
        return goesOn
      }
    } catch {
      current.summary.missingTables &+= 1
    }
    return goesOn
  }

  @inline(__always)
  private mutating func scan(
    _ page: RawSpan, _ offset: Int, _ slots: Range<Int>, level: Int, shape: PagingLevelShape, base: UInt64,
    access: Access
  ) -> Bool {
    var position = offset
    var slot = slots.lowerBound
    // Leaves come in crowds that agree in all but the address; each then needs no more than that decoded.
    var example: UInt64 = 0
    var hasExample = false
    var leafAccess: Access = []
    // Below the root, all addresses of a table lie in one half.
    let tableStart = scheme.canonical(base).value
    let isRoot = level == 0
    while slot < slots.upperBound {
      let blank = page.blankEntries(at: position, slot: slot, end: slots.upperBound, size: shape.entrySize)
      if blank > 0 {
        slot &+= blank
        position &+= blank &* shape.entrySize
        continue
      }
      let raw = page.entry(at: position, size: shape.entrySize)
      position &+= shape.entrySize
      let within = UInt64(truncatingIfNeeded: slot) &<< shape.shift
      slot &+= 1
      if raw == 0 { continue }
      if !hasExample || (raw ^ example) & shape.leafDecidingBits != 0 {
        let kind = shape.format.kind(of: raw)
        switch kind {
        case .leaf:
          example = raw
          hasExample = true
          leafAccess = scheme.granted(by: access.intersection(shape.format.access(of: raw, kind: .leaf)))
        case .table:
          let below = access.intersection(shape.format.access(of: raw, kind: .table))
          let child = TableReference(address: shape.format.tableAddress.address(in: raw), level: level + 1)
          if !meet(child, size: shape.span, base: base &+ within, access: below, entry: raw) { return false }
          continue
        case .marked:
          current.summary.markedEntries &+= 1
          continue
        case .malformed:
          current.summary.malformedEntries &+= 1
          continue
        case .absent: continue
        }
      }
      current.summary.leaves &+= 1
      let virtual = isRoot ? scheme.canonical(base &+ within) : VirtualAddress(tableStart &+ within)
      let leaf = Leaf(
        virtual: virtual, physical: shape.format.leafAddress.address(in: raw), level: level, raw: raw,
        access: leafAccess)
      if !sink.take(leaf, shape) { return false }
      if options.listsEveryLeaf, !sink.flush() { return false }
    }
    return true
  }
}
