import Canvas
import Guests
import PageTables

/// What one cell of a map stands for.
struct MapCell: Sendable {
  /// Of several kinds in one cell the last one here is shown: what a person looks for, not what there is most of.
  enum Kind: Int, Sendable { case absent, region, direct, kernel, user, mirror, other }

  var kind = Kind.absent
  /// The owner of a table that several spaces reach.
  var owner: Int?

  /// A letter for what it is; a capital one where the tables are shared.
  var sign: String {
    switch kind {
    case .absent: "."
    case .region: "-"
    case .kernel: owner == nil ? "k" : "K"
    case .direct: owner == nil ? "d" : "D"
    case .user: owner == nil ? "u" : "U"
    case .mirror: "~"
    case .other: "?"
    }
  }
}

extension Explorer {
  /// What a picture of a map knows of the tables below its entries.
  func mapContents(_ map: SpaceMap, spaceNumber: Int) -> MapContents {
    MapContents(
      scheme: map.space.scheme, memory: memory, directMaps: index?.spaces.directMaps(in: spaceNumber))
  }

  /// The cells of one row of the map.
  func mapCells(
    _ map: SpaceMap, spaceNumber: Int, row: UInt64, _ contents: inout MapContents
  ) -> [MapCell] {
    var cells = Array(repeating: MapCell(), count: map.cellsInRow)
    fill(
      &cells, &contents, map, spaceNumber, table: map.space.root, level: 0, base: 0, row: row, rights: .all,
      owner: nil)
    markRegions(&cells, map, row)
    return cells
  }

  /// Tells what a process could touch, though nothing is present, from what is no part of it.
  private func markRegions(_ cells: inout [MapCell], _ map: SpaceMap, _ row: UInt64) {
    guard let names = guest[map.id] else { return }
    for number in cells.indices where cells[number].kind == .absent {
      let start = row &+ UInt64(number) << UInt64(map.shift)
      let (first, last) = (map.address(start), map.address(start &+ (map.cellLength &- 1)))
      if names.hasUserRegion(from: first, through: last) { cells[number].kind = .region }
    }
  }

  private func fill(
    _ cells: inout [MapCell], _ contents: inout MapContents, _ map: SpaceMap, _ spaceNumber: Int,
    table: PhysicalAddress, level: Int, base: UInt64, row: UInt64, rights path: Rights, owner: Int?
  ) {
    let scheme = map.space.scheme
    let reference = TableReference(address: table, level: level)
    guard let runs = try? scheme.runs(of: reference, in: memory) else { return }
    let shape = scheme.levels[level]
    let rowEnd = row &+ map.rowLength
    for run in runs where run.kind != .absent {
      let start = base &+ UInt64(run.slot) &* shape.span
      guard start < rowEnd, start &+ UInt64(run.count) &* shape.span > row else { continue }
      let isPresent = run.kind == .table || run.kind == .leaf
      let rights = isPresent ? path.intersection(shape.format.rights(of: run.raw, kind: run.kind)) : []
      guard run.kind == .table else {
        mark(&cells, &contents, map, spaceNumber, reference, run, start, row: row, rights, owner: owner)
        continue
      }
      for number in 0..<run.count {
        let entryStart = start &+ UInt64(number) &* shape.span
        guard entryStart < rowEnd, entryStart &+ shape.span > row else { continue }
        let address = PhysicalAddress(run.address.value &+ UInt64(number) &* run.stride)
        let below = TableReference(address: address, level: level + 1)
        var entryOwner = owner
        if owner == nil, let sharing = index?.spaces.sharing(of: below, in: spaceNumber), sharing.spaces > 1 {
          entryOwner = sharing.owner
        }
        if level < map.level {
          fill(
            &cells, &contents, map, spaceNumber, table: address, level: level + 1, base: entryStart, row: row,
            rights: rights, owner: entryOwner)
        } else {
          var entry = run
          entry.count = 1
          entry.slot += number
          entry.address = address
          mark(
            &cells, &contents, map, spaceNumber, reference, entry, entryStart, row: row, rights,
            owner: entryOwner)
        }
      }
    }
  }

  /// Says what entries are in the cells that they lie in; what a person looks for first wins.
  private func mark(
    _ cells: inout [MapCell], _ contents: inout MapContents, _ map: SpaceMap, _ spaceNumber: Int,
    _ table: TableReference, _ run: EntryRun, _ start: UInt64, row: UInt64, _ rights: Rights, owner: Int?
  ) {
    let span = map.space.scheme.levels[table.level].span
    let end = start &+ UInt64(run.count) &* span
    let first = max(start, row)
    let last = min(end, row &+ map.rowLength) &- 1
    let only = Int((first - row) >> UInt64(map.shift))
    // Most entries say what the one before them in the same cell said.
    if cells[only].kind == .user, run.kind == .leaf, owner == nil || cells[only].owner != nil,
      (last - row) >> UInt64(map.shift) == UInt64(only)
    {
      return
    }
    let most = rights.isUser ? MapCell.Kind.user : .kernel
    let kind: MapCell.Kind =
      switch run.kind {
      case .malformed, .marked: .other
      case .table:
        cells[only].kind.rawValue >= most.rawValue
          ? most
          : contents.kind(
            below: TableReference(address: run.address, level: table.level + 1), base: start, rights: rights)
      default: contents.kind(ofLeaf: rights, map.address(start), run.address)
      }
    if kind == .absent { return }
    for cell in (first - row) >> UInt64(map.shift)...(last - row) >> UInt64(map.shift) {
      var here = kind
      let cellStart = row &+ cell << UInt64(map.shift)
      let mayMirror = kind == .kernel || (kind == .user && run.kind == .table)
      if mayMirror, hasMirror(run, of: table, spaceNumber, from: start, in: cellStart, map) { here = .mirror }
      let number = Int(cell)
      if here.rawValue > cells[number].kind.rawValue { cells[number].kind = here }
      if let owner, cells[number].owner == nil { cells[number].owner = owner }
    }
  }

  /// Whether those of a run's entries that lie in a cell map, or lead to, frames that user space also maps.
  private func hasMirror(
    _ run: EntryRun, of table: TableReference, _ spaceNumber: Int, from start: UInt64, in cell: UInt64,
    _ map: SpaceMap
  ) -> Bool {
    guard let index else { return false }
    if run.kind == .table {
      return index.hasMirror(
        below: TableReference(address: run.address, level: table.level + 1), spaceNumber: spaceNumber)
    }
    let span = map.space.scheme.levels[table.level].span
    let first = cell > start ? Int((cell - start) / span) : 0
    let end = min(run.count, Int((cell &+ map.cellLength &- 1 &- start) / span) + 1)
    return first < end
      && index.hasMirror(run.slot + first..<run.slot + end, of: table, spaceNumber: spaceNumber)
  }
}
