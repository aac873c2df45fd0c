extension AddressSpace {
  /// Removes the pages and the marks of a range (`unmap` of SunriseOS's `TableHierarchy`).
  ///
  /// A huge page or huge guard that is removed in part is split: the rest is preserved, in pages of the next level.
  /// So is a page that several entries map together: each of the others then maps its part by itself.
  /// Frames are not freed; that is up to their holders. Tables that become empty are freed if the memory allocated
  /// them and nothing else links to them; all others stay, empty.
  ///
  /// - Parameters:
  ///   - virtual: the first byte, a multiple of the page size of the last level.
  ///   - length: bytes, whole pages.
  ///   - options: `tableAccess` applies to the tables that huge pages and guards are split into, in addition to
  ///     what the page allows; `setsAccessed` applies to the tables of guards.
  /// - Throws: `WritingError`, such as `notMapped` where any of the range is absent; nothing is changed then.
  public func unmap(
    _ virtual: VirtualAddress, length: UInt64, options: MapOptions = MapOptions(),
    in memory: any WritableMemory
  ) throws(WritingError) {
    try unmap(virtual, length: length, options: options, half: nil, in: memory)
  }

  /// The same in a kernel half that other spaces share.
  func unmap(
    _ virtual: VirtualAddress, length: UInt64, options: MapOptions, half: KernelHalf?,
    in memory: any WritableMemory
  ) throws(WritingError) {
    guard length > 0 else { throw .empty }
    let window = try writableWindow(of: virtual)
    try window.check(virtual, length)
    var plan = WritePlan(window: window, memory: memory, options: options, half: half)
    var offset: UInt64 = 0
    while offset < length {
      offset += try plan.clear(virtual.advanced(by: offset), atMost: length - offset)
    }
    try plan.apply()
  }

  /// Removes those of the given last-level pages that still map the frames listed for them.
  func unmap(
    _ virtual: VirtualAddress, ifMapping frames: ArraySlice<Frame>, half: KernelHalf?,
    in memory: any WritableMemory
  ) {
    guard let number = window(of: virtual) else { return }
    var plan = WritePlan(window: windows[number], memory: memory, options: .kernelLand, half: half)
    let size = windows[number].scheme.pageSize
    for (index, frame) in frames.enumerated() {
      let address = virtual.advanced(by: UInt64(index) &* size)
      guard let page = translate(address, in: memory).page, page.pageSize == size,
        page.physical.frame == frame
      else { continue }
      do throws(WritingError) {
        _ = try plan.clear(address, atMost: size)
      } catch {
        // It was mapped a moment ago; if someone else has removed it meanwhile, nothing is left to do.
        continue
      }
    }
    do throws(WritingError) {
      try plan.apply()
    } catch {
      // The tables are gone, and so are the pages.
      return
    }
  }
}
