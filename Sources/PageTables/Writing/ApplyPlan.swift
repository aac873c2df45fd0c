extension WritePlan {
  /// Creates the new tables, stores the entries, and frees the tables that are now empty or that nothing points at.
  ///
  /// - Throws: `WritingError`; nothing is changed then.
  mutating func apply() throws(WritingError) {
    let emptied = planEmptyTables()
    guard !values.isEmpty else { return }
    let lengths = newTables.map { frameCount(level: $0.level) }
    let tables: [Frame]
    do throws(OutOfFrames) {
      tables = try memory.allocate(runs: lengths, below: scheme.tableLimit)
    } catch {
      throw .outOfFrames(error)
    }
    do throws(WritingError) {
      try store(try writes(tables))
    } catch {
      for (table, length) in zip(tables, lengths) {
        memory.release((0..<UInt64(length)).map { Frame(table.number + $0) })
      }
      throw error
    }
    memory.release(emptied + dropped.flatMap { Array(repeating: $0.key, count: $0.value) })
  }

  private func frameCount(level: Int) -> Int {
    Int(truncatingIfNeeded: (scheme.levels[level].tableSize &+ Frame.size &- 1) / Frame.size)
  }

  // MARK: Tables to free

  /// Plans to clear the entries above tables that hold nothing else; returns the tables' frames.
  private mutating func planEmptyTables() -> [Frame] {
    var freed: Set<Frame> = []
    let root = window.rootTable.address
    for table in visited.values.sorted(by: { $0.level > $1.level }) {
      guard let parent = table.parent, case .existing(let address) = table.table, address.frame != root.frame,
        !freed.contains(address.frame), let frames = ownFrames(of: address, level: table.level),
        isEmpty(table.table, address, level: table.level)
      else { continue }
      values[parent] = (.raw(0), table.level - 1)
      freed.formUnion(frames)
    }
    return freed.sorted()
  }

  /// The frames of a table that the memory allocated and that nobody else holds; nil for all other tables.
  private func ownFrames(of table: PhysicalAddress, level: Int) -> [Frame]? {
    let frames = (0..<UInt64(frameCount(level: level))).map { Frame(table.frame.number &+ $0) }
    return frames.allSatisfy { memory.isAllocated($0) && memory.holders(of: $0) == 1 } ? frames : nil
  }

  private func isEmpty(_ table: Table, _ address: PhysicalAddress, level: Int) -> Bool {
    let shape = shapes[level]
    var isEmpty = true
    do throws(MissingPage) {
      try memory.withEntries(of: address, level: shape, slots: 0..<shape.entryCount) { page, offset, slots in
        for (index, slot) in slots.enumerated() {
          let raw = page.entry(at: offset + index * shape.entrySize, size: shape.entrySize)
          switch values[place(table, slot, level)]?.value {
          case .raw(let planned): isEmpty = planned == 0
          case .pointer: isEmpty = false
          case nil: isEmpty = raw == 0
          }
          if !isEmpty { break }
        }
        return isEmpty
      }
    } catch {
      return false
    }
    return isEmpty
  }

  /// Plans to release the table that an entry no longer points at, and tables below it that nobody else holds.
  mutating func drop(_ entry: UInt64, level: Int) {
    var rest = [(table: shapes[level].format.tableAddress.address(in: entry), level: level + 1)]
    while let (table, level) = rest.popLast() {
      let frames = (0..<UInt64(frameCount(level: level))).map { Frame(table.frame.number &+ $0) }
      guard frames.allSatisfy({ memory.isAllocated($0) && dropped[$0, default: 0] < memory.holders(of: $0) })
      else { continue }
      for frame in frames { dropped[frame, default: 0] += 1 }
      guard frames.allSatisfy({ dropped[$0] == memory.holders(of: $0) }) else { continue }
      let shape = shapes[level]
      // A table that cannot be read is not one that we allocated.
      try? memory.forEachEntry(of: table, shape, slots: 0..<shape.entryCount) { _, raw in
        if shape.format.kind(of: raw) == .table {
          rest.append((shape.format.tableAddress.address(in: raw), level + 1))
        }
        return true
      }
    }
  }

  // MARK: Entries to store

  private func writes(_ tables: [Frame]) throws(WritingError) -> [EntryWrite] {
    var writes: [EntryWrite] = []
    writes.reserveCapacity(values.count)
    for (place, entry) in values {
      let write = try write(entry.value, to: place, entry.level, tables)
      writes.append(write)
      if let half, entry.level == 0 { writes += half.copies(of: write, under: window.rootTable.address) }
    }
    for (new, table) in newTables.enumerated() {
      guard let parts = table.parts else { continue }
      let shape = shapes[table.level]
      for slot in 0..<shape.entryCount {
        guard values[Place(table: .new(new), slot: slot)] == nil else { continue }
        do throws(EncodingError) {
          let address = tables[new].start.advanced(by: UInt64(slot &* shape.entrySize))
          writes.append(EntryWrite(try parts.entry(slot, shape), size: shape.entrySize, at: address))
        } catch {
          throw .encoding(error)
        }
      }
    }
    return writes
  }

  private func write(
    _ value: Value, to place: Place, _ level: Int, _ tables: [Frame]
  ) throws(WritingError) -> EntryWrite {
    let shape = shapes[level]
    let raw: UInt64
    switch value {
    case .raw(let known): raw = known
    case .pointer(let new, let entry):
      do throws(EncodingError) {
        raw =
          switch entry {
          case .keeping(let original): try shape.format.entry(original, movedTo: tables[new].start)
          case .allowing(let access, let isAccessed):
            try scheme.levels[level].entry(
              pointingAt: tables[new].start, access: access, isAccessed: isAccessed)
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
