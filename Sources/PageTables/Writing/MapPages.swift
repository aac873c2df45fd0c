extension AddressSpace {
  /// The window that an address lies in: whose tables are written, and whose levels are meant.
  func writableWindow(of address: VirtualAddress) throws(WritingError) -> AddressWindow {
    guard let number = window(of: address) else { throw .outsideAddressSpace(address) }
    return windows[number]
  }

  /// Maps consecutive pages and creates missing tables: `map(_:to:as:level:options:in:)` with pages of the basic
  /// kind and default options.
  ///
  /// - Parameters:
  ///   - frames: for each page, its first frame.
  ///   - access: what the pages are to allow; the tables above have to allow it, too.
  ///   - level: the level that gets the leaves, by default the last one of the window that the pages lie in; its
  ///     span is the page size.
  /// - Throws: `WritingError`; nothing is changed then.
  public func map(
    _ virtual: VirtualAddress, to frames: [Frame], access: Access, level: Int? = nil,
    in memory: any WritableMemory
  ) throws(WritingError) {
    try map(virtual, to: frames, as: .basic(access), level: level, in: memory)
  }

  /// Maps consecutive pages, or removes them, according to their kind (`map` of hyperlight, with a frame for each
  /// page).
  ///
  /// Pages of the unmapped kind need no tables, and nothing need be mapped there; their frames are ignored.
  ///
  /// - Parameters:
  ///   - virtual: the first page, a multiple of the page size.
  ///   - frames: for each page, its first frame; at least one.
  ///   - level: the level that gets the leaves, by default the last one; its span is the page size.
  /// - Throws: `WritingError`; nothing is changed then.
  public func map(
    _ virtual: VirtualAddress, to frames: [Frame], as kind: PageKind, level: Int? = nil,
    options: MapOptions = MapOptions(), in memory: any WritableMemory
  ) throws(WritingError) {
    try map(virtual, to: frames, as: kind, level: level, options: options, half: nil, in: memory)
  }

  /// Maps pages that are contiguous in physical memory, too, as hyperlight's `Mapping` does.
  ///
  /// - Parameters:
  ///   - virtual: the first page, a multiple of the page size of the last level.
  ///   - physical: the address of the first page, a multiple of the same; ignored for the unmapped kind.
  ///   - length: bytes, whole pages.
  /// - Throws: `WritingError`; nothing is changed then.
  public func map(
    _ virtual: VirtualAddress, to physical: PhysicalAddress, length: UInt64, as kind: PageKind,
    options: MapOptions = MapOptions(), in memory: any WritableMemory
  ) throws(WritingError) {
    let window = try writableWindow(of: virtual)
    let level = window.scheme.levels.count - 1
    let span = window.scheme.pageSize
    guard length % span == 0 else { throw .cutsPage(virtual, pageSize: span) }
    try put(
      Int(truncatingIfNeeded: length / span), at: virtual, in: window, level: level, as: kind,
      options: options, half: nil, in: memory
    ) { index throws(EncodingError) in
      let (address, overflow) = physical.value.addingReportingOverflow(UInt64(index) &* span)
      guard !overflow else { throw .address(physical) }
      return PhysicalAddress(address)
    }
  }

  /// The same as the public method, in a kernel half that other spaces share.
  func map(
    _ virtual: VirtualAddress, to frames: [Frame], as kind: PageKind, level: Int? = nil, options: MapOptions,
    half: KernelHalf?, in memory: any WritableMemory
  ) throws(WritingError) {
    let window = try writableWindow(of: virtual)
    let level = level ?? window.scheme.levels.count - 1
    guard window.scheme.levels.indices.contains(level) else { throw .noSuchLevel(level) }
    try put(
      frames.count, at: virtual, in: window, level: level, as: kind, options: options, half: half, in: memory
    ) { index throws(EncodingError) in try frames[index].address() }
  }

  /// Stores consecutive raw entries, each a leaf or a mark, and creates missing tables.
  ///
  /// - Parameters:
  ///   - virtual: the first page or mark, a multiple of the level's span.
  ///   - entries: written unchanged; `options.setsAccessed` applies only to the tables on the way.
  ///   - level: the level that gets the entries, by default the last one.
  /// - Throws: `WritingError`; nothing is changed then.
  public func map(
    _ virtual: VirtualAddress, entries: [UInt64], level: Int? = nil, options: MapOptions = MapOptions(),
    in memory: any WritableMemory
  ) throws(WritingError) {
    let window = try writableWindow(of: virtual)
    let level = level ?? window.scheme.levels.count - 1
    guard window.scheme.levels.indices.contains(level) else { throw .noSuchLevel(level) }
    let format = window.scheme.levels[level].format
    var plan = WritePlan(window: window, memory: memory, options: options)
    try put(entries.count, at: virtual, level: level, allowing: [], in: &plan) { index throws(WritingError) in
      let kind = format.kind(of: entries[index])
      guard kind == .leaf || kind == .marked else { throw .noPage(raw: entries[index]) }
      return entries[index]
    }
    try plan.apply()
  }

  /// Maps a range that a walk found: leaves with the same attributes as the first one, whose frames are contiguous.
  /// Where several of them map a page together, those of pages that lie completely in the range do so again; the
  /// others each map their part.
  ///
  /// - Throws: `WritingError`, such as `cutsPage` for a range that was clipped within a page; nothing is changed
  ///   then.
  public func map(
    _ range: MappedRange, options: MapOptions = MapOptions(), in memory: any WritableMemory
  ) throws(WritingError) {
    let window = try writableWindow(of: range.virtual)
    guard window.scheme.levels.indices.contains(range.level) else { throw .noSuchLevel(range.level) }
    let paging = window.scheme.levels[range.level]
    let span = paging.span
    guard range.length % span == 0 else { throw .cutsPage(range.virtual, pageSize: span) }
    let count = Int(truncatingIfNeeded: range.length / span)
    var plan = WritePlan(window: window, memory: memory, options: options)
    try put(count, at: range.virtual, level: range.level, allowing: [], in: &plan) {
      index throws(WritingError) in
      let frame = range.physical.advanced(by: range.isOneFrame ? 0 : UInt64(index) &* span)
      let slot = window.slot(of: range.virtual.advanced(by: UInt64(index) &* span), level: range.level)
      if range.hasWholePage(at: index, of: paging),
        let leaf = paging.leaf(keeping: range.raw, at: frame, slot: slot)
      {
        return leaf
      }
      let first = window.slot(of: range.virtual, level: range.level)
      guard let leaf = paging.separate(range.raw, slot: first) else {
        throw .cutsPage(range.virtual, pageSize: paging.pageSize(of: range.raw))
      }
      do throws(EncodingError) {
        return try paging.format.entry(leaf, movedTo: frame)
      } catch {
        throw .encoding(error)
      }
    }
    try plan.apply()
  }

  private func put(
    _ count: Int, at virtual: VirtualAddress, in window: AddressWindow, level: Int, as kind: PageKind,
    options: MapOptions, half: KernelHalf?, in memory: any WritableMemory,
    _ address: (Int) throws(EncodingError) -> PhysicalAddress
  ) throws(WritingError) {
    var plan = WritePlan(window: window, memory: memory, options: options, half: half)
    let level = (index: level, of: window.scheme.levels[level])
    let access: Access
    let mark: BitTest?
    switch kind {
    case .unmapped:
      try takeAway(count, at: virtual, pageSize: level.of.span, in: &plan)
      return try plan.apply()
    case .basic(let asked):
      access = asked
      mark = nil
    case .copyOnWrite(let asked, let test):
      access = asked.subtracting(.write)
      mark = test
    }
    try put(count, at: virtual, level: level.index, allowing: Rights(access), in: &plan) {
      index throws(WritingError) in
      do throws(EncodingError) {
        let leaf = try level.of.leaf(at: try address(index), access: access, isUsed: options.setsAccessed)
        return if let mark { try level.of.leaf(leaf, copyingOnWriteBy: mark) } else { leaf }
      } catch {
        throw .encoding(error)
      }
    }
    try plan.apply()
  }

  private func put(
    _ count: Int, at virtual: VirtualAddress, level: Int, allowing rights: Rights, in plan: inout WritePlan,
    _ entry: (Int) throws(WritingError) -> UInt64
  ) throws(WritingError) {
    let span = plan.scheme.levels[level].span
    try plan.window.check(count, at: virtual, pageSize: span)
    for index in 0..<count {
      let address = virtual.advanced(by: UInt64(index) &* span)
      let above = try plan.put(try entry(index), at: address, level: level)
      guard above.isSuperset(of: rights) else { throw .pathForbids(address, rights.lost(through: above)) }
    }
  }

  /// Plans pages of the unmapped kind: removes what is there, or throws if it must not be replaced.
  private func takeAway(
    _ count: Int, at virtual: VirtualAddress, pageSize: UInt64, in plan: inout WritePlan
  ) throws(WritingError) {
    try plan.window.check(count, at: virtual, pageSize: pageSize)
    let length = UInt64(count) &* pageSize
    var offset: UInt64 = 0
    while offset < length {
      let address = virtual.advanced(by: offset)
      if plan.options.existing == .refused, let kind = translate(address, in: plan.memory).steps.last?.kind,
        kind == .leaf || kind == .marked
      {
        throw .occupied(address, kind)
      }
      offset += try plan.clear(address, atMost: length - offset, skipsHoles: true)
    }
  }
}

extension AddressWindow {
  fileprivate func check(_ count: Int, at virtual: VirtualAddress, pageSize: UInt64) throws(WritingError) {
    guard count > 0 else { throw .empty }
    guard offset(of: virtual) & (pageSize - 1) == 0 else { throw .misaligned(virtual, pageSize: pageSize) }
    let (length, overflow) = UInt64(count).multipliedReportingOverflow(by: pageSize)
    guard !overflow else { throw .outsideAddressSpace(virtual) }
    try check(virtual, length)
  }

  /// The whole range has to lie in the window, and must not cross from one half to the other.
  func check(_ virtual: VirtualAddress, _ length: UInt64) throws(WritingError) {
    guard canSpan(virtual, length: length) else { throw .outsideAddressSpace(virtual) }
  }
}

extension Rights {
  /// Which of the permissions a path takes away that allows `path`: user access, where it closes the page to the user,
  /// and what it forbids to a privilege that has access.
  fileprivate func lost(through path: Rights) -> Access {
    let missing = subtracting(path)
    let isClosed = contains(.userRead) && !path.contains(.userRead)
    func loses(_ supervisor: Rights, _ user: Rights) -> Bool {
      missing.contains(supervisor) || (!isClosed && missing.contains(user))
    }
    return Access(
      write: loses(.write, .userWrite), user: isClosed, execute: loses(.execute, .userExecute))
  }
}

extension MappedRange {
  /// Whether the range holds all of the page that leaf number `index` is a part of; the leaves may map it together.
  fileprivate func hasWholePage(at index: Int, of paging: PagingLevel) -> Bool {
    let size = paging.pageSize(of: raw)
    guard size > paging.span else { return true }
    guard !isOneFrame, (virtual.value ^ physical.value) & (size - 1) == 0 else { return false }
    let page = virtual.advanced(by: UInt64(index) &* paging.span).value & ~(size - 1)
    return page >= virtual.value && page - virtual.value <= length && length - (page - virtual.value) >= size
  }
}
