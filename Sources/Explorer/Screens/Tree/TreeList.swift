import Guests
import PageTables

/// The tree as a flat list of the rows that are open, read lazily: opening a row reads one table.
///
/// What is open is remembered by identity, so hidden rows come back as they were.
package struct TreeList: Sendable {
  /// The spaces, in the order of listing.
  package private(set) var spaces: [TreeSpace] = []
  /// How many of them are user copies of others.
  private(set) var copyCount = 0
  /// The rows that are shown, from top to bottom.
  package private(set) var rows: [TreeRow] = []
  /// Whether absent entries are shown.
  package private(set) var showsAbsent = false
  /// What is shown of the rest.
  package private(set) var filter = TreeFilter("")
  /// How many spaces pass the filter, as far as they have been looked at.
  package private(set) var passingSpaces = 0
  var open: Set<RowID> = []
  /// What is known of all spaces together; nil until they are indexed.
  private(set) var knowledge: ExplorerIndex?
  /// A row that stays in view where it would become part of a group.
  private(set) var pinned: RowID?
  /// An address at which nothing is mapped, but which somebody went to: its absent entries are shown, and no others.
  private(set) var visitedAbsent: (space: SpaceID, virtual: VirtualAddress, level: Int)?
  /// Who tells what marked entries keep; nil where nobody does.
  private(set) var guest: LinuxGuest?
  /// What the filter found below tables.
  var matches = FilterMatches()
  /// What is still to be read; nil when all rows stand.
  private var build: TreeBuild?
  private(set) var memory: any PhysicalMemory

  /// An empty tree over a memory.
  package init(memory: any PhysicalMemory) {
    self.memory = memory
  }

  // MARK: What is shown

  /// Replaces the spaces; those that were open stay open. The command lines, by pid, are for searches.
  package mutating func setSpaces(_ found: [FoundSpace], commandLines: [Int: String] = [:]) {
    // Its space numbers are those of the old list.
    if found != spaces.map(\.found) { knowledge = nil }
    spaces = TreeSpace.all(found, commandLines: commandLines)
    copyCount = found.copies.count
    rebuild()
  }

  /// Steps back what everybody has, and what maps nothing, as the index knows it; nil brings everything back.
  ///
  /// - Parameter pinned: a row that stays in view.
  mutating func setKnowledge(_ index: ExplorerIndex?, pinned: RowID? = nil) {
    guard index != nil || knowledge != nil else { return }
    knowledge = index
    self.pinned = pinned
    rebuild()
  }

  /// Shows another moment of the memory: what was open stays open.
  mutating func setMoment(
    _ memory: any PhysicalMemory, _ found: [FoundSpace], commandLines: [Int: String], _ guest: LinuxGuest?,
    _ index: ExplorerIndex?, pinned: RowID?
  ) {
    self.memory = memory
    self.guest = guest
    knowledge = index
    self.pinned = pinned
    spaces = TreeSpace.all(found, commandLines: commandLines)
    copyCount = found.copies.count
    rebuild()
  }

  /// Shows or hides absent entries.
  package mutating func setShowsAbsent(_ shows: Bool) {
    showsAbsent = shows
    rebuild()
  }

  /// Filters spaces and entries.
  package mutating func setFilter(_ filter: TreeFilter) {
    self.filter = filter
    rebuild()
  }

  /// Asks a guest what marked entries keep.
  mutating func setGuest(_ guest: LinuxGuest?) {
    self.guest = guest
    if filter.concernsEntries { rebuild() }
  }

  /// Reads everything that is open anew, because memory or its tables changed.
  package mutating func refresh() { rebuild() }

  /// Reads everything that is open anew: the first slice at once, the rest by `proceed`.
  private mutating func rebuild() {
    matches = FilterMatches()
    beginRebuild()
  }

  private mutating func beginRebuild() {
    rows = []
    // The texts of thousands of spaces take longer to make than a key may.
    let listed =
      filter.concernsSpaces
      ? spaces.indices.filter { filter.accepts(space: spaces[$0].searchTexts) } : Array(spaces.indices)
    // What looks like entries in a freed root is anything.
    let searched =
      filter.concernsEntries ? listed.filter { !spaces[$0].found.isPossiblyStale } : listed
    build = TreeBuild(roots: searched.map { row(of: spaces[$0], at: $0) }, isFiltered: filter.concernsEntries)
    proceed()
  }

  /// Whether rows are still to come, below those that stand.
  package var isBuilding: Bool { build != nil }

  /// Reads one slice of the rows that are still to come.
  package mutating func proceed() {
    guard var work = build else { return }
    build = nil
    matches.sliceBudget = TreeBuild.entriesInSlice
    var standing = rows
    rows = []
    if advance(&work, rowLimit: TreeBuild.rowsInSlice, to: &standing) {
      standing += work.tail
    } else {
      build = work
    }
    rows = standing
    passingSpaces = filter.isEmpty ? spaces.count : rows.count { $0.kind == .space }
  }

  // MARK: Opening and closing

  /// Shows what lies below a row; answers whether that changed anything.
  @discardableResult
  package mutating func open(at index: Int) -> Bool {
    guard rows.indices.contains(index), rows[index].isOpenable, !rows[index].isOpen else { return false }
    open.insert(id(of: rows[index]))
    if isBuilding {
      beginRebuild()
      return true
    }
    var work = TreeBuild(row: rows[index], ancestors: tablesAbove(rows[index]))
    var opened: [TreeRow] = []
    matches.sliceBudget = TreeBuild.entriesInSlice
    if advance(&work, rowLimit: TreeBuild.rowsInSlice, to: &opened) {
      rows.replaceSubrange(index...index, with: opened)
    } else {
      work.tail = Array(rows[(index + 1)...])
      rows.replaceSubrange(index..., with: opened)
      build = work
    }
    return true
  }

  /// Hides what lies below a row; answers whether that changed anything.
  @discardableResult
  package mutating func close(at index: Int) -> Bool {
    guard rows.indices.contains(index), rows[index].isOpen else { return false }
    open.remove(id(of: rows[index]))
    if isBuilding {
      beginRebuild()
      return true
    }
    // What lies in a group would open it again.
    if rows[index].kind == .everybodys {
      closeAll(at: index)
      return true
    }
    rows[index].isOpen = false
    rows.removeSubrange(index + 1..<end(ofBranchAt: index))
    return true
  }

  /// Closes a row and forgets what was open below it, shown or not.
  package mutating func closeAll(at index: Int) {
    guard rows.indices.contains(index), rows[index].kind != .note else { return }
    let row = rows[index]
    let target = id(of: row)
    let scheme = spaces[Int(row.space)].scheme(at: row.virtual)
    let length = row.level < 0 ? .max : scheme.levels[Int(row.level)].span &* UInt64(row.count)
    // Distances without the copies of the top bit: equal neighbours can lie on both sides of the middle.
    let addressBits: UInt64 = .max >> UInt64(64 - scheme.virtualAddressBits)
    open = open.filter { other in
      let isInside = row.level < 0 || (other.virtual.value &- row.virtual.value) & addressBits < length
      return other.space != target.space || other.level < target.level || !isInside
    }
    pinned = nil
    guard row.isOpen else { return }
    if isBuilding {
      beginRebuild()
      return
    }
    let end = end(ofBranchAt: index)
    rows[index].isOpen = false
    rows.removeSubrange(index + 1..<end)
  }

  /// Closes every space and forgets what was open.
  package mutating func closeEverything() {
    open = []
    rebuild()
  }

  // MARK: Finding rows

  /// The identity of a row of this tree.
  package func id(of row: TreeRow) -> RowID {
    RowID(
      space: spaces[Int(row.space)].id, kind: row.kind, level: Int(row.level), virtual: row.virtual)
  }

  /// Where a row is now; nil when it is not shown.
  package func index(of id: RowID) -> Int? {
    guard let space = spaces.firstIndex(where: { $0.id == id.space }) else { return nil }
    return rows.firstIndex { $0.isRow(id, ofSpace: space) }
  }

  /// The row that `index` lies below; nil for a space.
  package func parent(of index: Int) -> Int? {
    guard rows.indices.contains(index) else { return nil }
    let indent = rows[index].indent
    return rows[..<index].lastIndex { $0.indent < indent }
  }

  /// One past the last row below the one at `index`.
  package func end(ofBranchAt index: Int) -> Int {
    let indent = rows[index].indent
    return rows[(index + 1)...].firstIndex { $0.indent <= indent } ?? rows.count
  }

  /// Opens the way to an entry of a space.
  ///
  /// - Parameters:
  ///   - level: the level of the table that holds the entry; -1 for the space itself.
  ///   - kind: stop at a group of this kind that starts at the address instead of opening it.
  /// - Returns: the row, or the last one on the way that is shown; nil when the space itself is hidden.
  package mutating func reveal(
    space: Int, virtual: VirtualAddress, level: Int, kind: TreeRow.Kind = .entry
  ) -> (index: Int, isExact: Bool)? {
    leaveAbsent()
    guard var current = rows.firstIndex(where: { $0.kind == .space && $0.space == space }) else { return nil }
    let levels = spaces[space].scheme(at: virtual).levels
    guard level < levels.count else { return (current, false) }
    var here = 0
    while here <= level {
      open(at: current)
      if isBuilding { return (current, false) }
      let slot = levels[here].slot(of: virtual)
      let child =
        child(of: current, covering: slot, virtual)
        ?? visitAbsent(slot, virtual, at: here, below: current)
      guard let child else { return (current, false) }
      current = child
      guard rows[child].isGroup else {
        here += 1
        continue
      }
      let isTarget = here == level && rows[child].kind == kind && Int(rows[child].slot) == slot
      if isTarget || rows[child].entryKind == .absent { return (current, here == level) }
      // Opened, the fold has the same entries below it, one by one: same level again.
    }
    return (current, true)
  }

  /// Shows the absent entries that a slot is one of; nil where it is none of them, or a filter hides it.
  private mutating func visitAbsent(
    _ slot: Int, _ virtual: VirtualAddress, at level: Int, below parent: Int
  ) -> Int? {
    guard !showsAbsent, filter.isEmpty else { return nil }
    guard let row = absentRow(covering: slot, below: rows[parent]) else { return nil }
    visitedAbsent = (spaces[Int(rows[parent].space)].id, virtual, level)
    // Everything else stays as it is: much may be open below its neighbours.
    let end = end(ofBranchAt: parent)
    let position =
      rows[(parent + 1)..<end].firstIndex {
        $0.indent == row.indent && ($0.kind == .note || $0.slot > row.slot)
      }
      ?? end
    if position < end, rows[position].kind == .note {
      rows[position] = row
    } else {
      rows.insert(row, at: position)
    }
    return position
  }

  /// Hides absent entries again that were shown because somebody went there.
  mutating func leaveAbsent() {
    guard let visited = visitedAbsent else { return }
    visitedAbsent = nil
    guard !showsAbsent, !isBuilding, let space = spaces.firstIndex(where: { $0.id == visited.space }),
      let index = rows.firstIndex(where: { row in
        row.entryKind == .absent && Int(row.space) == space && Int(row.level) == visited.level && row.isEntry
          && isVisitedAbsent(row, visited)
      })
    else { return }
    guard let parent = parent(of: index) else { return }
    rows.remove(at: index)
    // A table without any other row says that it is empty.
    if end(ofBranchAt: parent) == parent + 1 {
      rows[parent].isOpen = false
      open(at: parent)
    }
  }

  /// Whether somebody went to one of the absent entries of a row.
  func isVisitedAbsent(
    _ row: TreeRow, _ visited: (space: SpaceID, virtual: VirtualAddress, level: Int)
  ) -> Bool {
    guard Int(row.level) == visited.level, spaces[Int(row.space)].id == visited.space else { return false }
    let level = spaces[Int(row.space)].scheme(at: row.virtual).levels[visited.level]
    let slots = row.slot..<row.slot + row.count
    guard slots.contains(Int32(truncatingIfNeeded: level.slot(of: visited.virtual))) else { return false }
    // A window has one root; of the tables below, each translates its own part of the addresses.
    let bits = UInt64(level.shift + level.indexBits)
    return row.level == 0
      ? spaces[Int(row.space)].isOneWindow(visited.virtual, row.virtual)
      : (visited.virtual.value ^ row.virtual.value) >> bits == 0
  }

  private func child(of index: Int, covering slot: Int, _ virtual: VirtualAddress) -> Int? {
    let indent = rows[index].indent
    var position = index + 1
    while position < rows.count, rows[position].indent > indent {
      let row = rows[position]
      if row.indent == indent + 1, row.isEntry, Int(row.slot) <= slot, slot < Int(row.slot) + Int(row.count),
        // Each window has its own root.
        spaces[Int(row.space)].isOneWindow(row.virtual, virtual)
      {
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
}
