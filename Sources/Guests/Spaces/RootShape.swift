import PageTables

/// What a root of one paging scheme looks like, for judging whether some bytes could be one.
struct RootShape: Sendable {
  let scheme: PagingScheme
  let format: EntryFormat
  let size: Int
  /// The slots that the kernel keeps for itself: unless somebody knows better, the upper half where addresses are
  /// sign-extended, the last quarter where they are not.
  let kernelSlots: Range<Int>
  /// Where the kernel's part of the address space begins.
  let firstKernelAddress: VirtualAddress
  /// Bits that the processor sets by itself, so that equal entries may differ in them.
  let changing: UInt64
  /// By what an entry is told from one that leads elsewhere: whether it points at a table, and where to.
  private let leading: (table: UInt64, leaf: UInt64)

  init(_ scheme: PagingScheme, kernelStart: VirtualAddress? = nil) {
    let root = scheme.levels[0]
    self.scheme = scheme
    format = root.format
    size = Int(root.tableSize)
    let count = root.entryCount
    let usual = scheme.isSignExtended ? count / 2 : count - count / 4
    kernelSlots = (kernelStart.map { root.slot(of: $0) } ?? usual)..<count
    firstKernelAddress = kernelStart ?? scheme.canonical(UInt64(usual) << UInt64(root.shift))
    changing = (root.tableFields + root.leafFields).reduce(0) { mask, field in
      field.role == .accessed || field.role == .dirty ? mask | field.mask : mask
    }
    let kind = format.present.mask | format.pointsAtTable.mask
    leading = (kind | format.tableAddress.allBits, kind | format.leafAddress.allBits)
  }

  @inline(__always)
  func entry(_ slot: Int, in page: RawSpan, at offset: Int) -> UInt64 {
    page.entry(at: offset &+ slot &* format.entrySize, size: format.entrySize)
  }

  /// Whether two entries lead to the same frame, as a table or as a page: kernels that give each root tables or rights
  /// of its own differ in what an entry allows, and processors note what they used.
  @inline(__always)
  func agree(_ one: UInt64, _ other: UInt64) -> Bool { (one ^ other) & leadingBits(of: other) == 0 }

  /// The bits of an entry by which another one agrees with it.
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

  /// Whether what the kernel's entries point at has no malformed entry: cheap to see, and pages that are taken for
  /// roots by mistake rarely get past it.
  func childrenAreTables(of root: PhysicalAddress, in memory: any PhysicalMemory) -> Bool {
    guard let entries = entries(at: root, in: memory) else { return false }
    var seen: UInt64 = 0
    return kernelSlots.allSatisfy { slot in
      let raw = entries[slot]
      // Neighbours often point at one table.
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

  /// The entries of the root at an address, nil where it cannot be read.
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
  /// Where kernels begin by custom: at the upper half where addresses are sign-extended, at the last quarter where
  /// they are not.
  package var usualKernelStart: VirtualAddress { RootShape(self).firstKernelAddress }
}

/// What the entries of a possible root say about it.
struct RootSummary {
  var kernelEntries = 0
  var userEntries = 0
  /// Not present, not 0: no kernel leaves those in a root, an allocator's free list does.
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

  /// Whether a processor could be given this root without faulting at once.
  var couldBeRoot: Bool { badEntries == 0 && kernelEntries + userEntries > 0 }
}
