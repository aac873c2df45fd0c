/// What a page or a mark is split into, one level down: pages that together map the same memory, or copies of the
/// mark.
struct SplitEntry {
  /// The first of them.
  let first: UInt64

  /// The entry for a slot of the table that replaces the larger entry.
  func entry(_ slot: Int, _ shape: PagingLevelShape) throws(EncodingError) -> UInt64 {
    guard shape.format.kind(of: first) == .leaf else { return first }
    let start = shape.format.leafAddress.address(in: first)
    return try shape.format.entry(first, movedTo: start.advanced(by: UInt64(slot) &* shape.span))
  }
}

extension WritePlan {
  /// Plans to replace a leaf or a mark by a table with the same in smaller pieces. The table's entry allows what
  /// the leaf allows and what the options say, and is accessed if the leaf is.
  ///
  /// - Throws: `WritingError.cutsPage` where the entry cannot be split: at the last level, above a level without
  ///   leaves, or for a mark that is unknown or keeps a frame.
  mutating func split(
    _ raw: UInt64, at place: Place, level: Int, _ address: VirtualAddress
  ) throws(WritingError) -> Table {
    let levels = scheme.levels
    let cuts = WritingError.cutsPage(
      VirtualAddress(address.value & ~(levels[level].span - 1)), pageSize: levels[level].span)
    guard level + 1 < levels.count else {
      throw .cutsPage(address, pageSize: levels[level].span)
    }
    guard levels[level].format.kind(of: raw) == .leaf else {
      guard let mark = scheme.mark(in: raw, level: level), mark.isKnown, mark.address == nil,
        scheme.mark(in: raw, level: level + 1) == mark
      else { throw cuts }
      let entry = TableEntry.allowing(options.tableAccess, isAccessed: options.setsAccessed)
      return addTable(at: place, level: level, entry, parts: SplitEntry(first: raw))
    }
    guard levels[level + 1].allowsLeaves else { throw cuts }
    let format = levels[level].format
    let rights = format.rights(of: raw, kind: .leaf)
    let first: UInt64
    do throws(EncodingError) {
      first = try levels[level + 1].leaf(
        at: format.leafAddress.address(in: raw), rights: rights, keeping: raw, of: levels[level])
    } catch {
      throw .encoding(error)
    }
    let entry = TableEntry.allowing(
      Access(ofEither: rights).union(options.tableAccess), isAccessed: levels[level].isAccessed(raw))
    return addTable(at: place, level: level, entry, parts: SplitEntry(first: first))
  }
}
