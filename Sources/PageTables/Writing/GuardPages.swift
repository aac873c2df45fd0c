extension AddressSpace {
  /// Marks a range so that nothing is mapped there by accident (`guard` of SunriseOS's `TableHierarchy`): uses as
  /// few marks as possible, each at the highest level whose entry lies completely in the range. Such a huge guard
  /// needs no table, and is split when a part of it is unmapped.
  ///
  /// - Parameters:
  ///   - virtual: the first byte, a multiple of the page size of the last level.
  ///   - length: bytes, whole pages.
  ///   - mark: the name of one of the scheme's marks; it must not be one that keeps a frame.
  /// - Throws: `WritingError`, such as `occupied` where anything is there already; nothing is changed then.
  public func guardPages(
    _ virtual: VirtualAddress, length: UInt64, mark: String, options: MapOptions = MapOptions(),
    in memory: any WritableMemory
  ) throws(WritingError) {
    try guardPages(virtual, length: length, mark: mark, options: options, half: nil, in: memory)
  }

  /// The same in a kernel half that other spaces share.
  func guardPages(
    _ virtual: VirtualAddress, length: UInt64, mark: String, options: MapOptions, half: KernelHalf?,
    in memory: any WritableMemory
  ) throws(WritingError) {
    guard length > 0 else { throw .empty }
    let window = try writableWindow(of: virtual)
    let pageSize = window.scheme.pageSize
    guard window.offset(of: virtual) & (pageSize - 1) == 0 else {
      throw .misaligned(virtual, pageSize: pageSize)
    }
    guard length % pageSize == 0 else { throw .cutsPage(virtual, pageSize: pageSize) }
    try window.check(virtual, length)
    let raw: UInt64
    do throws(EncodingError) {
      raw = try window.scheme.entry(marked: mark)
    } catch {
      throw .encoding(error)
    }
    var plan = WritePlan(window: window, memory: memory, options: options, half: half)
    var offset: UInt64 = 0
    while offset < length {
      let address = virtual.advanced(by: offset)
      let level = try plan.guardLevel(address, length - offset, raw)
      _ = try plan.put(raw, at: address, level: level)
      offset += window.scheme.levels[level].span
    }
    try plan.apply()
  }
}

extension WritePlan {
  /// The highest level whose entry for the address covers at most `length` bytes, can hold the mark without a
  /// frame, and points at no table.
  fileprivate func guardLevel(
    _ address: VirtualAddress, _ length: UInt64, _ raw: UInt64
  ) throws(WritingError) -> Int {
    let last = scheme.levels.count - 1
    func fits(_ level: Int) -> Bool {
      let span = scheme.levels[level].span
      guard window.offset(of: address) & (span - 1) == 0, span <= length else { return false }
      return scheme.mark(in: raw, level: level).map { $0.address == nil } ?? false
    }
    var table = Table.existing(window.rootTable.address)
    for level in 0..<last {
      let place = place(table, window.slot(of: address, level: level), level)
      switch try value(at: place, table, level) {
      case .pointer(let new, _): table = .new(new)
      case .raw(let entry):
        let format = scheme.levels[level].format
        // Without a table here, there is none further down either.
        guard format.kind(of: entry) == .table else { return (level..<last).first(where: fits) ?? last }
        table = .existing(format.tableAddress.address(in: entry))
      }
    }
    return last
  }
}
