import PageTables

/// How neighbouring rows of a table that say nothing in particular become one: what everybody has, and tables that map
/// nothing. Known only once all spaces are indexed.
extension TreeList {
  /// The rows of a table with what everybody has as one row, and with tables that map nothing folded.
  func folded(_ rows: [TreeRow], beside parent: TreeRow) -> [TreeRow] {
    guard let knowledge, !filter.concernsEntries else { return rows }
    return foldingEmptyTables(foldingEverybodys(rows, beside: parent, knowledge), knowledge)
  }

  /// The entries that a row for what everybody has stands for.
  func everybodysEntries(of row: TreeRow, ancestors: [PhysicalAddress]) -> TreeBuild.Branch {
    let scheme = spaces[Int(row.space)].scheme(at: row.virtual)
    let table = TableReference(address: row.table, level: Int(row.level))
    guard let runs = try? scheme.runs(of: table, in: memory) else {
      return TreeBuild.Branch(rows: [], ancestors: ancestors)
    }
    let parent = holder(of: row)
    let slots = row.slot..<row.slot + row.count
    let entries = self.rows(of: runs, in: row.table, below: parent, path: ancestors).filter {
      slots.contains($0.slot)
    }
    return TreeBuild.Branch(
      rows: knowledge.map { foldingEmptyTables(entries, $0) } ?? entries, ancestors: ancestors)
  }

  /// The row of the table that a group's entries lie in, as far as they need to know it.
  func holder(of group: TreeRow) -> TreeRow {
    let scheme = spaces[Int(group.space)].scheme(at: group.virtual)
    var row = group
    row.level -= 1
    row.virtual = scheme.continued(
      group.virtual.value &- UInt64(group.slot) &* scheme.levels[Int(group.level)].span)
    return row
  }

  private func foldingEverybodys(
    _ rows: [TreeRow], beside parent: TreeRow, _ knowledge: ExplorerIndex
  ) -> [TreeRow] {
    let spaceNumber = Int(parent.space)
    // The kernel's own half is its own there; and below what everybody has, all is everybody's.
    guard !knowledge.census.kernels.contains(spaceNumber) else { return rows }
    let holder = TableReference(address: parent.address, level: Int(parent.level) + 1)
    // Where the kernel has a window of its own, that begins with the root.
    let isRootOfWindow = parent.kind == .space && spaces[spaceNumber].found.space.windows.count > 1
    let window = spaces[spaceNumber].window(of: rows.first?.virtual ?? parent.virtual)
    guard isRootOfWindow || !knowledge.everybodys.contains(holder, in: spaceNumber, window: window) else {
      return rows
    }
    var result: [TreeRow] = []
    /// Absent entries behind some of what everybody has: if more of it follows, they lie inside.
    var absent: TreeRow?
    for row in rows {
      guard knowledge.isEverybodys(row) else {
        if row.entryKind == .absent, result.last?.kind == .everybodys {
          absent = row
          continue
        }
        if let held = absent { result.append(held) }
        absent = nil
        result.append(row)
        continue
      }
      absent = nil
      let isTable = row.entryKind == .table
      let isEmpty = isTable && knowledge.mapsNothing(row)
      if let last = result.indices.last, result[last].kind == .everybodys {
        result[last].count = row.slot + row.count - result[last].slot
        result[last].tables += isTable ? row.count : 0
        result[last].emptyTables += isEmpty ? row.count : 0
      } else {
        var group = row
        group.kind = .everybodys
        group.isAlike = false
        // What the path down to the table allows, which its entries go on from.
        group.rights = parent.rights
        group.tables = isTable ? row.count : 0
        group.emptyTables = isEmpty ? row.count : 0
        group.entryKind = .table
        result.append(group)
      }
    }
    return result + (absent.map { [$0] } ?? [])
  }

  private func foldingEmptyTables(_ rows: [TreeRow], _ knowledge: ExplorerIndex) -> [TreeRow] {
    var result: [TreeRow] = []
    for var row in rows {
      guard row.entryKind == .table, row.kind != .everybodys, row.recursionLevel < 0,
        knowledge.mapsNothing(row)
      else {
        result.append(row)
        continue
      }
      row.tables = row.count
      row.emptyTables = row.count
      if let last = result.indices.last, isSameButForItsTable(result[last], row) {
        result[last].kind = .fold
        result[last].count += row.count
        result[last].tables += row.count
        result[last].emptyTables += row.count
      } else {
        result.append(row)
      }
    }
    return result
  }

  private func isSameButForItsTable(_ one: TreeRow, _ next: TreeRow) -> Bool {
    guard one.mapsNothing, one.kind == .entry || one.kind == .fold, one.slot + one.count == next.slot,
      one.rights == next.rights
    else { return false }
    let format = spaces[Int(one.space)].scheme(at: one.virtual).levels[Int(one.level)].format
    let attributes = ~format.tableAddress.allBits
    let changing = spaces[Int(one.space)].scheme(at: one.virtual).levels[Int(one.level)].tableFields
      .reduce(UInt64(0)) { $1.role == .accessed ? $0 | $1.mask : $0 }
    return (one.raw ^ next.raw) & attributes & ~changing == 0
  }
}

extension ExplorerIndex {
  /// Whether everybody has what a row's entries lead to.
  func isEverybodys(_ row: TreeRow) -> Bool {
    let spaceNumber = Int(row.space)
    switch row.entryKind {
    case .table:
      let table = TableReference(address: row.address, level: Int(row.level) + 1)
      return everybodys.contains(table, in: spaceNumber, window: window(of: row))
    case .leaf:
      guard row.level == 0 else { return false }
      let window = window(of: row)
      return (0..<Int(row.count)).allSatisfy { step in
        let frame = row.address.advanced(by: UInt64(step) &* row.stride)
        return everybodys.containsLeaf(
          slot: Int(row.slot) + step, mapping: frame, in: spaceNumber, window: window)
      }
    case .absent, .marked, .malformed: return false
    }
  }

  /// Whether the table that a row's entries point at has no leaf, nor has any below it.
  func mapsNothing(_ row: TreeRow) -> Bool {
    let table = TableReference(address: row.address, level: Int(row.level) + 1)
    return everybodys.mapsNothing(table, in: Int(row.space), window: window(of: row))
  }
}
