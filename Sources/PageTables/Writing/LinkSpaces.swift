extension AddressSpace {
  /// Makes an empty table of `level` (1 or deeper), below an entry that has the bits of `entry` besides the
  /// address, or else allows everything: so that a rebuilt space's tables allow what the original ones do.
  ///
  /// - Throws: `WritingError`; nothing is changed then.
  public func makeTable(
    at virtual: VirtualAddress, level: Int, entry: UInt64? = nil, in memory: any WritableMemory
  ) throws(WritingError) {
    guard level > 0, level < scheme.levels.count else { throw .noSuchLevel(level) }
    guard scheme.isCanonical(virtual) else { throw .outsideAddressSpace(virtual) }
    let format = scheme.levels[level - 1].format
    if let entry, format.kind(of: entry) != .table {
      throw .encoding(.noSuchKind(format.kind(of: entry)))
    }
    var plan = WritePlan(space: self, memory: memory)
    try plan.putTable(keeping: entry, at: virtual, level: level - 1)
    try plan.apply()
  }

  /// Installs a reference in a space that is being rebuilt: the entry above the shared block comes to point
  /// at the table that the owner was rebuilt with. At depth 0 the space takes over the owner's root.
  ///
  /// All that belongs to the table then shows here, too, and it stays when the owner's pages are unmapped.
  ///
  /// - Parameters:
  ///   - roots: the rebuilt roots, by place. Owners stand earlier, so they have been rebuilt before; a
  ///     space's own root is needed where it refers to itself.
  ///   - entry: a raw entry whose bits besides the address are kept, such as the original's; by default the
  ///     owner's entry.
  /// - Throws: `WritingError`; nothing is changed then.
  public mutating func link(
    _ reference: SpaceReferenceMapping, roots: [PhysicalAddress], entry: UInt64? = nil,
    in memory: any WritableMemory
  ) throws(WritingError) {
    guard roots.indices.contains(reference.owner) else { throw .unknownOwner(reference.owner) }
    let owner = AddressSpace(name: name, root: roots[reference.owner], scheme: scheme)
    guard reference.depth > 0 else {
      root = owner.root
      return
    }
    guard reference.depth < scheme.levels.count else { throw .noSuchLevel(reference.depth) }
    for address in [reference.ourVA, reference.theirVA] where !scheme.isCanonical(address) {
      throw .outsideAddressSpace(address)
    }
    let level = reference.depth - 1
    let format = scheme.levels[level].format
    let steps = owner.translate(reference.theirVA, in: memory).steps
    guard steps.count > level, steps[level].kind == .table else {
      throw .ownerHasNoTable(reference.theirVA, depth: reference.depth)
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
    var plan = WritePlan(space: self, memory: memory)
    _ = try plan.put(raw, at: reference.ourVA, level: level)
    try plan.apply()
    // A table that two entries point at must not be freed when one of them finds it empty.
    if memory.isAllocated(table.frame) { memory.hold([table.frame]) }
  }
}
