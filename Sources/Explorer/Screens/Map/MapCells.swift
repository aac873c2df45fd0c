import Canvas
import Guests
import PageTables

/// What one cell of a map stands for.
struct MapCell: Sendable {
  /// Of several kinds in one cell the last one here is shown: what a person looks for, not what there is most of.
  enum Kind: Int, Sendable { case absent, region, direct, kernel, user, mirror, other }

  var kind = Kind.absent
  /// The owner of a table that several spaces reach, but not everybody.
  var owner: Int?
  /// What the guest uses the addresses for.
  var region: MapRegion.Kind?

  /// A letter for what it is; a capital one where the tables are shared.
  var sign: String { owner == nil ? letter : letter.uppercased() }

  private var letter: String {
    switch kind {
    case .absent: "."
    case .region: "-"
    case .kernel: region?.letter ?? "k"
    case .direct: "d"
    case .user: region?.letter ?? "u"
    case .mirror: "~"
    case .other: "?"
    }
  }

  /// The letter in words.
  var meaning: String {
    switch kind {
    case .absent: "nothing"
    case .region: "region, absent"
    case .kernel: region?.meaning ?? "kernel"
    case .direct: "direct map"
    case .user: region?.meaning ?? "user"
    case .mirror: "mirror"
    case .other: "marked, malformed"
    }
  }
}

extension Explorer {
  /// What a picture of a map knows of the tables below its entries.
  func mapContents(_ map: SpaceMap, spaceNumber: Int) -> MapContents {
    MapContents(
      map, memory: memory, directMaps: directMaps(map.space, spaceNumber),
      mayMirrorUsers: index?.particular.hasMirrors == true)
  }

  /// The kernel's linear maps as each window of a space has them; empty while that is not known.
  private func directMaps(_ space: AddressSpace, _ spaceNumber: Int) -> [DirectMaps] {
    guard let index else { return [] }
    return space.windows.indices.map { index.spaces.directMaps(in: spaceNumber, window: $0) }
  }

  /// The cells of one row of the map.
  func mapCells(
    _ map: SpaceMap, spaceNumber: Int, row: Range<UInt64>, _ contents: inout MapContents
  ) -> [MapCell] {
    var cells = Array(repeating: MapCell(), count: map.rows.cells(in: row))
    for part in map.parts where part.start < row.upperBound && part.end > row.lowerBound {
      fill(
        &cells, &contents, map, spaceNumber, table: part.window.root, level: 0, base: part.start, row: row,
        rights: .all, owner: nil)
    }
    markRegions(&cells, map, row)
    return cells
  }

  /// Tells what a process could touch, though nothing is present, from what is no part of it, and says what the guest
  /// uses the rest for: of several regions in a cell the first that has something there.
  private func markRegions(_ cells: inout [MapCell], _ map: SpaceMap, _ row: Range<UInt64>) {
    for region in map.regions.touching(row) {
      let first = Int((max(region.start, row.lowerBound) - row.lowerBound) >> UInt64(map.rows.shift))
      let last = Int((min(region.last, row.upperBound - 1) - row.lowerBound) >> UInt64(map.rows.shift))
      for number in first...last {
        switch cells[number].kind {
        case .absent where region.isUsers: cells[number].kind = .region
        case .user where region.isUsers && region.isPresent && cells[number].region == nil,
          .kernel where !region.isUsers && cells[number].region == nil:
          cells[number].region = region.kind
        default: break
        }
      }
    }
  }

  private func fill(
    _ cells: inout [MapCell], _ contents: inout MapContents, _ map: SpaceMap, _ spaceNumber: Int,
    table: PhysicalAddress, level: Int, base: UInt64, row: Range<UInt64>, rights path: Rights, owner: Int?
  ) {
    let scheme = map.part(at: base).window.scheme
    let window = map.window(at: base)
    let reference = TableReference(address: table, level: level)
    guard let runs = contents.runs(of: reference, scheme) else { return }
    let shape = scheme.levels[level]
    for run in runs where run.kind != .absent {
      let start = base &+ UInt64(run.slot) &* shape.span
      guard start < row.upperBound, start &+ UInt64(run.count) &* shape.span > row.lowerBound else {
        continue
      }
      let isPresent = run.kind == .table || run.kind == .leaf
      let rights = isPresent ? path.intersection(shape.format.rights(of: run.raw, kind: run.kind)) : []
      guard run.kind == .table else {
        mark(&cells, &contents, map, spaceNumber, reference, run, start, row: row, rights, owner: owner)
        continue
      }
      for number in 0..<run.count {
        let entryStart = start &+ UInt64(number) &* shape.span
        guard entryStart < row.upperBound, entryStart &+ shape.span > row.lowerBound else { continue }
        let address = PhysicalAddress(run.address.value &+ UInt64(number) &* run.stride)
        let below = TableReference(address: address, level: level + 1)
        var entryOwner = owner
        if owner == nil, let index,
          let sharing = index.spaces.sharing(of: below, in: spaceNumber, window: window),
          sharing.spaces > 1, !index.everybodys.contains(below, in: spaceNumber, window: window)
        {
          entryOwner = sharing.owner
        }
        if level < map.level(of: scheme), contents.mayRead(below, scheme) {
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
    _ table: TableReference, _ run: EntryRun, _ start: UInt64, row: Range<UInt64>, _ rights: Rights,
    owner: Int?
  ) {
    let span = map.part(at: start).window.scheme.levels[table.level].span
    let end = start &+ UInt64(run.count) &* span
    let shift = UInt64(map.rows.shift)
    let first = max(start, row.lowerBound) - row.lowerBound
    let last = min(end, row.upperBound) - 1 - row.lowerBound
    let only = Int(first >> shift)
    // Most entries say what the one before them in the same cell said.
    if cells[only].kind == .user, run.kind == .leaf, owner == nil || cells[only].owner != nil,
      last >> shift == UInt64(only), !contents.mayMirrorUsers
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
    for cell in first >> shift...last >> shift {
      var here = kind
      let cellStart = row.lowerBound &+ cell << shift
      if kind == .kernel || kind == .user, cells[Int(cell)].kind != .mirror,
        hasMirror(run, of: table, spaceNumber, from: start, in: cellStart, map, rights)
      {
        here = .mirror
      }
      let number = Int(cell)
      if here.rawValue > cells[number].kind.rawValue { cells[number].kind = here }
      if let owner, cells[number].owner == nil { cells[number].owner = owner }
    }
  }

  /// Whether those of a run's entries that lie in a cell are one side of a mirror, or lead to one.
  private func hasMirror(
    _ run: EntryRun, of table: TableReference, _ spaceNumber: Int, from start: UInt64, in cell: UInt64,
    _ map: SpaceMap, _ rights: Rights
  ) -> Bool {
    guard let index, index.particular.hasMirrors else { return false }
    if run.kind == .table {
      let below = TableReference(address: run.address, level: table.level + 1)
      let content = index.particular.content(
        below: below, spaceNumber: spaceNumber, window: map.window(at: start))
      return !content.mirrored.isEmpty || !content.mirroring.isEmpty
    }
    let span = map.part(at: start).window.scheme.levels[table.level].span
    let first = cell > start ? Int((cell - start) / span) : 0
    let end = min(run.count, Int((cell &+ map.cellLength &- 1 &- start) / span) + 1)
    guard first < end else { return false }
    guard rights.isUser else {
      return index.hasMirror(
        run.slot + first..<run.slot + end, of: table, spaceNumber: spaceNumber, window: map.window(at: start))
    }
    let frame = run.address.advanced(by: UInt64(first) &* run.stride)
    let length = run.stride == 0 ? span : span &* UInt64(end - first)
    return index.particular.mirror(of: frame, length: length) != nil
  }
}
