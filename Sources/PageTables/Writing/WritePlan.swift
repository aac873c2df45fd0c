/// Entries to be stored in one space's tables, and tables to be made for them: worked out before anything is
/// written, so that a failure changes nothing.
struct WritePlan {
  /// A table that is there, or one that will be made.
  enum Table: Hashable {
    case existing(PhysicalAddress)
    case new(Int)
  }

  private enum Value {
    case raw(UInt64)
    /// Points at a table to be made, with the other bits of a raw entry or else allowing everything.
    case pointer(new: Int, keeping: UInt64?)
  }

  /// One entry. Two levels may read the same page, so an entry that exists is known by its address alone.
  private struct Place: Hashable {
    let table: Table
    let slot: Int
  }

  private struct PathStep {
    let table: Table
    let slot: Int
    let access: Access
  }

  let space: AddressSpace
  let memory: any WritableMemory
  private let shapes: [PagingLevelShape]
  private var values: [Place: (value: Value, level: Int)] = [:]
  /// The level of each table to be made.
  private var newLevels: [Int] = []
  /// The tables of the last address: pages come in rows, which share all but the last step.
  private var path: [PathStep] = []

  init(space: AddressSpace, memory: any WritableMemory) {
    self.space = space
    self.memory = memory
    shapes = space.scheme.levels.map(PagingLevelShape.init)
  }

  // MARK: Planning

  /// Plans an entry at `level` for an address; tables above are made where they are missing.
  ///
  /// - Returns: what the entries above allow.
  mutating func put(_ raw: UInt64, at address: VirtualAddress, level: Int) throws(WritingError) -> Access {
    let (step, place) = try freePlace(for: address, level: level)
    values[place] = (.raw(raw), level)
    return step.access
  }

  /// Plans an empty table below the entry at `level` for an address; the entry keeps the other bits of
  /// `entry`.
  mutating func putTable(keeping entry: UInt64?, at address: VirtualAddress, level: Int) throws(WritingError)
  {
    let place = try freePlace(for: address, level: level).place
    values[place] = (.pointer(new: newLevels.count, keeping: entry), level)
    newLevels.append(level + 1)
  }

  private mutating func freePlace(
    for address: VirtualAddress, level: Int
  ) throws(WritingError) -> (step: PathStep, place: Place) {
    let step = try descend(to: level, address)
    let place = self.place(step.table, step.slot, level)
    switch try value(at: place, step.table, level) {
    case .pointer: throw .occupied(address, .table)
    case .raw(let present):
      guard present == 0 else { throw .occupied(address, shapes[level].format.kind(of: present)) }
    }
    return (step, place)
  }

  /// The table of `level` that holds the entry for the address, and its slot there.
  private mutating func descend(to level: Int, _ address: VirtualAddress) throws(WritingError) -> PathStep {
    let slots = space.scheme.levels[...level].map { $0.slot(of: address) }
    var table = Table.existing(space.scheme.aligned(root: space.root))
    var access = Access.all
    var depth = 0
    while depth < level, depth + 1 < path.count, path[depth].slot == slots[depth] {
      depth += 1
      table = path[depth].table
      access = path[depth].access
    }
    path.removeSubrange(min(depth, path.count)...)
    path.append(PathStep(table: table, slot: slots[depth], access: access))
    while depth < level {
      let format = shapes[depth].format
      let place = self.place(table, slots[depth], depth)
      switch try value(at: place, table, depth) {
      case .pointer(let new, _): table = .new(new)
      case .raw(let raw):
        let kind = format.kind(of: raw)
        switch kind {
        case .table:
          table = .existing(format.tableAddress.address(in: raw))
          access.formIntersection(format.access(of: raw, kind: .table))
        case .absent:
          values[place] = (.pointer(new: newLevels.count, keeping: nil), depth)
          table = .new(newLevels.count)
          newLevels.append(depth + 1)
        case .leaf, .marked, .malformed: throw .occupied(address, kind)
        }
      }
      depth += 1
      path.append(PathStep(table: table, slot: slots[depth], access: access))
    }
    return path[depth]
  }

  private func place(_ table: Table, _ slot: Int, _ level: Int) -> Place {
    guard case .existing(let address) = table else { return Place(table: table, slot: slot) }
    return Place(
      table: .existing(address.advanced(by: UInt64(slot &* shapes[level].entrySize))), slot: 0)
  }

  private func value(at place: Place, _ table: Table, _ level: Int) throws(WritingError) -> Value {
    if let planned = values[place] { return planned.value }
    guard case .existing(let entry) = place.table, case .existing(let address) = table else { return .raw(0) }
    do throws(MissingPage) {
      return .raw(try memory.read(at: entry, size: shapes[level].entrySize))
    } catch {
      throw .missingTable(address, error)
    }
  }

  // MARK: Writing

  /// Makes the tables and stores the entries.
  func apply() throws(WritingError) {
    let lengths = newLevels.map { level in
      Int(truncatingIfNeeded: (space.scheme.levels[level].tableSize &+ Frame.size &- 1) / Frame.size)
    }
    let tables: [Frame]
    do throws(OutOfFrames) {
      tables = try memory.allocate(runs: lengths, below: space.scheme.tableLimit)
    } catch {
      throw .outOfFrames(error)
    }
    do throws(WritingError) {
      var writes: [EntryWrite] = []
      writes.reserveCapacity(values.count)
      for (place, entry) in values { writes.append(try write(entry.value, to: place, entry.level, tables)) }
      try store(writes)
    } catch {
      for (table, length) in zip(tables, lengths) {
        memory.release((0..<UInt64(length)).map { Frame(table.number + $0) })
      }
      throw error
    }
  }

  private func write(
    _ value: Value, to place: Place, _ level: Int, _ tables: [Frame]
  ) throws(WritingError) -> EntryWrite {
    let shape = shapes[level]
    let raw: UInt64
    switch value {
    case .raw(let known): raw = known
    case .pointer(let new, let original):
      do throws(EncodingError) {
        let table = tables[new].start
        raw =
          if let original {
            try shape.format.entry(original, movedTo: table)
          } else {
            try shape.format.entry(pointingAt: table)
          }
      } catch {
        throw .encoding(error)
      }
    }
    let address =
      switch place.table {
      case .existing(let entry): entry
      case .new(let index): tables[index].start.advanced(by: UInt64(place.slot &* shape.entrySize))
      }
    return EntryWrite(raw, size: shape.entrySize, at: address)
  }

  private func store(_ writes: [EntryWrite]) throws(WritingError) {
    do throws(MissingPage) {
      try memory.write(writes)
    } catch {
      throw .missingTable(writes[0].address, error)
    }
  }
}
