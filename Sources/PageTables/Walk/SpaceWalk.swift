extension AddressSpace {
  /// Calls `body` with every leaf from `first` to `last` (both included), in ascending virtual address.
  ///
  /// Each path is followed, so a table reached twice gives its leaves twice. The walk is bounded by the number
  /// of levels, not by the memory: in a hostile one it can be very long. `body` answers whether to go on.
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

  /// As `forEachLeaf`, and calls `mark` with every entry that is not present and in which software keeps something.
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

  /// Calls `body` with ranges of leaves that have equal attributes and follow each other, in ascending virtual
  /// address; leaves that the bounds cut are clipped. `body` answers whether to go on.
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

/// Where a walk puts its leaves. A generic parameter of the walk, so that a leaf costs no dynamic call.
protocol WalkSink {
  /// Answers whether to go on.
  mutating func take(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool
  /// The table that mapped `start ..< end` comes once more behind `end`. Answers whether to go on, or nil where
  /// that cannot be told in one go, and the table must be walked again.
  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool?
  /// Answers whether to go on.
  mutating func take(_ mark: Mark) -> Bool
  /// Whether marks matter to it, so that a table that holds nothing else must be walked each time.
  static var takesMarks: Bool { get }
}

extension WalkSink {
  static var takesMarks: Bool { false }
  mutating func take(_ mark: Mark) -> Bool { true }
}

private struct LeafSink: WalkSink {
  let body: (Leaf) -> Bool

  mutating func take(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool { body(leaf) }
  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool? { nil }
}

private struct MarkSink: WalkSink {
  let leaf: (Leaf) -> Bool
  let mark: (Mark) -> Bool

  static var takesMarks: Bool { true }
  mutating func take(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool { self.leaf(leaf) }
  mutating func take(_ mark: Mark) -> Bool { self.mark(mark) }
  mutating func repeated(from start: UInt64, through end: UInt64, length: UInt64) -> Bool? { nil }
}

/// The table that the entry before pointed at, and what a walk of it counted.
private struct PreviousTable {
  let table: PhysicalAddress
  let access: Access
  /// Where the entry that comes next would start.
  var next: UInt64
  let counts: WalkSummary
}

/// One walk over one space: the recursion over tables, and what it counts.
private struct SpaceWalk<Sink: WalkSink> {
  let memory: any PhysicalMemory
  let scheme: PagingScheme
  let root: PhysicalAddress
  let shapes: [PagingLevelShape]
  /// Bounds as plain offsets from the bottom of the translated bits: canonical order is their order once the
  /// upper half is moved above the lower.
  let firstOffset: UInt64
  let lastOffset: UInt64
  var sink: Sink
  var summary = WalkSummary()
  /// Tables that were walked in whole and map nothing, and what was counted there: paths through them multiply,
  /// and must not be walked again and again.
  private var barren: [TableReference: WalkSummary] = [:]

  init(
    space: AddressSpace, memory: any PhysicalMemory, first: VirtualAddress?, last: VirtualAddress?, sink: Sink
  ) {
    self.memory = memory
    self.sink = sink
    scheme = space.scheme
    root = space.scheme.aligned(root: space.root)
    shapes = space.scheme.levels.map(PagingLevelShape.init)
    let bits = UInt64(space.scheme.virtualAddressBits)
    let mask: UInt64 = bits >= 64 ? .max : (1 << bits) - 1
    firstOffset = SpaceWalk.offset(first, in: space.scheme, mask: mask, roundingUp: true) ?? 0
    lastOffset = SpaceWalk.offset(last, in: space.scheme, mask: mask, roundingUp: false) ?? mask
  }

  /// An address in the gap between the halves counts as the nearest canonical one inside the range.
  private static func offset(
    _ address: VirtualAddress?, in scheme: PagingScheme, mask: UInt64, roundingUp: Bool
  ) -> UInt64? {
    guard let address else { return nil }
    if scheme.isCanonical(address) { return address.value & mask }
    // Where nothing is sign-extended, what is not canonical lies above everything.
    guard scheme.isSignExtended else { return roundingUp ? mask &+ 1 : mask }
    let upper = scheme.upperHalf.value & mask
    return roundingUp ? upper : upper &- 1
  }

  mutating func run() {
    guard firstOffset <= lastOffset else { return }
    summary.isComplete = visit(root, level: 0, base: 0, access: .all)
  }

  /// Answers whether to go on. `base` is the offset of the table's first byte.
  private mutating func visit(_ table: PhysicalAddress, level: Int, base: UInt64, access: Access) -> Bool {
    let shape = shapes[level]
    let first = firstOffset > base ? Int(truncatingIfNeeded: (firstOffset &- base) &>> shape.shift) : 0
    let end = min(
      shape.entryCount, Int(truncatingIfNeeded: min((lastOffset &- base) &>> shape.shift, 1 << 32)) + 1)
    guard first < end else { return true }
    let reference = TableReference(address: table, level: level)
    if !barren.isEmpty, let counts = barren[reference] {
      summary.add(counts)
      return true
    }
    let before = summary
    summary.tables &+= 1
    var goesOn = true
    do throws(MissingPage) {
      try memory.withEntries(of: table, level: shape, slots: first..<end) { page, offset, slots in
        goesOn = scan(page, offset, slots, level: level, shape: shape, base: base, access: access)
        return goesOn
      }
    } catch {
      summary.missingTables &+= 1
    }
    if goesOn, summary.leaves == before.leaves,
      !Sink.takesMarks || summary.markedEntries == before.markedEntries, end - first == shape.entryCount,
      base &+ (shape.span &* UInt64(shape.entryCount) &- 1) <= lastOffset
    {
      barren[reference] = summary.difference(from: before)
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
    var previous: PreviousTable?
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
          let child = shape.format.tableAddress.address(in: raw)
          let here = base &+ within
          let isWhole = here >= firstOffset && here &+ (shape.span &- 1) <= lastOffset
          if isWhole, let known = previous, known.table == child, known.access == below, known.next == here,
            !isRoot || scheme.canonical(here).value == scheme.canonical(here &- 1).value &+ 1
          {
            let start = scheme.canonical(here &- shape.span).value
            if let goesOn = sink.repeated(from: start, through: start &+ shape.span, length: shape.span) {
              summary.add(known.counts)
              if !goesOn { return false }
              previous?.next = here &+ shape.span
              continue
            }
          }
          let before = summary
          if !visit(child, level: level + 1, base: here, access: below) { return false }
          previous =
            isWhole
            ? PreviousTable(
              table: child, access: below, next: here &+ shape.span, counts: summary.difference(from: before))
            : nil
          continue
        case .marked:
          summary.markedEntries &+= 1
          let mark = Mark(virtual: scheme.canonical(base &+ within), level: level, raw: raw)
          if !sink.take(mark) { return false }
          continue
        case .malformed:
          summary.malformedEntries &+= 1
          continue
        case .absent: continue
        }
      }
      summary.leaves &+= 1
      let virtual = isRoot ? scheme.canonical(base &+ within) : VirtualAddress(tableStart &+ within)
      let leaf = Leaf(
        virtual: virtual, physical: shape.format.leafAddress.address(in: raw), level: level, raw: raw,
        access: leafAccess)
      if !sink.take(leaf, shape) { return false }
    }
    return true
  }
}
