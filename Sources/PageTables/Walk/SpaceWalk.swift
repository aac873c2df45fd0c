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
private protocol WalkSink {
  /// Answers whether to go on.
  mutating func take(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool
}

private struct LeafSink: WalkSink {
  let body: (Leaf) -> Bool

  mutating func take(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool { body(leaf) }
}

private struct RangeSink: WalkSink {
  let rule: MergeRule
  let firstAddress: VirtualAddress?
  let lastAddress: VirtualAddress?
  let body: (MappedRange) -> Bool
  var current: MappedRange?
  var attributes: UInt64 = 0

  init(
    rule: MergeRule, firstAddress: VirtualAddress?, lastAddress: VirtualAddress?,
    body: @escaping (MappedRange) -> Bool
  ) {
    self.rule = rule
    self.firstAddress = firstAddress
    self.lastAddress = lastAddress
    self.body = body
  }

  @inline(__always)
  mutating func take(_ leaf: Leaf, _ shape: PagingLevelShape) -> Bool {
    let leafAttributes = leaf.raw & shape.leafAttributes
    if let range = current, range.level == leaf.level, attributes == leafAttributes,
      range.access == leaf.access, range.end == leaf.virtual.value,
      rule == .virtualOnly || range.physical.value &+ range.length == leaf.physical.value
    {
      current?.length = range.length &+ shape.span
      return true
    }
    let goesOn = flush()
    attributes = leafAttributes
    current = MappedRange(
      virtual: leaf.virtual, physical: leaf.physical, length: shape.span, level: leaf.level, raw: leaf.raw,
      access: leaf.access)
    return goesOn
  }

  mutating func flush() -> Bool {
    guard var range = current else { return true }
    current = nil
    if let last = lastAddress, range.end &- 1 > last.value {
      range.length = last.value &- range.virtual.value &+ 1
    }
    if let first = firstAddress, range.virtual < first {
      let cut = first.value &- range.virtual.value
      range.virtual = first
      range.physical = range.physical.advanced(by: cut)
      range.length = range.length &- cut
    }
    return body(range)
  }

  mutating func finish() { _ = flush() }
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
          leafAccess = access.intersection(shape.format.access(of: raw, kind: .leaf))
        case .table:
          let below = access.intersection(shape.format.access(of: raw, kind: .table))
          let child = shape.format.tableAddress.address(in: raw)
          if !visit(child, level: level + 1, base: base &+ within, access: below) { return false }
          continue
        case .marked:
          summary.markedEntries &+= 1
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
