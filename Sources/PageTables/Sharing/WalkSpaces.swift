/// What a walk over several spaces tells, besides what it always does.
public struct WalkSpacesOptions: Hashable, Sendable {
  /// Every leaf as a mapping by itself, rather than ranges of leaves that have equal attributes and follow each
  /// other in virtual and physical addresses.
  public var listsEveryLeaf = false
  /// Each table of a space's own, before what lies below it; ranges then end with their table. A rebuilder needs
  /// them to give the new tables' entries the permissions of the old ones.
  public var listsTables = false
  /// Which leaves are marked copy-on-write; nil where the software has no such mark.
  public var copyOnWrite: BitTest?

  /// Ranges of leaves, no tables, no mark of copy-on-write.
  public init() {}
}

/// Walks several spaces as one: each space's own mappings, and references where an earlier place has the table.
///
/// The first place (space and virtual address), in the order given and upwards, that reaches a table owns it; each
/// later one gives one reference to the topmost shared table, and nothing of what lies below. So no table is read
/// twice, and a reference's target always stands before it: a rebuilder can go through the list once. A table is a
/// page at one level; the same page met at another level, or by another scheme, is another table. An entry whose table
/// cannot be read gives no item, and is counted in its space's summary.
///
/// Bounds clip mappings and references at both ends. Where an owner's own visit was cut by them (it holds the table
/// at another address), only a block that it covered in whole is a reference; else the table is walked once
/// more, at most once for either bound, and the references lie further down.
///
/// - Parameters:
///   - spaces: in the order that decides who owns; a root that comes twice is a reference at depth 0.
///   - first: where to begin, widened to a whole page; the bottom by default. An address of the upper half may come
///     without its sign extension; any other that is not canonical counts as the nearest above.
///   - length: bytes to cover, widened to whole pages, not beyond the top; up to the top by default; 0 gives no items.
///     An end that is not canonical counts in the translated bits: 2^48 bytes from 0 are both halves of a space of
///     48 bits.
///   - isCancelled: asked once a table; answering true ends the walk.
public func walkSpaces(
  _ spaces: [AddressSpace], in memory: any PhysicalMemory, from first: VirtualAddress? = nil,
  length: UInt64? = nil, options: WalkSpacesOptions = WalkSpacesOptions(), isCancelled: () -> Bool = { false }
) -> SharedWalk {
  // Windows of several schemes are walked scheme by scheme, and listed by address.
  var items = spaces.map { [[SpaceItem]](repeating: [], count: $0.windows.count) }
  let walked = walkWindows(of: spaces, in: memory, from: first, length: length, options, isCancelled) {
    member, item in
    items[member.spaceNumber][member.number].append(item)
    return true
  }
  return SharedWalk(spaces: walked, items: items.map { $0.flatMap { $0 } })
}

/// The same as `walkSpaces`, item by item, so that nobody need hold them all. Windows of several schemes come scheme by
/// scheme; those of one scheme by space and address.
///
/// - Parameter body: called with the space's number in `spaces` and the item; answers whether to go on.
/// - Returns: each space, in the order given, without its items.
public func forEachSpaceItem(
  of spaces: [AddressSpace], in memory: any PhysicalMemory, from first: VirtualAddress? = nil,
  length: UInt64? = nil, options: WalkSpacesOptions = WalkSpacesOptions(),
  isCancelled: () -> Bool = { false }, _ body: (_ spaceNumber: Int, _ item: SpaceItem) -> Bool
) -> [SharedSpace] {
  walkWindows(of: spaces, in: memory, from: first, length: length, options, isCancelled) { member, item in
    body(member.spaceNumber, item)
  }
}

private func walkWindows(
  of spaces: [AddressSpace], in memory: any PhysicalMemory, from first: VirtualAddress?, length: UInt64?,
  _ options: WalkSpacesOptions, _ isCancelled: () -> Bool, _ body: (WindowMember, SpaceItem) -> Bool
) -> [SharedSpace] {
  let memory = memory.moment()
  var result = spaces.map { SharedSpace(root: $0.windows[0].rootTable.address) }
  withoutActuallyEscaping(body) { body in
    withoutActuallyEscaping(isCancelled) { isCancelled in
      var goesOn = true
      for group in spaces.windowsByScheme() {
        var walk = SharedSpaceWalk(
          group, spaces: result, memory: memory, from: first, length: length, options: options,
          isCancelled: isCancelled, body: body)
        goesOn = walk.run(goesOn: goesOn)
        result = walk.spaces
      }
    }
  }
  return result
}

extension AddressWindow {
  /// The offsets of `length` bytes from `address` on, as callers of hyperlight's walk mean them: whole pages, with or
  /// without sign extension. Nil where no address lies inside.
  func offsets(from address: VirtualAddress?, length: UInt64?) -> ClosedRange<UInt64>? {
    if length == 0 { return nil }
    let start = address ?? VirtualAddress(0)
    let (sum, overflow) = start.value.addingReportingOverflow((length ?? .max) &- 1)
    let end = VirtualAddress(length == nil || overflow ? .max : sum)
    let last = scheme.lastOffset
    // In the translated bits alone, an address without its sign extension is what it is.
    let isPlainStart = scheme.isSignExtended && start.value <= last
    let isPlainEnd = scheme.isSignExtended && start.value <= last && !contains(end)
    guard let low = isPlainStart ? start.value : offsets(from: start, through: nil)?.lowerBound,
      let high = isPlainEnd ? min(end.value, last) : offsets(from: nil, through: end)?.upperBound
    else { return nil }
    let page = scheme.pageSize &- 1
    let first = low & ~page
    return first <= high | page ? first...(high | page) : nil
  }
}
