import Guests
import PageTables

/// How rows are made of tables, read one by one as far as a slice of work goes.
extension TreeList {
  func tablesAbove(_ row: TreeRow) -> [PhysicalAddress] { steps(to: row).map(\.table) }

  func row(of space: TreeSpace, at index: Int) -> TreeRow {
    TreeRow(
      kind: .space, indent: 0, level: -1, rights: .all, entryKind: .table,
      space: Int32(truncatingIfNeeded: index),
      slot: 0, count: 1, raw: 0, virtual: VirtualAddress(0), table: space.root, address: space.root, stride: 0
    )
  }

  /// Appends rows until the work is done, or a slice of it; answers whether it is done.
  mutating func advance(_ work: inout TreeBuild, rowLimit: Int, to rows: inout [TreeRow]) -> Bool {
    let limit = rows.count + rowLimit
    while let number = work.branches.indices.last {
      if rows.count >= limit { return false }
      guard let next = work.branches[number].nextRow else {
        if let note = work.branches[number].note { rows.append(note) }
        work.branches.removeLast()
        continue
      }
      let ancestors = work.branches[number].ancestors
      if work.branches[number].isFiltered, next.kind != .fold || next.entryKind == .absent {
        guard let isShown = isShown(next, path: ancestors) else { return false }
        if !isShown {
          // The rest of its fold reads like it.
          work.branches[number].skipAlike()
          continue
        }
      }
      work.branches[number].take()
      var row = next
      row.isOpen = row.isOpenable && isOpen(row)
      rows.append(row)
      if row.isOpen { work.branches += branches(below: row, ancestors: ancestors).reversed() }
    }
    return true
  }

  /// Whether the filter lets an entry pass; nil when too much has to be read for one slice.
  private mutating func isShown(_ row: TreeRow, path: [PhysicalAddress]) -> Bool? {
    guard passes(row) else { return false }
    return leadsToMatch(row, path: path)
  }

  private func passes(_ row: TreeRow) -> Bool {
    filter.accepts(row, in: spaces[Int(row.space)].scheme(at: row.virtual), isSwapped: isSwapped)
  }

  /// Whether a marked entry keeps a place in swap space, as the guest says; where none does, whether it keeps what is
  /// no frame.
  private func isSwapped(_ row: TreeRow) -> Bool {
    let space = spaces[Int(row.space)]
    let level = Int(row.level)
    if let guest, guest.mayOwn(space.found) {
      return guest.meaning(of: row.raw, level: level, scheme: space.scheme(at: row.virtual), at: row.virtual)?
        .isSwapped
        == true
    }
    let scheme = space.scheme(at: row.virtual)
    guard row.virtual < scheme.usualKernelStart, let mark = scheme.mark(in: row.raw, level: level) else {
      return false
    }
    return mark.address == nil
  }

  /// What lies below a row: one branch, or one for each window of a space.
  private func branches(below parent: TreeRow, ancestors: [PhysicalAddress]) -> [TreeBuild.Branch] {
    guard parent.kind == .space else { return [branch(below: parent, ancestors: ancestors)] }
    return spaces[Int(parent.space)].found.space.windows.map { window in
      var top = parent
      top.address = window.root
      top.virtual = window.first
      return table(below: top, ancestors: ancestors)
    }
  }

  private func branch(below parent: TreeRow, ancestors: [PhysicalAddress]) -> TreeBuild.Branch {
    switch parent.kind {
    case .fold where parent.groupLength > 1:
      TreeBuild.Branch(rows: contiguousRuns(of: parent), ancestors: ancestors)
    case .fold, .contiguous: entries(of: parent, ancestors: ancestors)
    case .everybodys: everybodysEntries(of: parent, ancestors: ancestors)
    case .space, .entry, .note: table(below: parent, ancestors: ancestors)
    }
  }

  /// Whether the rows below a row are shown. What everybody has is, too, where something in it is open already: it
  /// may have been opened before it was known to be everybody's.
  private func isOpen(_ row: TreeRow) -> Bool {
    let id = id(of: row)
    if open.contains(id) { return true }
    guard row.kind == .everybodys else { return false }
    let length =
      spaces[Int(row.space)].scheme(at: row.virtual).levels[Int(row.level)].span &* UInt64(row.count)
    func isInside(_ other: RowID) -> Bool {
      other.space == id.space && other.level >= id.level && other.virtual.value &- id.virtual.value < length
    }
    if let visited = visitedAbsent, visited.space == id.space, visited.level == id.level,
      visited.virtual.value &- id.virtual.value < length
    {
      return true
    }
    return pinned.map(isInside) == true || open.contains(where: isInside)
  }

  private func table(below parent: TreeRow, ancestors: [PhysicalAddress]) -> TreeBuild.Branch {
    let scheme = spaces[Int(parent.space)].scheme(at: parent.virtual)
    let level = Int(parent.level) + 1
    guard level < scheme.levels.count else { return TreeBuild.Branch(rows: [], ancestors: ancestors) }
    let runs: [EntryRun]
    do throws(MissingPage) {
      runs = try scheme.runs(of: TableReference(address: parent.address, level: level), in: memory)
    } catch {
      let missing = note(error == .notInDump ? .tableNotInDump : .tableOutsideMemory, below: parent)
      return TreeBuild.Branch(rows: [missing], ancestors: ancestors)
    }
    let path = ancestors + [parent.address]
    var branch = TreeBuild.Branch(
      rows: folded(rows(of: runs, in: parent.address, below: parent, path: path), beside: parent),
      ancestors: path)
    branch.isFiltered = !filter.isEmpty
    branch.note = note(runs.allSatisfy { $0.kind == .absent } ? .empty : .filtered, below: parent)
    return branch
  }

  func rows(
    of runs: [EntryRun], in table: PhysicalAddress, below parent: TreeRow, path: [PhysicalAddress]
  ) -> [TreeRow] {
    let scheme = spaces[Int(parent.space)].scheme(at: parent.virtual)
    var rows: [TreeRow] = []
    for run in runs where run.kind != .absent || showsAbsent || visitedAbsent != nil {
      let first = row(of: run, in: table, below: parent, path: path)
      if run.kind == .absent {
        let absent = absentRow(first, run.count)
        if showsAbsent || visitedAbsent.map({ isVisitedAbsent(absent, $0) }) == true { rows.append(absent) }
      } else {
        for part in scheme.parted(run, level: Int(first.level)) {
          appendRun(part, advanced(first, by: part.slot - run.slot, part.stride, scheme), scheme, to: &rows)
        }
      }
    }
    return rows
  }

  private func absentRow(_ first: TreeRow, _ count: Int) -> TreeRow {
    var row = first
    row.kind = .fold
    row.count = Int32(truncatingIfNeeded: count)
    return row
  }

  /// The absent entries of an open row's table that a slot is one of.
  func absentRow(covering slot: Int, below row: TreeRow) -> TreeRow? {
    let parent = row.isGroup ? holder(of: row) : row
    let table = row.isGroup ? row.table : row.address
    let reference = TableReference(address: table, level: Int(parent.level) + 1)
    guard let runs = try? spaces[Int(row.space)].scheme(at: row.virtual).runs(of: reference, in: memory),
      let run = runs.first(where: { $0.kind == .absent && $0.slot <= slot && slot < $0.slot + $0.count })
    else { return nil }
    return absentRow(self.row(of: run, in: table, below: parent, path: []), run.count)
  }

  /// The first entry, or the first of the groups, as a row of its own; the rest as one fold, if it is worth one.
  private func appendRun(
    _ run: EntryRun, _ first: TreeRow, _ scheme: PagingScheme, to rows: inout [TreeRow]
  ) {
    var first = first
    if run.groupLength > 1 {
      first.kind = .contiguous
      first.count = Int32(truncatingIfNeeded: run.groupLength)
      first.groupLength = first.count
      first.stride = run.stride
    }
    rows.append(first)
    let restCount = run.count - run.groupLength
    guard restCount > 0 else { return }
    var rest = advanced(first, by: run.groupLength, run.stride, scheme)
    rest.count = Int32(truncatingIfNeeded: restCount)
    rest.stride = run.stride
    if restCount > run.groupLength { rest.kind = .fold }
    rest.isAlike = true
    rows.append(rest)
  }

  /// The row for a later entry that reads like that of a row.
  private func advanced(
    _ row: TreeRow, by steps: Int, _ stride: UInt64, _ scheme: PagingScheme
  ) -> TreeRow {
    guard steps > 0 else { return row }
    var later = row
    later.slot += Int32(truncatingIfNeeded: steps)
    later.address = row.address.advanced(by: UInt64(steps) &* stride)
    later.virtual = scheme.continued(
      row.virtual.value &+ UInt64(steps) &* scheme.levels[Int(row.level)].span)
    later.raw = entry(steps, after: row, scheme) ?? row.raw
    return later
  }

  private func entry(_ steps: Int, after row: TreeRow, _ scheme: PagingScheme) -> UInt64? {
    if row.entryKind != .leaf { return nil }
    let format = scheme.levels[Int(row.level)].format
    let size = format.entrySize
    let raw = try? memory.read(
      at: row.table.advanced(by: UInt64(Int(row.slot) + steps) &* UInt64(size)), size: size)
    // It may have changed since the run was read.
    return raw.flatMap { format.kind(of: $0) == .leaf ? $0 : nil }
  }

  /// The groups that a fold stands for, a row each.
  private func contiguousRuns(of fold: TreeRow) -> [TreeRow] {
    let scheme = spaces[Int(fold.space)].scheme(at: fold.virtual)
    return stride(from: 0, to: Int(fold.count), by: Int(fold.groupLength)).map { step in
      var row = advanced(fold, by: step, fold.stride, scheme)
      row.kind = .contiguous
      row.count = fold.groupLength
      row.isOpen = false
      row.isAlike = false
      row.indent = fold.indent + 1
      return row
    }
  }

  private func entries(of fold: TreeRow, ancestors: [PhysicalAddress]) -> TreeBuild.Branch {
    let scheme = spaces[Int(fold.space)].scheme(at: fold.virtual)
    let reference = TableReference(address: fold.table, level: Int(fold.level))
    guard let runs = try? scheme.runs(of: reference, in: memory, folded: false) else {
      return TreeBuild.Branch(rows: [note(.tableNotInDump, below: fold)], ancestors: ancestors)
    }
    let slots = Int(fold.slot)..<Int(fold.slot) + Int(fold.count)
    let rows = runs.filter { slots.contains($0.slot) }.map { run in
      var entry = fold
      entry.kind = .entry
      entry.isOpen = false
      entry.isAlike = false
      entry.indent = fold.indent + 1
      entry.slot = Int32(truncatingIfNeeded: run.slot)
      entry.count = 1
      entry.groupLength = 1
      entry.raw = run.raw
      // What it was when the fold was made may be over.
      entry.entryKind = run.kind
      entry.address = run.address
      entry.stride = 0
      let steps = UInt64(run.slot - slots.lowerBound)
      entry.virtual = scheme.continued(
        fold.virtual.value &+ steps &* scheme.levels[Int(fold.level)].span)
      return entry
    }
    return TreeBuild.Branch(rows: rows, ancestors: ancestors)
  }

  /// Whether a filter leaves anything of a row: a leaf that it accepts, or a table that leads to one. Nil when
  /// more would have to be read than one slice may; what was read is remembered for the next.
  private mutating func leadsToMatch(_ row: TreeRow, path: [PhysicalAddress]) -> Bool? {
    guard row.entryKind == .table, filter.concernsEntries else { return true }
    let level = Int(row.level) + 1
    let scheme = spaces[Int(row.space)].scheme(at: row.virtual)
    let key = FilterMatches.Key(
      table: TableReference(address: row.address, level: level), rights: row.rights,
      scheme: spaces[Int(row.space)].schemeNumber(at: row.virtual))
    if let known = matches.known[key] { return known }
    guard matches.sliceBudget > 0 else { return nil }
    // What cannot be read might match: it stays. So does what is too much to remember.
    guard level < scheme.levels.count, matches.known.count < FilterMatches.limit,
      let runs = try? scheme.runs(of: key.table, in: memory)
    else { return true }
    matches.sliceBudget -= TreeBuild.entriesOfTable + runs.count
    let below = path + [row.address]
    for run in runs where run.kind != .absent {
      let child = self.row(of: run, in: row.address, below: row, path: below)
      guard passes(child) else { continue }
      guard let isMatch = leadsToMatch(child, path: below) else { return nil }
      if isMatch {
        matches.known[key] = true
        return true
      }
    }
    matches.known[key] = false
    return false
  }

  private func row(
    of run: EntryRun, in table: PhysicalAddress, below parent: TreeRow, path: [PhysicalAddress]
  ) -> TreeRow {
    let scheme = spaces[Int(parent.space)].scheme(at: parent.virtual)
    let index = Int(parent.level) + 1
    let level = scheme.levels[index]
    let isPresent = run.kind == .table || run.kind == .leaf
    var rights: Rights = []
    if isPresent { rights = parent.rights.intersection(level.format.rights(of: run.raw, kind: run.kind)) }
    if run.kind == .leaf { rights = scheme.granted(by: rights) }
    var row = TreeRow(
      kind: .entry, indent: parent.indent + 1, level: Int8(truncatingIfNeeded: index), rights: rights,
      entryKind: run.kind, space: parent.space, slot: Int32(truncatingIfNeeded: run.slot), count: 1,
      raw: run.raw,
      virtual: scheme.continued(parent.virtual.value &+ UInt64(run.slot) &* level.span), table: table,
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
