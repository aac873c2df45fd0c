import Guests
import PageTables

/// The tree as a flat list of the rows that are open, read lazily: opening a row reads one table.
///
/// What is open is remembered by identity, so hidden rows come back as they were.
public struct TreeList: Sendable {
  /// The spaces, in the order of listing.
  public private(set) var spaces: [TreeSpace] = []
  /// The rows that are shown, from top to bottom.
  public private(set) var rows: [TreeRow] = []
  /// Whether absent entries are shown.
  public private(set) var showsAbsent = false
  /// What is shown of the rest.
  public private(set) var filter = TreeFilter("")
  private var open: Set<RowID> = []
  /// What the filter finds below tables, and how many it may still look into.
  private var matches = FilterMatches()
  private let memory: any PhysicalMemory

  /// An empty tree over a memory.
  public init(memory: any PhysicalMemory) {
    self.memory = memory
  }

  // MARK: What is shown

  /// Replaces the spaces; those that were open stay open.
  public mutating func setSpaces(_ found: [FoundSpace]) {
    spaces = TreeSpace.all(found)
    rebuild()
  }

  /// Shows or hides absent entries.
  public mutating func setShowsAbsent(_ shows: Bool) {
    showsAbsent = shows
    rebuild()
  }

  /// Filters spaces and entries.
  public mutating func setFilter(_ filter: TreeFilter) {
    self.filter = filter
    rebuild()
  }

  /// Reads everything that is open anew.
  private mutating func rebuild() {
    matches = FilterMatches()
    var rebuilt: [TreeRow] = []
    for (index, space) in spaces.enumerated() where filter.accepts(space: space.searchTexts) {
      append(row(of: space, at: index), ancestors: [], to: &rebuilt)
    }
    rows = rebuilt
  }

  // MARK: Opening and closing

  /// Shows what lies below a row; answers whether that changed anything.
  @discardableResult
  public mutating func open(at index: Int) -> Bool {
    guard rows.indices.contains(index), rows[index].isOpenable, !rows[index].isOpen else { return false }
    open.insert(id(of: rows[index]))
    var opened: [TreeRow] = []
    append(rows[index], ancestors: tablesAbove(rows[index]), to: &opened)
    rows.replaceSubrange(index...index, with: opened)
    return true
  }

  /// Hides what lies below a row; answers whether that changed anything.
  @discardableResult
  public mutating func close(at index: Int) -> Bool {
    guard rows.indices.contains(index), rows[index].isOpen else { return false }
    open.remove(id(of: rows[index]))
    rows[index].isOpen = false
    rows.removeSubrange(index + 1..<end(ofBranchAt: index))
    return true
  }

  /// Closes a row and forgets what was open below it, shown or not.
  public mutating func closeAll(at index: Int) {
    guard rows.indices.contains(index), rows[index].kind != .note else { return }
    let row = rows[index]
    let target = id(of: row)
    let scheme = spaces[Int(row.space)].scheme
    let length = row.level < 0 ? .max : scheme.levels[Int(row.level)].span &* UInt64(row.count)
    // Distances without the copies of the top bit: equal neighbours can lie on both sides of the middle.
    let addressBits: UInt64 = .max >> UInt64(64 - scheme.virtualAddressBits)
    open = open.filter { other in
      let isInside = row.level < 0 || (other.virtual.value &- row.virtual.value) & addressBits < length
      return other.space != target.space || other.level < target.level || !isInside
    }
    guard row.isOpen else { return }
    let end = end(ofBranchAt: index)
    rows[index].isOpen = false
    rows.removeSubrange(index + 1..<end)
  }

  /// Closes every space and forgets what was open.
  public mutating func closeEverything() {
    open = []
    rebuild()
  }

  // MARK: Finding rows

  /// The identity of a row of this tree.
  public func id(of row: TreeRow) -> RowID {
    RowID(
      space: spaces[Int(row.space)].id, kind: row.kind, level: Int(row.level), virtual: row.virtual)
  }

  /// Where a row is now; nil when it is not shown.
  public func index(of id: RowID) -> Int? {
    guard let space = spaces.firstIndex(where: { $0.id == id.space }) else { return nil }
    return rows.firstIndex { row in
      row.space == space && row.virtual == id.virtual && Int(row.level) == id.level && row.kind == id.kind
    }
  }

  /// The row that `index` lies below; nil for a space.
  public func parent(of index: Int) -> Int? {
    guard rows.indices.contains(index) else { return nil }
    let indent = rows[index].indent
    return rows[..<index].lastIndex { $0.indent < indent }
  }

  /// One past the last row below the one at `index`.
  public func end(ofBranchAt index: Int) -> Int {
    let indent = rows[index].indent
    return rows[(index + 1)...].firstIndex { $0.indent <= indent } ?? rows.count
  }

  /// Opens the way to an entry of a space.
  ///
  /// - Parameters:
  ///   - level: the level of the table that holds the entry; -1 for the space itself.
  ///   - asFold: stop at a fold that starts at the address instead of opening it.
  /// - Returns: the row, or the last one on the way that is shown; nil when the space itself is hidden.
  public mutating func reveal(
    space: Int, virtual: VirtualAddress, level: Int, asFold: Bool = false
  ) -> (index: Int, isExact: Bool)? {
    guard var current = rows.firstIndex(where: { $0.kind == .space && $0.space == space }) else { return nil }
    let levels = spaces[space].scheme.levels
    guard level < levels.count else { return (current, false) }
    var here = 0
    while here <= level {
      open(at: current)
      let slot = levels[here].slot(of: virtual)
      guard let child = child(of: current, covering: slot) else { return (current, false) }
      current = child
      guard rows[child].kind == .fold else {
        here += 1
        continue
      }
      let isTarget = here == level && asFold && Int(rows[child].slot) == slot
      if isTarget || rows[child].entryKind == .absent { return (current, here == level) }
      // Opened, the fold has the same entries below it, one by one: same level again.
    }
    return (current, true)
  }

  private func child(of index: Int, covering slot: Int) -> Int? {
    let indent = rows[index].indent
    var position = index + 1
    while position < rows.count, rows[position].indent > indent {
      let row = rows[position]
      if row.indent == indent + 1, row.isEntry, Int(row.slot) <= slot, slot < Int(row.slot) + Int(row.count) {
        return position
      }
      position += 1
    }
    return nil
  }

  /// The entries on the way to a row, root first: one read a level.
  func steps(to row: TreeRow) -> ArraySlice<TranslationStep> {
    guard row.kind != .space else { return [] }
    let space = spaces[Int(row.space)].found.space
    return space.translate(row.virtual, in: memory).steps.prefix(Int(row.level) + 1)
  }

  // MARK: Building rows

  private func tablesAbove(_ row: TreeRow) -> [PhysicalAddress] { steps(to: row).map(\.table) }

  private func row(of space: TreeSpace, at index: Int) -> TreeRow {
    TreeRow(
      kind: .space, indent: 0, level: -1, access: .all, entryKind: .table,
      space: Int32(truncatingIfNeeded: index),
      slot: 0, count: 1, raw: 0, virtual: VirtualAddress(0), table: space.root, address: space.root, stride: 0
    )
  }

  /// Appends a row, and below it whatever is open there. `ancestors` are the tables from the root to the one
  /// that the row's entry lies in.
  private mutating func append(_ row: TreeRow, ancestors: [PhysicalAddress], to rows: inout [TreeRow]) {
    var row = row
    row.isOpen = row.isOpenable && open.contains(id(of: row))
    rows.append(row)
    guard row.isOpen else { return }
    if row.kind == .fold {
      appendEntries(of: row, ancestors: ancestors, to: &rows)
    } else {
      appendTable(below: row, ancestors: ancestors, to: &rows)
    }
  }

  private mutating func appendTable(
    below parent: TreeRow, ancestors: [PhysicalAddress], to rows: inout [TreeRow]
  ) {
    let scheme = spaces[Int(parent.space)].scheme
    let level = Int(parent.level) + 1
    guard level < scheme.levels.count else { return }
    let runs: [EntryRun]
    do throws(MissingPage) {
      runs = try scheme.runs(of: TableReference(address: parent.address, level: level), in: memory)
    } catch {
      rows.append(note(error == .notInDump ? .tableNotInDump : .tableOutsideMemory, below: parent))
      return
    }
    let path = ancestors + [parent.address]
    let before = rows.count
    for run in runs where run.kind != .absent || showsAbsent {
      let first = row(of: run, in: parent.address, below: parent, path: path)
      guard filter.accepts(first, in: scheme), leadsToMatch(first, path: path) else { continue }
      if run.kind == .absent {
        var absent = first
        absent.kind = .fold
        absent.count = Int32(truncatingIfNeeded: run.count)
        rows.append(absent)
      } else {
        appendRun(run, first, scheme, path, to: &rows)
      }
    }
    if rows.count == before {
      rows.append(note(runs.allSatisfy { $0.kind == .absent } ? .empty : .filtered, below: parent))
    }
  }

  /// The first entry as a row of its own; the rest as one fold, if it is worth one.
  private mutating func appendRun(
    _ run: EntryRun, _ first: TreeRow, _ scheme: PagingScheme, _ path: [PhysicalAddress],
    to rows: inout [TreeRow]
  ) {
    append(first, ancestors: path, to: &rows)
    guard run.count > 1 else { return }
    let span = scheme.levels[Int(first.level)].span
    var rest = first
    rest.slot += 1
    rest.address = first.address.advanced(by: run.stride)
    rest.virtual = scheme.canonical(first.virtual.value &+ span)
    rest.count = Int32(truncatingIfNeeded: run.count - 1)
    rest.stride = run.stride
    rest.raw = entry(after: first, scheme) ?? first.raw
    rest.kind = run.count == 2 ? .entry : .fold
    append(rest, ancestors: path, to: &rows)
  }

  private func entry(after row: TreeRow, _ scheme: PagingScheme) -> UInt64? {
    if row.entryKind != .leaf { return nil }
    let size = scheme.levels[Int(row.level)].format.entrySize
    return try? memory.read(at: row.table.advanced(by: UInt64(Int(row.slot) + 1) &* UInt64(size)), size: size)
  }

  private mutating func appendEntries(
    of fold: TreeRow, ancestors: [PhysicalAddress], to rows: inout [TreeRow]
  ) {
    let scheme = spaces[Int(fold.space)].scheme
    let reference = TableReference(address: fold.table, level: Int(fold.level))
    guard let runs = try? scheme.runs(of: reference, in: memory, folded: false) else {
      rows.append(note(.tableNotInDump, below: fold))
      return
    }
    let slots = Int(fold.slot)..<Int(fold.slot) + Int(fold.count)
    for run in runs where slots.contains(run.slot) {
      var entry = fold
      entry.kind = .entry
      entry.indent = fold.indent + 1
      entry.slot = Int32(truncatingIfNeeded: run.slot)
      entry.count = 1
      entry.raw = run.raw
      entry.address = run.address
      entry.stride = 0
      let steps = UInt64(run.slot - slots.lowerBound)
      entry.virtual = scheme.canonical(
        fold.virtual.value &+ steps &* scheme.levels[Int(fold.level)].span)
      append(entry, ancestors: ancestors, to: &rows)
    }
  }

  /// Whether a filter leaves anything of a row: a leaf that it accepts, or a table that leads to one.
  private mutating func leadsToMatch(_ row: TreeRow, path: [PhysicalAddress]) -> Bool {
    guard row.entryKind == .table, filter.concernsEntries else { return true }
    let level = Int(row.level) + 1
    let scheme = spaces[Int(row.space)].scheme
    let key = FilterMatches.Key(
      table: TableReference(address: row.address, level: level), access: row.access, scheme: scheme.name)
    if let known = matches.known[key] { return known }
    // What was not looked into might match: it stays.
    guard level < scheme.levels.count, matches.budget > 0,
      let runs = try? scheme.runs(of: key.table, in: memory)
    else { return true }
    matches.budget -= 1
    let below = path + [row.address]
    let found = runs.contains { run in
      guard run.kind != .absent else { return false }
      let child = self.row(of: run, in: row.address, below: row, path: below)
      return filter.accepts(child, in: scheme) && leadsToMatch(child, path: below)
    }
    matches.known[key] = found
    return found
  }

  private func row(
    of run: EntryRun, in table: PhysicalAddress, below parent: TreeRow, path: [PhysicalAddress]
  ) -> TreeRow {
    let scheme = spaces[Int(parent.space)].scheme
    let index = Int(parent.level) + 1
    let level = scheme.levels[index]
    let isPresent = run.kind == .table || run.kind == .leaf
    let access = isPresent ? parent.access.intersection(level.format.access(of: run.raw, kind: run.kind)) : []
    var row = TreeRow(
      kind: .entry, indent: parent.indent + 1, level: Int8(truncatingIfNeeded: index), access: access,
      entryKind: run.kind, space: parent.space, slot: Int32(truncatingIfNeeded: run.slot), count: 1,
      raw: run.raw,
      virtual: scheme.canonical(parent.virtual.value &+ UInt64(run.slot) &* level.span), table: table,
      address: run.address, stride: 0)
    if run.kind == .table, let back = path.firstIndex(of: run.address) {
      row.recursionLevel = Int8(truncatingIfNeeded: back)
    }
    return row
  }

  private func note(_ note: TreeRow.Note, below parent: TreeRow) -> TreeRow {
    var row = parent
    row.kind = .note
    row.note = note
    row.isOpen = false
    row.indent = parent.indent + 1
    row.level = parent.level + 1
    return row
  }
}

/// What a filter found below tables, each looked into once.
private struct FilterMatches {
  struct Key: Hashable {
    let table: TableReference
    let access: Access
    let scheme: String
  }

  var known: [Key: Bool] = [:]
  /// Tables that may still be read: a key must not wait for more.
  var budget = 4096
}
