import PageTables

/// What a root of one paging scheme looks like, for judging whether some bytes could be one.
struct RootShape: Sendable {
  let scheme: PagingScheme
  let format: EntryFormat
  let size: Int
  /// The slots that kernels keep for themselves: the upper half where addresses are sign-extended, the last
  /// quarter where they are not.
  let kernelSlots: Range<Int>
  /// Bits that the processor sets by itself, so that equal entries may differ in them.
  let changing: UInt64

  init(_ scheme: PagingScheme) {
    let root = scheme.levels[0]
    self.scheme = scheme
    format = root.format
    size = Int(root.tableSize)
    let count = root.entryCount
    kernelSlots = (scheme.isSignExtended ? count / 2 : count - count / 4)..<count
    changing = (root.tableFields + root.leafFields).reduce(0) { mask, field in
      field.role == .accessed || field.role == .dirty ? mask | field.mask : mask
    }
  }

  /// Where the kernel's part of the address space begins.
  var firstKernelAddress: VirtualAddress {
    scheme.canonical(UInt64(kernelSlots.lowerBound) << UInt64(scheme.levels[0].shift))
  }

  @inline(__always)
  func entry(_ slot: Int, in page: RawSpan, at offset: Int) -> UInt64 {
    page.entry(at: offset &+ slot &* format.entrySize, size: format.entrySize)
  }

  /// Whether two entries say the same, whatever the processor noted in them.
  @inline(__always)
  func agree(_ one: UInt64, _ other: UInt64) -> Bool { (one ^ other) & ~changing == 0 }

  /// The entries of a root-sized piece of a page.
  func entries(in page: RawSpan, at offset: Int) -> [UInt64] {
    (0..<(size / format.entrySize)).map { entry($0, in: page, at: offset) }
  }

  /// The entries of the root at an address, nil where it cannot be read.
  func entries(at root: PhysicalAddress, in memory: any PhysicalMemory) -> [UInt64]? {
    guard root.value % scheme.rootAlignment == 0, root.offsetInFrame + size <= Int(Frame.size) else {
      return nil
    }
    return try? memory.withPage(at: root) { page in entries(in: page, at: root.offsetInFrame) }
  }
}

extension PagingScheme {
  /// Where kernels begin by custom: at the upper half where addresses are sign-extended, at the last quarter where
  /// they are not.
  public var usualKernelStart: VirtualAddress { RootShape(self).firstKernelAddress }
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
