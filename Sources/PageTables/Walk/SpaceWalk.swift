extension AddressSpace {
  /// Calls `body` with every leaf from `first` to `last` (both inclusive), in ascending virtual address.
  ///
  /// Every path is followed, so a table reached twice yields its leaves twice. Only the number of levels bounds the
  /// walk, not the size of the memory: in hostile memory it can take very long. `body` returns whether to continue.
  public func forEachLeaf(
    in memory: any PhysicalMemory, from first: VirtualAddress? = nil, through last: VirtualAddress? = nil,
    _ body: (Leaf) -> Bool
  ) -> WalkSummary {
    withoutActuallyEscaping(body) { body in
      var walk = SpaceWalk(
        space: self, memory: memory, first: first, last: last, sink: LeafSink(body: body))
      walk.run()
      return walk.summary
    }
  }

  /// Like `forEachLeaf`; also calls `mark` with every entry that is not present but in which software keeps
  /// something.
  public func forEachLeafAndMark(
    in memory: any PhysicalMemory, from first: VirtualAddress? = nil, through last: VirtualAddress? = nil,
    leaf: (Leaf) -> Bool, mark: (Mark) -> Bool
  ) -> WalkSummary {
    withoutActuallyEscaping(leaf) { leaf in
      withoutActuallyEscaping(mark) { mark in
        var walk = SpaceWalk(
          space: self, memory: memory, first: first, last: last, sink: MarkSink(leaf: leaf, mark: mark))
        walk.run()
        return walk.summary
      }
    }
  }

  /// Calls `body` with ranges of consecutive leaves that have equal attributes, in ascending virtual address;
  /// leaves that cross the bounds are clipped. `body` returns whether to continue.
  public func forEachRange(
    in memory: any PhysicalMemory, from first: VirtualAddress? = nil, through last: VirtualAddress? = nil,
    merging rule: MergeRule = .virtualAndPhysical, _ body: (MappedRange) -> Bool
  ) -> WalkSummary {
    withoutActuallyEscaping(body) { body in
      var walk = SpaceWalk(
        space: self, memory: memory, first: first, last: last,
        sink: RangeSink(rule: rule, firstAddress: first, lastAddress: last, body: body))
      walk.run()
      if walk.summary.isComplete { walk.sink.finish() }
      return walk.summary
    }
  }
}

/// The table that the previous entry pointed at, and the counts of its walk.
private struct PreviousTable {
  let table: PhysicalAddress
  let rights: Rights
  /// The address at which the next entry would start.
  var next: UInt64
  let counts: WalkSummary
}

/// A walk over one space: the recursion over tables, and the counts.
private struct SpaceWalk<Sink: WalkSink> {
  let memory: any PhysicalMemory
  let windows: [AddressWindow]
  let bounds: [ClosedRange<UInt64>?]
  var sink: Sink
  var summary = WalkSummary()
  /// The window being walked, its levels, and the requested part of it, as offsets.
  private var number = 0
  private var window: AddressWindow
  private var shapes: [PagingLevelShape] = []
  private var firstOffset: UInt64 = 0
  private var lastOffset: UInt64 = 0
  /// Tables that were walked completely and map nothing, with their counts: the number of paths through them can
  /// multiply, so they must not be walked again.
  private var barren: [TableReference: WalkSummary] = [:]

  init(
    space: AddressSpace, memory: any PhysicalMemory, first: VirtualAddress?, last: VirtualAddress?, sink: Sink
  ) {
    self.memory = memory
    self.sink = sink
    windows = space.windows
    window = windows[0]
    bounds = windows.map { $0.offsets(from: first, through: last) }
  }

  mutating func run() {
    for (number, bounds) in bounds.enumerated() {
      guard let bounds else { continue }
      self.number = number
      window = windows[number]
      shapes = window.scheme.levels.map(PagingLevelShape.init)
      barren = [:]
      firstOffset = bounds.lowerBound
      lastOffset = bounds.upperBound
      summary.isComplete = visit(window.rootTable, base: 0, rights: .all)
      guard summary.isComplete else { return }
    }
  }

  /// Returns whether to continue. `base` is the offset of the table's first byte.
  private mutating func visit(_ table: TableReference, base: UInt64, rights: Rights) -> Bool {
    let level = table.level
    let shape = shapes[level]
    let first = firstOffset > base ? Int(truncatingIfNeeded: (firstOffset &- base) &>> shape.shift) : 0
    let end = min(
      shape.entryCount, Int(truncatingIfNeeded: min((lastOffset &- base) &>> shape.shift, 1 << 32)) + 1)
    guard first < end else { return true }
    if !barren.isEmpty, let counts = barren[table] {
      summary.add(counts)
      return true
    }
    let before = summary
    summary.tables &+= 1
    var goesOn = true
    var decoder = EntryDecoder(path: rights, scheme: window.scheme)
    // Below the root, all addresses of a table lie in one half.
    let tableStart = window.virtual(base).value
    let isRoot = level == 0
    var previous: PreviousTable?
    do throws(MissingPage) {
      try memory.forEachEntry(of: table.address, shape, slots: first..<end) { slot, raw in
        let within = UInt64(truncatingIfNeeded: slot) &<< shape.shift
        switch decoder.kind(of: raw, shape) {
        case .leaf:
          summary.leaves &+= 1
          let leaf = Leaf(
            virtual: isRoot ? window.virtual(within) : VirtualAddress(tableStart &+ within),
            physical: shape.frame(of: raw, slot: slot), level: level, raw: raw, rights: decoder.leafRights,
            window: number)
          goesOn = sink.addLeaf(leaf, shape)
        case .table:
          let child = TableReference(
            address: shape.format.tableAddress.address(in: raw), level: level &+ 1)
          goesOn = follow(
            child, base: base &+ within, rights: decoder.tableRights, span: shape.span,
            isRoot: isRoot, &previous)
        case .marked:
          summary.markedEntries &+= 1
          goesOn = sink.addMark(
            Mark(virtual: window.virtual(base &+ within), level: level, raw: raw, window: number))
        case .malformed: summary.malformedEntries &+= 1
        case .absent: break
        }
        return goesOn
      }
    } catch {
      summary.missingTables &+= 1
    }
    if goesOn, summary.leaves == before.leaves,
      !Sink.takesMarks || summary.markedEntries == before.markedEntries, end - first == shape.entryCount,
      base &+ (shape.span &* UInt64(shape.entryCount) &- 1) <= lastOffset
    {
      barren[table] = summary.difference(from: before)
    }
    return goesOn
  }

  /// Continues below an entry that starts at offset `base`. A table that appears twice in a row is walked once, if
  /// the sink can repeat its leaves in one step.
  private mutating func follow(
    _ child: TableReference, base: UInt64, rights: Rights, span: UInt64, isRoot: Bool,
    _ previous: inout PreviousTable?
  ) -> Bool {
    let isWhole = base >= firstOffset && base &+ (span &- 1) <= lastOffset
    if isWhole, let known = previous, known.table == child.address, known.rights == rights,
      known.next == base,
      !isRoot || window.virtual(base).value == window.virtual(base &- 1).value &+ 1
    {
      let start = window.virtual(base &- span).value
      if let goesOn = sink.repeated(from: start, through: start &+ span, length: span) {
        summary.add(known.counts)
        previous?.next = base &+ span
        return goesOn
      }
    }
    let before = summary
    guard visit(child, base: base, rights: rights) else { return false }
    previous =
      isWhole
      ? PreviousTable(
        table: child.address, rights: rights, next: base &+ span, counts: summary.difference(from: before))
      : nil
    return true
  }
}
