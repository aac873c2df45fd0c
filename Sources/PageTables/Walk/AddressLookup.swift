/// Looks up single addresses and reports only where they lead: a translation without its steps. Holds plain values
/// only, so that a look-up needs no reference counting.
package struct AddressLookup: Sendable {
  private struct Window {
    let first: UInt64
    let last: UInt64
    let isSignExtended: Bool
    let shapes: [PagingLevelShape]
    let rootMask: UInt64
    let root: PhysicalAddress

    /// Whether the root translates the address at an offset from the window's first address.
    func contains(_ offset: UInt64) -> Bool {
      if offset & ~last == 0 { return !isSignExtended || offset &<< 1 & ~last == 0 }
      // The upper half: all bits above the translated ones are copies of the top one.
      return isSignExtended && offset | last == .max && offset & ((last >> 1) &+ 1) != 0
    }
  }

  private let windows: [Window]

  package init(_ space: AddressSpace) {
    windows = space.windows.map { window in
      Window(
        first: window.first.value, last: window.scheme.lastOffset,
        isSignExtended: window.scheme.isSignExtended,
        shapes: window.scheme.levels.map(PagingLevelShape.init),
        rootMask: ~(window.scheme.rootAlignment &- 1),
        root: window.root)
    }
  }

  /// The physical address that an address leads to; nil where the processor would fault, or a table is missing.
  ///
  /// - Parameter root: used instead of the space's own root; the space must then have one window.
  package func physical(
    of address: VirtualAddress, from root: PhysicalAddress? = nil, in memory: any PhysicalMemory
  ) -> PhysicalAddress? {
    for window in windows {
      let offset = address.value &- window.first
      guard window.contains(offset) else { continue }
      var table = PhysicalAddress((root ?? window.root).value & window.rootMask)
      // By index: a shape is several hundred bytes, and `for shape in` copies each.
      let shapes = window.shapes
      for level in shapes.indices {
        let slot = Int(truncatingIfNeeded: offset &>> shapes[level].shift) & (shapes[level].entryCount &- 1)
        let size = shapes[level].entrySize
        let entry = table.advanced(by: UInt64(slot &* size))
        guard let raw = try? memory.read(at: entry, size: size) else { return nil }
        switch shapes[level].format.kind(of: raw) {
        case .table: table = shapes[level].format.tableAddress.address(in: raw)
        case .leaf:
          return shapes[level].frame(of: raw, slot: slot).advanced(by: offset & (shapes[level].span &- 1))
        case .absent, .marked, .malformed: return nil
        }
      }
    }
    return nil
  }
}
