import PageTables

/// Neighbouring leaves above the last level that map neighbouring frames, or one and the same frame, alike.
struct HugePageRun: Equatable, Sendable {
  /// The first space that reaches them, and where it has the first one.
  let spaceNumber: Int32
  let virtual: VirtualAddress
  let physical: PhysicalAddress
  /// The first entry's value.
  let raw: UInt64
  let level: Int8
  /// What the path there allows.
  let rights: Rights
  var pages: UInt64
  /// How far each frame lies from the one before: a page, or nothing.
  var stride: UInt64

  /// Whether another run goes on where this one ends, in virtual and in physical addresses; `attributes` are the
  /// bits of an entry that are no address.
  func isContinued(by next: HugePageRun, span: UInt64, attributes: UInt64) -> Bool {
    next.spaceNumber == spaceNumber && next.level == level && next.rights == rights
      && next.raw & attributes == raw & attributes
      && next.virtual.value == virtual.value &+ pages &* span
      && next.physical.value == physical.value &+ pages &* span
      && (stride == span || pages == 1) && (next.stride == span || next.pages == 1)
  }
}

/// Looks for huge pages in all spaces, a slice at a time.
///
/// Tables of the last level hold none and are not read; every other one is read once, for the first space and at the
/// lowest address at which that reaches it: what many spaces share is told once. An entry that points back at a table
/// on its own path holds nothing that was not told there.
struct HugePageSearch: Sendable {
  /// A table, as its first space reaches it, and what is still to be looked at in it.
  private struct Branch {
    let table: PhysicalAddress
    /// Start of what it translates.
    let base: UInt64
    let rights: Rights
    let runs: [EntryRun]
    var next = 0
  }

  private struct Key: Hashable {
    let table: TableReference
    let scheme: Int
  }

  private let spaces: [TreeSpace]
  private let memory: any PhysicalMemory
  /// In the order of spaces, and in each by virtual address.
  private(set) var rows: [HugePageRun] = []
  /// Whether more were found than anybody could read.
  private(set) var isCut = false
  private var spaceNumber = 0
  private var windowNumber = 0
  /// From the root to the table that is being gone through.
  private var path: [Branch] = []
  private var seen: Set<Key> = []

  /// Rows that are kept at most: hostile tables hold more than there is memory.
  private let limit: Int
  static let limit = 1 << 20

  init(_ spaces: [TreeSpace], _ memory: any PhysicalMemory, limit: Int = Self.limit) {
    self.spaces = spaces
    self.memory = memory
    self.limit = limit
  }

  var isDone: Bool { isCut || (path.isEmpty && spaceNumber >= spaces.count) }

  /// Reads one slice: so many entries, or a few more.
  mutating func proceed(entries: Int = TreeBuild.entriesInSlice) {
    var budget = entries
    while budget > 0, !isDone {
      guard let last = path.indices.last else {
        budget -= open(window.root, level: 0, base: 0, rights: .all)
        if path.isEmpty { goOn() }
        continue
      }
      guard path[last].next < path[last].runs.count else {
        path.removeLast()
        if path.isEmpty { goOn() }
        continue
      }
      let run = path[last].runs[path[last].next]
      path[last].next += 1
      budget -= 1 + look(at: run, in: path[last], level: last)
    }
    guard isDone else { return }
    path = []
    seen = []
  }

  private var window: AddressWindow { spaces[spaceNumber].found.space.windows[windowNumber] }

  /// To the next window, or to the first one of the next space.
  private mutating func goOn() {
    windowNumber += 1
    guard windowNumber == spaces[spaceNumber].found.space.windows.count else { return }
    windowNumber = 0
    spaceNumber += 1
  }

  /// Keeps leaves and goes into tables; answers what that cost.
  private mutating func look(at run: EntryRun, in branch: Branch, level index: Int) -> Int {
    let scheme = window.scheme
    let level = scheme.levels[index]
    let start = branch.base &+ UInt64(run.slot) &* level.span
    let rights = branch.rights.intersection(level.format.rights(of: run.raw, kind: run.kind))
    switch run.kind {
    case .leaf:
      add(
        HugePageRun(
          spaceNumber: Int32(truncatingIfNeeded: spaceNumber), virtual: window.virtual(start),
          physical: run.address,
          raw: run.raw, level: Int8(truncatingIfNeeded: index),
          rights: scheme.granted(by: rights),
          pages: UInt64(run.count), stride: run.stride), level)
      return 0
    case .table where !path.contains { $0.table == run.address }:
      return open(run.address, level: index + 1, base: start, rights: rights)
    case .table, .absent, .marked, .malformed:
      return 0
    }
  }

  /// Reads a table, if it may hold huge pages and was not read before; answers what that cost.
  private mutating func open(_ table: PhysicalAddress, level: Int, base: UInt64, rights: Rights) -> Int {
    let scheme = window.scheme
    let reference = TableReference(address: table, level: level)
    guard level < scheme.levels.count - 1,
      seen.insert(Key(table: reference, scheme: spaces[spaceNumber].schemeNumbers[windowNumber])).inserted
    else { return TreeBuild.entriesOfTable / 8 }
    let runs = (try? scheme.runs(of: reference, in: memory)) ?? []
    path.append(Branch(table: table, base: base, rights: rights, runs: runs))
    return TreeBuild.entriesOfTable + runs.count
  }

  private mutating func add(_ run: HugePageRun, _ level: PagingLevel) {
    if let last = rows.last,
      last.isContinued(by: run, span: level.span, attributes: level.leafAttributes)
    {
      rows[rows.count - 1].pages += run.pages
      rows[rows.count - 1].stride = level.span
    } else if rows.count < limit {
      rows.append(run)
    } else {
      isCut = true
    }
  }
}
