extension AddressSpace {
  /// Maps a row of pages, making the tables that are missing.
  ///
  /// - Parameters:
  ///   - frames: for each page the frame it starts with.
  ///   - access: what the pages are to allow; the tables above have to allow it, too.
  ///   - level: the level that gets the leaves, the last one by default; its span is the page size.
  /// - Throws: `WritingError`; nothing is changed then.
  public func map(
    _ virtual: VirtualAddress, to frames: [Frame], access: Access, level: Int? = nil,
    in memory: any WritableMemory
  ) throws(WritingError) {
    let level = level ?? scheme.levels.count - 1
    guard scheme.levels.indices.contains(level) else { throw .noSuchLevel(level) }
    let format = scheme.levels[level].format
    try put(frames.count, at: virtual, level: level, access: access, in: memory) {
      index throws(WritingError) in
      do throws(EncodingError) {
        return try format.leaf(at: frames[index].start, access: access)
      } catch {
        throw .encoding(error)
      }
    }
  }

  /// Stores a row of raw entries, each a leaf or a mark, making the tables that are missing.
  ///
  /// - Throws: `WritingError`; nothing is changed then.
  public func map(
    _ virtual: VirtualAddress, entries: [UInt64], level: Int? = nil, in memory: any WritableMemory
  ) throws(WritingError) {
    let level = level ?? scheme.levels.count - 1
    guard scheme.levels.indices.contains(level) else { throw .noSuchLevel(level) }
    let format = scheme.levels[level].format
    try put(entries.count, at: virtual, level: level, access: [], in: memory) { index throws(WritingError) in
      let kind = format.kind(of: entries[index])
      guard kind == .leaf || kind == .marked else { throw .noPage(raw: entries[index]) }
      return entries[index]
    }
  }

  /// Maps what a walk found: leaves with the same attributes as the first, whose frames follow each other.
  ///
  /// - Throws: `WritingError`; nothing is changed then. A range that was clipped in the middle of a page cuts
  ///   it.
  public func map(_ range: MappedRange, in memory: any WritableMemory) throws(WritingError) {
    guard scheme.levels.indices.contains(range.level) else { throw .noSuchLevel(range.level) }
    let span = scheme.levels[range.level].span
    guard range.length % span == 0 else { throw .cutsPage(range.virtual, pageSize: span) }
    let format = scheme.levels[range.level].format
    let count = Int(truncatingIfNeeded: range.length / span)
    try put(count, at: range.virtual, level: range.level, access: [], in: memory) {
      index throws(WritingError) in
      let offset = range.isOneFrame ? 0 : UInt64(index) &* span
      do throws(EncodingError) {
        return try format.entry(range.raw, movedTo: range.physical.advanced(by: offset))
      } catch {
        throw .encoding(error)
      }
    }
  }

  /// Takes away the pages and the marks of a range.
  ///
  /// Frames are not freed: whoever holds them does that. Tables that this leaves empty are freed if the
  /// memory gave them out and nothing else is linked to them; all others stay, empty.
  ///
  /// - Throws: `WritingError` when not all of the range is taken; nothing is changed then.
  public func unmap(
    _ virtual: VirtualAddress, length: UInt64, in memory: any WritableMemory
  ) throws(WritingError) {
    guard length > 0 else { throw .empty }
    try check(virtual, length)
    var plan = ClearPlan(space: self, memory: memory)
    var offset: UInt64 = 0
    while offset < length {
      offset += try plan.clear(virtual.advanced(by: offset), atMost: length - offset)
    }
    try plan.apply()
  }

  /// Takes away those of the last level's pages that still map the frames listed for them.
  func unmap(
    _ virtual: VirtualAddress, ifMapping frames: ArraySlice<Frame>, in memory: any WritableMemory
  ) {
    var plan = ClearPlan(space: self, memory: memory)
    let size = scheme.levels[scheme.levels.count - 1].span
    for (index, frame) in frames.enumerated() {
      let address = virtual.advanced(by: UInt64(index) &* size)
      guard let page = translate(address, in: memory).page, page.pageSize == size,
        page.physical.frame == frame
      else { continue }
      do throws(WritingError) {
        _ = try plan.clear(address, atMost: size)
      } catch {
        // It translated a moment ago; what somebody else takes away meanwhile is away.
        continue
      }
    }
    do throws(WritingError) {
      try plan.apply()
    } catch {
      // The tables have gone: so have the pages.
      return
    }
  }

  private func put(
    _ count: Int, at virtual: VirtualAddress, level: Int, access: Access, in memory: any WritableMemory,
    _ entry: (Int) throws(WritingError) -> UInt64
  ) throws(WritingError) {
    let span = scheme.levels[level].span
    guard count > 0 else { throw .empty }
    guard virtual.value & (span - 1) == 0 else { throw .misaligned(virtual, pageSize: span) }
    let (length, overflow) = UInt64(count).multipliedReportingOverflow(by: span)
    guard !overflow else { throw .outsideAddressSpace(virtual) }
    try check(virtual, length)
    var plan = WritePlan(space: self, memory: memory)
    for index in 0..<count {
      let address = virtual.advanced(by: UInt64(index) &* span)
      let above = try plan.put(try entry(index), at: address, level: level)
      guard above.isSuperset(of: access) else { throw .pathForbids(address, access.subtracting(above)) }
    }
    try plan.apply()
  }

  /// All of the range has to be canonical, and in one half where there are two.
  private func check(_ virtual: VirtualAddress, _ length: UInt64) throws(WritingError) {
    guard scheme.canSpan(virtual, length: length) else { throw .outsideAddressSpace(virtual) }
  }
}

extension PagingScheme {
  /// Whether `length` bytes (at least 1) follow each other from `first` on, without the gap between the
  /// halves.
  func canSpan(_ first: VirtualAddress, length: UInt64) -> Bool {
    let (last, overflow) = first.value.addingReportingOverflow(length &- 1)
    guard length > 0, !overflow, isCanonical(first), isCanonical(VirtualAddress(last)) else { return false }
    let top = UInt64(1) &<< UInt64(virtualAddressBits - 1)
    return !isSignExtended || (first.value ^ last) & top == 0
  }
}
