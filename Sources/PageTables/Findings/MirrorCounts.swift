extension Mirrors {
  /// How many particular mirrors each space has a part of on its user side, by space number.
  ///
  /// - Parameters:
  ///   - index: the index in which the mirrors were found.
  ///   - memory: what it was made from.
  public func countsOfSpaces(in index: SpaceIndex, memory: any PhysicalMemory) -> [Int] {
    let memory = memory.moment()
    var counts = [Int](repeating: 0, count: index.spaces.count)
    // Hostile tables have a page everywhere, and many mirrors of it.
    var entriesLeft = 1 << 18
    for mirror in all where mirror.isParticular {
      var tables: [Int: Set<TableReference>] = [:]
      mirror.forEachUserPage(in: index.spaces[mirror.spaceNumber], memory) { physical, length, _ in
        for entry in userEntries(of: physical, length: length) where entriesLeft > 0 {
          entriesLeft -= 1
          tables[index.positions[entry.spaceNumber][entry.window].group, default: []].insert(entry.table)
        }
      }
      var spaces: Set<Int> = []
      for (group, tables) in tables { spaces.formUnion(index.spaces(reaching: tables, inGroup: group)) }
      for number in spaces { counts[number] += 1 }
    }
    return counts
  }

  /// The entries that map one of so many bytes of frames for the user, in whatever space.
  func userEntries(of physical: PhysicalAddress, length: UInt64) -> some Sequence<UserEntry> {
    Self.entries(userEntries, of: physical, length: length)
  }

  /// The same among entries by frame.
  package static func entries(
    _ entries: [UserEntry], of physical: PhysicalAddress, length: UInt64
  ) -> some Sequence<UserEntry> {
    let first = entries.partitioningIndex { $0.physical >= physical }
    return entries[first...].lazy.prefix { $0.physical.value &- physical.value < length }
  }
}

extension Mirror {
  /// Calls `body` with the memory of each page of the user side, the part of a larger page that belongs to it, and where in the
  /// mirror it begins; ends where the memory has changed.
  ///
  /// - Parameter user: the space of the user side.
  package func forEachUserPage(
    in user: AddressSpace, _ memory: any PhysicalMemory,
    _ body: (_ physical: PhysicalAddress, _ length: UInt64, _ offset: UInt64) -> Void
  ) {
    var offset: UInt64 = 0
    while offset < length {
      guard let page = user.translate(userVA.advanced(by: offset), in: memory).page else { return }
      let inPage = page.pageSize &- (page.physical.value & (page.pageSize &- 1))
      let part = max(1, min(length - offset, inPage))
      body(page.physical, part, offset)
      offset += part
    }
  }
}
