extension AddressSpace {
  /// Creates an empty table of `level` (1 or deeper). The entry above it gets the bits of `entry` apart from the
  /// address; without `entry` it allows what the options say, by default everything. With the original's entry, the
  /// tables of a rebuilt space allow the same as the original ones.
  ///
  /// - Parameters:
  ///   - virtual: an address in the block that the table covers; canonical.
  ///   - entry: a raw entry that points at a table.
  /// - Throws: `WritingError`; nothing is changed then.
  public func makeTable(
    at virtual: VirtualAddress, level: Int, entry: UInt64? = nil, options: MapOptions = MapOptions(),
    in memory: any WritableMemory
  ) throws(WritingError) {
    try makeTable(at: virtual, level: level, entry: entry, options: options, half: nil, in: memory)
  }

  /// The same in a kernel half that other spaces share.
  func makeTable(
    at virtual: VirtualAddress, level: Int, entry: UInt64? = nil, options: MapOptions, half: KernelHalf?,
    in memory: any WritableMemory
  ) throws(WritingError) {
    let window = try writableWindow(of: virtual)
    guard level > 0, level < window.scheme.levels.count else { throw .noSuchLevel(level) }
    let format = window.scheme.levels[level - 1].format
    if let entry, format.kind(of: entry) != .table {
      throw .encoding(.noSuchKind(format.kind(of: entry)))
    }
    var plan = WritePlan(window: window, memory: memory, options: options, half: half)
    try plan.putTable(keeping: entry, at: virtual, level: level - 1)
    try plan.apply()
  }

  /// Installs a reference in a space that is being rebuilt: links the window that `ourVA` lies in to that window of
  /// the owner's rebuilt space that `theirVA` lies in, as `link(at:to:theirs:depth:entry:in:)` does.
  ///
  /// - Parameters:
  ///   - spaces: the rebuilt spaces, by space number. Owners come earlier, so they have been rebuilt before; the
  ///     space itself is needed where it refers to itself.
  /// - Throws: `WritingError`; nothing is changed then.
  public mutating func link(
    _ reference: SpaceReferenceMapping, spaces: [AddressSpace], entry: UInt64? = nil,
    in memory: any WritableMemory
  ) throws(WritingError) {
    guard spaces.indices.contains(reference.owner) else { throw .unknownOwner(reference.owner) }
    let owner = try spaces[reference.owner].writableWindow(of: reference.theirVA)
    try link(
      at: reference.ourVA, to: owner, theirs: reference.theirVA, depth: reference.depth, entry: entry,
      in: memory)
  }

  /// The same for spaces of which only the roots are at hand: each is the owner's root for a window that begins where
  /// that of `ourVA` begins, such as for spaces of one window.
  ///
  /// - Parameters:
  ///   - roots: the rebuilt roots, by space number.
  /// - Throws: `WritingError`; nothing is changed then.
  public mutating func link(
    _ reference: SpaceReferenceMapping, roots: [PhysicalAddress], entry: UInt64? = nil,
    in memory: any WritableMemory
  ) throws(WritingError) {
    guard roots.indices.contains(reference.owner) else { throw .unknownOwner(reference.owner) }
    try link(
      at: reference.ourVA, to: roots[reference.owner], theirs: reference.theirVA, depth: reference.depth,
      entry: entry, in: memory)
  }

  /// Links a block of addresses to a table of another space: the entry above is made to point at the owner's table
  /// (the counterpart of hyperlight's `space_aware_map`). At depth 0 the window takes over the owner's root.
  ///
  /// Whatever is mapped through that table then also appears here, and the table is kept when the owner's pages are
  /// unmapped.
  ///
  /// - Parameters:
  ///   - ourVA: an address in the block of this space; the window that it lies in is linked.
  ///   - owner: the owner's root for a window that begins where ours does; the space's own where it refers to itself.
  ///   - theirVA: an address in the same block of the owner's window.
  ///   - depth: the level of the table that is linked: it hangs below an entry at `depth - 1`.
  ///   - entry: a raw entry whose bits outside the address are kept, such as the original's; by default the owner's
  ///     entry.
  /// - Throws: `WritingError`; nothing is changed then.
  public mutating func link(
    at ourVA: VirtualAddress, to owner: PhysicalAddress, theirs theirVA: VirtualAddress, depth: Int,
    entry: UInt64? = nil, in memory: any WritableMemory
  ) throws(WritingError) {
    var window = try writableWindow(of: ourVA)
    window.root = owner
    try link(at: ourVA, to: window, theirs: theirVA, depth: depth, entry: entry, in: memory)
  }

  private mutating func link(
    at ourVA: VirtualAddress, to owner: AddressWindow, theirs theirVA: VirtualAddress, depth: Int,
    entry: UInt64?, in memory: any WritableMemory
  ) throws(WritingError) {
    guard let number = window(of: ourVA) else { throw .outsideAddressSpace(ourVA) }
    let window = windows[number]
    guard depth >= 0, depth < window.scheme.levels.count else { throw .noSuchLevel(depth) }
    guard owner.contains(theirVA) else { throw .outsideAddressSpace(theirVA) }
    // Tables that are read another way cannot be linked.
    guard owner.scheme.readsAs(window.scheme) else { throw .ownerHasNoTable(theirVA, depth: depth) }
    guard depth > 0 else {
      do throws(MissingPage) {
        try memory.withPage(at: owner.rootTable.address) { _ in }
      } catch {
        throw .missingTable(owner.root, error)
      }
      setRoot(owner.root, ofWindow: number)
      return
    }
    let level = depth - 1
    let format = window.scheme.levels[level].format
    let steps = AddressSpace(name: name, windows: [owner]).translate(theirVA, in: memory).steps
    guard steps.count > level, steps[level].kind == .table else {
      throw .ownerHasNoTable(theirVA, depth: depth)
    }
    if let entry, format.kind(of: entry) != .table {
      throw .encoding(.noSuchKind(format.kind(of: entry)))
    }
    let table = format.tableAddress.address(in: steps[level].raw)
    let raw: UInt64
    do throws(EncodingError) {
      raw = try format.entry(entry ?? steps[level].raw, movedTo: table)
    } catch {
      throw .encoding(error)
    }
    var plan = WritePlan(window: window, memory: memory)
    _ = try plan.put(raw, at: ourVA, level: level)
    try plan.apply()
    // A table that two entries point at must not be freed when one of them finds it empty.
    if memory.isAllocated(table.frame) { memory.hold([table.frame]) }
  }
}
