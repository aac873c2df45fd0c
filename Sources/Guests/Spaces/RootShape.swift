import PageTables

/// What a root of one paging scheme looks like, for deciding whether some bytes could be one.
struct RootShape: Sendable {
  let scheme: PagingScheme
  let format: EntryFormat
  let size: Int
  /// The slots that belong to the kernel; none where it has a window of its own.
  let kernelSlots: Range<Int>
  /// Where the kernel's part of the address space begins.
  let firstKernelAddress: VirtualAddress
  /// Bits that the processor sets by itself, so that otherwise equal entries may differ in them.
  let changing: UInt64
  /// The bits that determine where an entry leads: whether it points at a table, and at which address.
  private let leading: (table: UInt64, leaf: UInt64)

  init(_ scheme: PagingScheme, kernelStart: VirtualAddress? = nil) {
    let root = scheme.levels[0]
    self.scheme = scheme
    format = root.format
    size = Int(root.tableSize)
    let count = root.entryCount
    // Where the kernel has a root of its own, where it begins says nothing of the slots of this one.
    let firstSlot =
      scheme.firstAddressOfUpperWindow != nil
      ? count : kernelStart.map { root.slot(of: $0) } ?? RootShape.usualKernelSlot(of: scheme)
    kernelSlots = firstSlot..<count
    firstKernelAddress = kernelStart ?? scheme.usualKernelStart
    changing = (root.tableFields + root.leafFields).reduce(0) { mask, field in
      (field.role == .accessed || field.role == .dirty) && field.pattern == nil ? mask | field.mask : mask
    }
    let kind = format.present.mask | format.pointsAtTable.mask
    leading = (kind | format.tableAddress.allBits, kind | format.leafAddress.allBits)
  }

  /// The first slot of the kernel: that of the upper half where addresses are sign-extended, that of the last quarter
  /// where they are not.
  fileprivate static func usualKernelSlot(of scheme: PagingScheme) -> Int {
    let count = scheme.levels[0].entryCount
    return scheme.isSignExtended ? count / 2 : count - count / 4
  }

  @inline(__always)
  func entry(_ slot: Int, in page: RawSpan, at offset: Int) -> UInt64 {
    page.entry(at: offset &+ slot &* format.entrySize, size: format.entrySize)
  }

  /// Whether two entries lead to the same frame, as a table or as a page. Rights are ignored, as kernels may give
  /// each root its own tables or rights, and so are bits that the processor sets.
  @inline(__always)
  func agree(_ one: UInt64, _ other: UInt64) -> Bool { (one ^ other) & leadingBits(of: other) == 0 }

  /// The bits in which another entry must be equal to lead to the same place.
  @inline(__always)
  func leadingBits(of raw: UInt64) -> UInt64 {
    format.pointsAtTable.matches(raw) ? leading.table : leading.leaf
  }

  /// Whether the root is one page of memory or part of one, as all roots are whose search can go page by page.
  var fitsPage: Bool { size <= Int(Frame.size) }

  /// Whether every entry is absent, or well-formed and inside the machine's memory, and at least one leads somewhere;
  /// software marks are allowed in small roots only, where a free list may have run over one of a group.
  func isPlausible(_ page: RawSpan, _ offset: Int, _ physical: PhysicalRanges) -> Bool {
    isPlausible(physical) { entry($0, in: page, at: offset) }
  }

  /// The same of entries that were read.
  func isPlausible(_ entries: [UInt64], _ physical: PhysicalRanges) -> Bool {
    isPlausible(physical) { entries[$0] }
  }

  @inline(__always)
  private func isPlausible(_ physical: PhysicalRanges, _ entry: (_ slot: Int) -> UInt64) -> Bool {
    var leads = false
    for slot in 0..<kernelSlots.upperBound {
      let raw = entry(slot)
      if raw == 0 { continue }
      switch format.kind(of: raw) {
      case .absent: continue
      case .leaf: leads = true
      case .marked: if size >= Int(Frame.size) { return false }
      case .malformed: return false
      case .table:
        if !physical.contains(format.tableAddress.address(in: raw)) { return false }
        leads = true
      }
    }
    return leads
  }

  /// Whether the tables that the kernel's entries point at have no malformed entry: a cheap test that pages misread
  /// as roots rarely pass.
  func childrenAreTables(of root: PhysicalAddress, in memory: any PhysicalMemory) -> Bool {
    guard let entries = entries(at: root, in: memory) else { return false }
    var seen: UInt64 = 0
    return kernelSlots.allSatisfy { slot in
      let raw = entries[slot]
      // Adjacent entries often point at the same table.
      guard raw != seen, format.kind(of: raw) == .table else { return true }
      seen = raw
      return entriesOfChild(raw, in: memory) { _, kind in kind != .malformed }
    }
  }

  /// Calls `body` with the entries that are not 0 of the table that one of the root's entries points at, until it
  /// answers false; answers whether the table could be read, and `body` never did.
  func entriesOfChild(
    _ raw: UInt64, in memory: any PhysicalMemory, _ body: (_ raw: UInt64, _ kind: EntryKind) -> Bool
  ) -> Bool {
    let child = TableReference(address: format.tableAddress.address(in: raw), level: 1)
    var isSound = true
    do throws(MissingPage) {
      try memory.forEachEntry(of: child, in: scheme) { _, raw, kind in
        isSound = body(raw, kind)
        return isSound
      }
    } catch {
      return false
    }
    return isSound
  }

  /// The entries of the root at an address; nil where it cannot be read.
  func entries(at root: PhysicalAddress, in memory: any PhysicalMemory) -> [UInt64]? {
    guard root.value % scheme.rootAlignment == 0 else { return nil }
    var entries = [UInt64](repeating: 0, count: size / format.entrySize)
    do throws(MissingPage) {
      try memory.forEachEntry(of: TableReference(address: root, level: 0), in: scheme) { slot, raw, _ in
        entries[slot] = raw
        return true
      }
    } catch {
      return nil
    }
    return entries
  }
}

extension PagingScheme {
  /// Where kernels usually begin: at the window that is theirs, at the upper half where addresses are sign-extended, at
  /// the last quarter where they are not.
  package var usualKernelStart: VirtualAddress {
    firstAddressOfUpperWindow
      ?? canonical(UInt64(RootShape.usualKernelSlot(of: self)) << UInt64(levels[0].shift))
  }

  /// Bytes that a table of the last level translates: as many as a large page has, where there are any.
  var spanOfLastTables: UInt64 {
    let last = levels[levels.count - 1]
    return last.span &* UInt64(last.entryCount)
  }
}

extension AddressSpace {
  /// Where kernels usually begin: as the scheme of the highest window has it.
  package var usualKernelStart: VirtualAddress { windows[windows.count - 1].scheme.usualKernelStart }
}

/// A summary of the entries of a possible root.
struct RootSummary {
  var kernelEntries = 0
  var userEntries = 0
  /// Not present, but not 0: no kernel leaves such entries in a root, but an allocator's free list may.
  var markedEntries = 0
  /// Malformed, or pointing outside the machine's memory.
  var badEntries = 0

  init(_ entries: [UInt64], shape: RootShape, extent: MemoryExtent) {
    for (slot, raw) in entries.enumerated() where raw != 0 {
      let target: PhysicalAddress
      switch shape.format.kind(of: raw) {
      case .absent: continue
      case .marked:
        markedEntries += 1
        continue
      case .malformed:
        badEntries += 1
        continue
      case .table:
        target = shape.format.tableAddress.address(in: raw)
        if !extent.physical.contains(target) && !extent.dumped.contains(target) { badEntries += 1 }
      case .leaf: break
      }
      if shape.kernelSlots.contains(slot) { kernelEntries += 1 } else { userEntries += 1 }
    }
  }

  /// Whether a processor could use this root without faulting at once.
  var couldBeRoot: Bool { badEntries == 0 && kernelEntries + userEntries > 0 }
}
