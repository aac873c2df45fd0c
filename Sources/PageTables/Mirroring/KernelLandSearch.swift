/// What a row of free pages must satisfy.
private struct Wanted {
  /// Pages in the row.
  let count: UInt64
  /// The alignment of the number of its first page: a power of two.
  let alignment: UInt64

  /// Where such a row begins in a row of `length` free pages that starts at page number `start`, in pages from
  /// there; nil where it does not fit.
  func fit(inRowAt start: UInt64, length: UInt64) -> UInt64? {
    let skipped = (0 &- start) & (alignment &- 1)
    return length >= skipped && length &- skipped >= count ? skipped : nil
  }
}

/// The free pages of a stretch of address space, as far as needed to find a row of them: those at its start, those
/// at its end, and the first row that is long enough. Two adjacent stretches can be combined into one.
private struct FreePages {
  var length: UInt64 = 0
  var atStart: UInt64 = 0
  var atEnd: UInt64 = 0
  /// Pages before the first row that is long enough.
  var fit: UInt64?

  init() {}

  init(_ length: UInt64, at start: UInt64, isFree: Bool, wanted: Wanted) {
    self.length = length
    if isFree {
      atStart = length
      atEnd = length
      fit = wanted.fit(inRowAt: start, length: length)
    }
  }

  /// - Parameter start: the number of this stretch's first page.
  mutating func append(_ next: FreePages, at start: UInt64, wanted: Wanted) {
    if fit == nil {
      let row = length &- atEnd
      if let skipped = wanted.fit(inRowAt: start &+ row, length: atEnd &+ next.atStart) {
        fit = row &+ skipped
      } else if let found = next.fit {
        fit = length &+ found
      }
    }
    if atStart == length { atStart &+= next.atStart }
    atEnd = next.atEnd == next.length ? atEnd &+ next.length : next.atEnd
    length &+= next.length
  }
}

/// Free pages, classified by what must be created to map them.
private struct FreeStretches {
  /// In tables that exist.
  var inTables = FreePages()
  /// Below root entries that exist.
  var belowRoot = FreePages()
  var anywhere = FreePages()

  init() {}

  /// - Parameter level: the level of the absent entry; nil where the pages are not free.
  init(_ length: UInt64, at start: UInt64, absentAt level: Int?, of levels: Int, wanted: Wanted) {
    inTables = FreePages(length, at: start, isFree: level == levels - 1, wanted: wanted)
    belowRoot = FreePages(length, at: start, isFree: (level ?? 0) > 0, wanted: wanted)
    anywhere = FreePages(length, at: start, isFree: level != nil, wanted: wanted)
  }

  mutating func append(_ next: FreeStretches, at start: UInt64, wanted: Wanted) {
    inTables.append(next.inTables, at: start, wanted: wanted)
    belowRoot.append(next.belowRoot, at: start, wanted: wanted)
    anywhere.append(next.anywhere, at: start, wanted: wanted)
  }

  var fit: UInt64? { inTables.fit ?? belowRoot.fit ?? anywhere.fit }
}

/// A search for free pages: a recursion over tables that summarizes each table once.
struct KernelLandSearch {
  private let land: KernelLand
  private let memory: any PhysicalMemory
  private let shapes: [PagingLevelShape]
  private let wanted: Wanted
  /// The numbers of the land's first and last page, from the bottom of its window.
  private let first: UInt64
  private let last: UInt64
  /// What a table's summary is cached by. In a table smaller than the alignment, what fits depends on whether the
  /// table's own start is aligned.
  private struct Known: Hashable {
    let table: TableReference
    let isAligned: Bool
  }

  private var known: [Known: FreeStretches] = [:]
  private var userTables: [TableReference: Bool] = [:]
  /// The tables on the path to the current one.
  private var path: [PhysicalAddress] = []

  private var pageShift: UInt64 { shapes[shapes.count - 1].shift }

  /// - Parameter alignment: in pages, a power of two.
  init(land: KernelLand, pages: UInt64, alignment: UInt64, memory: any PhysicalMemory) {
    self.land = land
    self.memory = memory
    shapes = land.window.scheme.levels.map(PagingLevelShape.init)
    wanted = Wanted(count: pages, alignment: alignment)
    let shift = shapes[shapes.count - 1].shift
    // Only whole pages of the land.
    let pageMask: UInt64 = (1 << shift) - 1
    let start = land.window.offset(of: land.first)
    first = (start >> shift) &+ (start & pageMask == 0 ? 0 : 1)
    let end = land.window.offset(of: land.last)
    last = end & pageMask == pageMask ? end >> shift : (end >> shift) &- 1
  }

  mutating func run() -> VirtualAddress? {
    // A land without one whole page ends below its start, or below 0.
    guard last != .max, first <= last, wanted.count <= last &- first &+ 1 else { return nil }
    guard let found = visit(land.window.rootTable, base: 0).fit else { return nil }
    return land.window.virtual((first &+ found) &<< pageShift)
  }

  /// Summarizes the part of a table that lies in the land; `base` is the number of its first page.
  private mutating func visit(_ table: TableReference, base: UInt64) -> FreeStretches {
    let shape = shapes[table.level]
    let pagesPerEntry: UInt64 = 1 &<< (shape.shift &- pageShift)
    let end = base &+ pagesPerEntry &* UInt64(shape.entryCount) &- 1
    let isWhole = base >= first && end <= last
    let key = Known(table: table, isAligned: base & (wanted.alignment &- 1) == 0)
    if isWhole, let known = known[key] { return known }
    let firstSlot = first > base ? Int((first &- base) / pagesPerEntry) : 0
    let lastSlot = Int((min(end, last) &- base) / pagesPerEntry)
    let sumStart = max(base, first)
    guard let entries = entries(of: table, slots: firstSlot..<lastSlot + 1) else {
      return FreeStretches(
        min(end, last) &- sumStart &+ 1, at: sumStart, absentAt: nil, of: shapes.count, wanted: wanted)
    }
    path.append(table.address)
    defer { path.removeLast() }
    var sum = FreeStretches()
    for (index, raw) in entries.enumerated() {
      let start = base &+ UInt64(firstSlot &+ index) &* pagesPerEntry
      let length = min(start &+ pagesPerEntry &- 1, last) &- max(start, first) &+ 1
      sum.append(
        look(at: raw, table.level, start: start, length: length), at: sumStart, wanted: wanted)
      // Nothing is better than the first stretch that needs no new table.
      if sum.inTables.fit != nil { return sum }
    }
    if isWhole { known[key] = sum }
    return sum
  }

  private mutating func look(at raw: UInt64, _ level: Int, start: UInt64, length: UInt64) -> FreeStretches {
    let firstPage = max(start, first)
    let taken = FreeStretches(length, at: firstPage, absentAt: nil, of: shapes.count, wanted: wanted)
    let format = shapes[level].format
    switch format.kind(of: raw) {
    case .absent:
      return FreeStretches(length, at: firstPage, absentAt: level, of: shapes.count, wanted: wanted)
    case .leaf, .marked, .malformed: return taken
    case .table:
      let child = TableReference(address: format.tableAddress.address(in: raw), level: level + 1)
      guard format.rights(of: raw, kind: .table).contains(.write),
        !path.contains(where: { $0.frame == child.address.frame })
      else { return taken }
      if land.avoidsUserPages, level == 0, format.rights(of: raw, kind: .table).isUser,
        hasUserPages(child)
      {
        return taken
      }
      return visit(child, base: start)
    }
  }

  /// Whether user pages lie below a table, as far as the table and those below it can be read.
  private mutating func hasUserPages(_ table: TableReference) -> Bool {
    if let known = userTables[table] { return known }
    userTables[table] = false
    let shape = shapes[table.level]
    var found = false
    for raw in entries(of: table, slots: 0..<shape.entryCount) ?? [] {
      let kind = shape.format.kind(of: raw)
      guard kind == .table || kind == .leaf, shape.format.rights(of: raw, kind: kind).isUser else {
        continue
      }
      let child = TableReference(
        address: shape.format.tableAddress.address(in: raw), level: table.level + 1)
      if kind == .leaf || hasUserPages(child) {
        found = true
        break
      }
    }
    userTables[table] = found
    return found
  }

  private func entries(of table: TableReference, slots: Range<Int>) -> [UInt64]? {
    let shape = shapes[table.level]
    var entries: [UInt64] = []
    entries.reserveCapacity(slots.count)
    do throws(MissingPage) {
      try memory.withEntries(of: table.address, level: shape, slots: slots) { page, offset, slots in
        for index in 0..<slots.count {
          entries.append(page.entry(at: offset + index * shape.entrySize, size: shape.entrySize))
        }
        return true
      }
    } catch {
      return nil
    }
    return entries.count == slots.count ? entries : nil
  }
}
