/// A walk over several spaces' windows of one scheme: records who walked each table, and recurses into tables that
/// have not been walked.
struct SharedSpaceWalk {
  private let members: [WindowMember]
  /// The requested part of each member's window, as offsets.
  private let ranges: [ClosedRange<UInt64>?]
  private let scheme: PagingScheme
  private let memory: any PhysicalMemory
  private let readable: PhysicalRanges
  private let shapes: [PagingLevelShape]
  private let options: WalkSpacesOptions
  private let isCancelled: () -> Bool
  private let body: (WindowMember, SpaceItem) -> Bool
  private(set) var spaces: [SharedSpace]
  private var visits: [UInt64: Visit] = [:]
  /// The window being walked, the counts of its space, and the sink for its leaves.
  private var member: WindowMember
  private var number = 0
  private var range: ClosedRange<UInt64> = 0...0
  private var current: SharedSpace
  private var sink: RangeSink

  /// The first visit of a table.
  private struct Visit {
    /// The member that made the visit.
    let member: UInt32
    /// Offset of the table's first byte in that member's window.
    let base: UInt64
  }

  /// The part of a table's block that lies within the bounds.
  private struct Part {
    /// Offsets from the block's start, both inclusive.
    let first: UInt64
    let last: UInt64
    /// Bit 0: cut at its low end; bit 1: cut at its high end. At each level a bound cuts only one block, and the
    /// same one in every space: so equal cuts of a table mean the same part of it.
    let cuts: UInt64

    init(ofBlockAt base: UInt64, size: UInt64, in range: ClosedRange<UInt64>) {
      first = range.lowerBound > base ? range.lowerBound &- base : 0
      last = min(range.upperBound &- base, size &- 1)
      cuts = (first > 0 ? 1 : 0) | (last < size &- 1 ? 2 : 0)
    }
  }

  /// - Parameter spaces: the counts so far for each space that the members belong to.
  init(
    _ group: WindowGroup, spaces: [SharedSpace], memory: any PhysicalMemory, from first: VirtualAddress?,
    length: UInt64?, options: WalkSpacesOptions, isCancelled: @escaping () -> Bool,
    body: @escaping (WindowMember, SpaceItem) -> Bool
  ) {
    members = group.members
    member = group.members[0]
    ranges = group.members.map { $0.window.offsets(from: first, length: length) }
    scheme = group.scheme
    self.spaces = spaces
    self.memory = memory
    self.options = options
    self.isCancelled = isCancelled
    self.body = body
    readable = memory.extent.readable
    shapes = scheme.levels.map(PagingLevelShape.init)
    current = spaces[group.members[0].spaceNumber]
    sink = RangeSink(
      rule: .virtualAndPhysical, firstAddress: nil, lastAddress: nil, body: { _ in true })
  }

  /// Walks all windows, unless the walk was ended before; returns whether to continue.
  mutating func run(goesOn isWanted: Bool) -> Bool {
    let top = shapes[0].span &* UInt64(shapes[0].entryCount)
    var goesOn = isWanted
    for (number, member) in members.enumerated() {
      guard let range = ranges[number] else { continue }
      self.number = number
      self.member = member
      self.range = range
      current = spaces[member.spaceNumber]
      if goesOn {
        let mark = options.copyOnWrite
        sink = RangeSink(
          rule: .virtualAndPhysical, firstAddress: member.window.virtual(range.lowerBound),
          lastAddress: member.window.virtual(range.upperBound)
        ) { [body] range in
          let isMarked = mark?.matches(range.raw) ?? false
          return body(member, .mapping(range, isMarked ? .copyOnWrite : .plain))
        }
        let before = current
        goesOn =
          meet(member.window.rootTable, size: top, base: 0, rights: .all, entry: 0) && sink.flush()
        let isRead =
          current.summary.tables > before.summary.tables || current.references > before.references
          || current.summary.missingTables == before.summary.missingTables
        current.isRootReadable = current.isRootReadable && isRead
      }
      current.summary.isComplete = current.summary.isComplete && goesOn
      spaces[member.spaceNumber] = current
    }
    return goesOn
  }

  /// Reports a table whose block starts at offset `base`: as a reference where it has been walked, otherwise all
  /// that lies below it. Returns whether to continue.
  private mutating func meet(
    _ table: TableReference, size: UInt64, base: UInt64, rights: Rights, entry: UInt64
  ) -> Bool {
    let part = Part(ofBlockAt: base, size: size, in: range)
    // Tables lie at 32-byte boundaries or coarser and a scheme has at most 8 levels, so the low bits are free for the
    // level and the cuts.
    let whole = table.address.value | UInt64(truncatingIfNeeded: table.level)
    let key = whole | part.cuts &<< 3
    // A visit with the same cuts, if any, is older than a visit of the whole table.
    if let visit = visits[key] ?? (part.cuts == 0 ? nil : visits[whole]) {
      return refer(to: table, visit, part, base: base, rights: rights, entry: entry)
    }
    guard readable.contains(table.address) else {
      current.summary.missingTables &+= 1
      return true
    }
    if isCancelled() { return false }
    visits[key] = Visit(member: UInt32(truncatingIfNeeded: number), base: base)
    if options.listsTables {
      let virtual = member.window.virtual(base &+ part.first)
      guard sink.flush(), body(member, .table(OwnTable(table: table, virtual: virtual, entry: entry))) else {
        return false
      }
    }
    let tablesBefore = current.summary.tables
    let goesOn = visit(table, part: part, base: base, rights: rights)
    // The extent listed more than could be read: nothing was walked that a reference could point to.
    if current.summary.tables == tablesBefore { visits[key] = nil }
    return goesOn
  }

  private mutating func refer(
    to table: TableReference, _ visit: Visit, _ part: Part, base: UInt64, rights: Rights, entry: UInt64
  ) -> Bool {
    current.references &+= 1
    let owner = members[Int(visit.member)]
    let ourVA = member.window.virtual(base &+ part.first)
    let reference = SpaceReferenceMapping(
      depth: table.level, owner: owner.spaceNumber, space: spaces[owner.spaceNumber].root, ourVA: ourVA,
      theirVA: owner.window.virtual(visit.base &+ part.first),
      // Computed from the canonical end, as the block of a root includes the gap between the halves.
      length: member.window.virtual(base &+ part.last).value &- ourVA.value &+ 1, table: table)
    return sink.flush() && body(member, .reference(reference, entry: entry, rights: rights))
  }

  private mutating func visit(_ table: TableReference, part: Part, base: UInt64, rights: Rights) -> Bool {
    let level = table.level
    let shape = shapes[level]
    let first = Int(truncatingIfNeeded: part.first &>> shape.shift)
    let last = Int(truncatingIfNeeded: part.last &>> shape.shift)
    var goesOn = true
    var decoder = EntryDecoder(path: rights, scheme: scheme)
    // Below the root, all addresses of a table lie in one half.
    let window = member.window
    let tableStart = window.virtual(base).value
    let isRoot = level == 0
    let before = current.summary
    current.summary.tables &+= 1
    do throws(MissingPage) {
      try memory.forEachEntry(of: table.address, shape, slots: first..<last + 1) { slot, raw in
        let within = UInt64(truncatingIfNeeded: slot) &<< shape.shift
        switch decoder.kind(of: raw, shape) {
        case .leaf:
          current.summary.leaves &+= 1
          let leaf = Leaf(
            virtual: isRoot ? window.virtual(within) : VirtualAddress(tableStart &+ within),
            physical: shape.frame(of: raw, slot: slot), level: level, raw: raw, rights: decoder.leafRights,
            window: member.number)
          goesOn = sink.addLeaf(leaf, shape)
          if options.listsEveryLeaf { goesOn = goesOn && sink.flush() }
        case .table:
          let child = TableReference(
            address: shape.format.tableAddress.address(in: raw), level: level &+ 1)
          goesOn = meet(
            child, size: shape.span, base: base &+ within, rights: decoder.tableRights,
            entry: raw)
        case .marked: current.summary.markedEntries &+= 1
        case .malformed: current.summary.malformedEntries &+= 1
        case .absent: break
        }
        return goesOn
      }
    } catch {
      // A table none of whose pages could be read does not count as walked.
      var unread = before
      unread.tables &+= 1
      if current.summary == unread { current.summary = before }
      current.summary.missingTables &+= 1
    }
    return goesOn
  }
}
