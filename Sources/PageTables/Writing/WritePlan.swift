/// Entries to be stored in the tables of one window of a space, tables to be created for them, and tables to be freed: all planned
/// before anything is written, so that a failure changes nothing.
struct WritePlan {
  /// A table that exists, or one that will be created.
  enum Table: Hashable {
    case existing(PhysicalAddress)
    case new(Int)
  }

  /// The bits, apart from the address, of an entry that points at a new table.
  enum TableEntry {
    /// Those of another entry.
    case keeping(UInt64)
    case allowing(Access, isAccessed: Bool)
  }

  enum Value {
    case raw(UInt64)
    case pointer(new: Int, TableEntry)
  }

  /// The place of an entry. Two levels may read the same page, so an existing entry is identified by its address
  /// alone.
  struct Place: Hashable {
    let table: Table
    let slot: Int
  }

  /// A table to be created: empty, or filled with the pieces of a larger page or mark.
  struct NewTable {
    let level: Int
    let parts: SplitEntry?
  }

  /// A table on the path to a removed entry, and the entry that points at the table; nil for the root.
  struct Visited {
    let table: Table
    let level: Int
    let parent: Place?
  }

  private struct PathStep {
    let table: Table
    let slot: Int
    let rights: Rights
  }

  /// All addresses lie in this window.
  let window: AddressWindow
  let memory: any WritableMemory
  let options: MapOptions
  /// The spaces that share one kernel half with the window's: they get its root entries, too.
  let half: KernelHalf?
  let shapes: [PagingLevelShape]
  var values: [Place: (value: Value, level: Int)] = [:]
  var newTables: [NewTable] = []
  /// The tables that may be empty afterwards.
  var visited: [Place?: Visited] = [:]
  /// How many entries fewer point at each table's frame.
  var dropped: [Frame: Int] = [:]
  /// The path to the last address: consecutive pages share all but the last step.
  private var path: [PathStep] = []

  init(
    window: AddressWindow, memory: any WritableMemory, options: MapOptions = MapOptions(),
    half: KernelHalf? = nil
  ) {
    self.window = window
    self.memory = memory
    self.options = options
    self.half = half
    shapes = window.scheme.levels.map(PagingLevelShape.init)
  }

  var scheme: PagingScheme { window.scheme }

  // MARK: Planning entries

  /// Plans an entry at `level` for an address; missing tables above it are created.
  ///
  /// - Returns: what the entries above allow.
  mutating func put(_ raw: UInt64, at address: VirtualAddress, level: Int) throws(WritingError) -> Rights {
    let (step, place) = try freePlace(for: address, level: level)
    values[place] = (.raw(raw), level)
    return step.rights
  }

  /// Plans an empty table below the entry at `level` for an address; the entry keeps the bits of `entry` apart from
  /// the address.
  mutating func putTable(keeping entry: UInt64?, at address: VirtualAddress, level: Int) throws(WritingError)
  {
    let place = try freePlace(for: address, level: level).place
    addTable(at: place, level: level, entry.map { .keeping($0) } ?? newTableEntry)
  }

  /// Removes the page or the mark at an address, at most `length` bytes of it; a larger one is split. `skipsHoles`
  /// says whether an unmapped address is an error or skipped.
  ///
  /// - Returns: how many bytes from the address on are now unmapped.
  mutating func clear(
    _ address: VirtualAddress, atMost length: UInt64, skipsHoles: Bool = false
  ) throws(WritingError) -> UInt64 {
    path = []
    var table = Table.existing(window.rootTable.address)
    var level = 0
    var parent: Place?
    while true {
      let shape = shapes[level]
      let place = self.place(table, window.slot(of: address, level: level), level)
      visited[parent] = Visited(table: table, level: level, parent: parent)
      let offset = window.offset(of: address) & (shape.span &- 1)
      switch try value(at: place, table, level) {
      case .pointer(let new, _): table = .new(new)
      case .raw(let raw):
        let kind = shape.format.kind(of: raw)
        switch kind {
        case .table: table = .existing(shape.format.tableAddress.address(in: raw))
        case .leaf, .marked:
          let raw = try separate(raw, at: address, table, level)
          if offset == 0, shape.span <= length {
            values[place] = (.raw(0), level)
            return shape.span
          }
          table = try split(raw, at: place, level: level, address)
        case .absent:
          // An entry that is reached twice may have been planned for removal already.
          guard skipsHoles || values[place] != nil else { throw .notMapped(address) }
          return min(length, shape.span &- offset)
        case .malformed: throw .occupied(address, kind)
        }
      }
      parent = place
      level += 1
    }
  }

  // MARK: Finding places

  private mutating func freePlace(
    for address: VirtualAddress, level: Int
  ) throws(WritingError) -> (step: PathStep, place: Place) {
    let step = try descend(to: level, address)
    let place = self.place(step.table, step.slot, level)
    switch try value(at: place, step.table, level) {
    case .pointer: throw .occupied(address, .table)
    case .raw(let present):
      let kind = shapes[level].format.kind(of: present)
      if kind == .absent { break }
      guard options.existing == .replaced, kind != .malformed else { throw .occupied(address, kind) }
      if kind == .table { drop(present, level: level) }
      _ = try separate(present, at: address, step.table, level)
    }
    return (step, place)
  }

  /// The table of `level` that holds the entry for the address, and the slot of that entry.
  private mutating func descend(to level: Int, _ address: VirtualAddress) throws(WritingError) -> PathStep {
    let slots = (0...level).map { window.slot(of: address, level: $0) }
    var table = Table.existing(window.rootTable.address)
    var rights = Rights.all
    var depth = 0
    while depth < level, depth + 1 < path.count, path[depth].slot == slots[depth] {
      depth += 1
      table = path[depth].table
      rights = path[depth].rights
    }
    path.removeSubrange(min(depth, path.count)...)
    path.append(PathStep(table: table, slot: slots[depth], rights: rights))
    while depth < level {
      let format = shapes[depth].format
      let place = self.place(table, slots[depth], depth)
      switch try value(at: place, table, depth) {
      case .pointer(let new, let entry):
        table = .new(new)
        rights.formIntersection(self.rights(of: entry, depth))
      case .raw(let raw):
        let kind = format.kind(of: raw)
        switch kind {
        case .table:
          table = .existing(format.tableAddress.address(in: raw))
          rights.formIntersection(format.rights(of: raw, kind: .table))
        case .absent:
          table = addTable(at: place, level: depth, newTableEntry)
          rights.formIntersection(self.rights(of: newTableEntry, depth))
        case .leaf, .marked:
          guard options.existing == .replaced else { throw .occupied(address, kind) }
          let raw = try separate(raw, at: address, table, depth)
          table = try split(raw, at: place, level: depth, address)
          if case .pointer(_, let entry)? = values[place]?.value {
            rights.formIntersection(self.rights(of: entry, depth))
          }
        case .malformed: throw .occupied(address, kind)
        }
      }
      depth += 1
      path.append(PathStep(table: table, slot: slots[depth], rights: rights))
    }
    return path[depth]
  }

  private var newTableEntry: TableEntry {
    .allowing(options.tableAccess, isAccessed: options.setsAccessed)
  }

  private func rights(of entry: TableEntry, _ level: Int) -> Rights {
    switch entry {
    case .keeping(let raw): shapes[level].format.rights(of: raw, kind: .table)
    case .allowing(let access, _): scheme.levels[level].tableRights(for: access)
    }
  }

  @discardableResult
  mutating func addTable(
    at place: Place, level: Int, _ entry: TableEntry, parts: SplitEntry? = nil
  ) -> Table {
    let new = newTables.count
    values[place] = (.pointer(new: new, entry), level)
    newTables.append(NewTable(level: level + 1, parts: parts))
    return .new(new)
  }

  func place(_ table: Table, _ slot: Int, _ level: Int) -> Place {
    guard case .existing(let address) = table else { return Place(table: table, slot: slot) }
    return Place(
      table: .existing(address.advanced(by: UInt64(slot &* shapes[level].entrySize))), slot: 0)
  }

  /// What a place will hold once the plan made so far is carried out.
  func value(at place: Place, _ table: Table, _ level: Int) throws(WritingError) -> Value {
    if let planned = values[place] { return planned.value }
    switch (place.table, table) {
    case (.existing(let entry), .existing(let address)):
      do throws(MissingPage) {
        return .raw(try memory.read(at: entry, size: shapes[level].entrySize))
      } catch {
        throw .missingTable(address, error)
      }
    case (.new(let new), _):
      do throws(EncodingError) {
        return .raw(try newTables[new].parts?.entry(place.slot, shapes[level]) ?? 0)
      } catch {
        throw .encoding(error)
      }
    case (.existing, .new): return .raw(0)
    }
  }
}
