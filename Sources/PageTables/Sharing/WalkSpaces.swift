/// What else a walk over several spaces reports.
public struct WalkSpacesOptions: Hashable, Sendable {
  /// Reports every leaf as a mapping of its own, rather than ranges of leaves that have equal attributes and are
  /// contiguous in virtual and physical addresses.
  public var listsEveryLeaf = false
  /// Reports each table of a space's own before what lies below it; ranges then end where their table ends. A
  /// rebuilder needs these items to give the entries of new tables the permissions of the old ones.
  public var listsTables = false
  /// Which leaves are copy-on-write; nil where the software has no such mark.
  public var copyOnWrite: BitTest?

  /// Ranges of leaves, no tables, no copy-on-write mark.
  public init() {}
}

/// Walks several spaces as one: reports each space's own mappings, and references where a table has been
/// walked before.
///
/// The first space that reaches a table, in the order given, owns it, at the lowest address where it does. Each later
/// arrival, in this space or another, yields one reference to the topmost shared table, and nothing of
/// what lies below. So no table is read twice, and the target of a reference always precedes it: a rebuilder needs
/// only one pass. A table is a page at one level; the same page reached at another level, or by another scheme, is
/// another table. An entry whose table cannot be read yields no item, and is counted in its space's summary.
///
/// Bounds clip mappings and references at both ends. Where they cut the owner's own visit (it has the table at
/// another address), only a block that this visit covered completely becomes a reference; otherwise the table is
/// walked once more, at most once per bound, and the references lie further down.
///
/// - Parameters:
///   - spaces: in the order that decides ownership; a repeated root yields a reference at depth 0.
///   - first: where to begin, rounded down to a page; the bottom by default. An address of the upper half may lack
///     its sign extension; any other non-canonical address counts as the next canonical one above.
///   - length: bytes to cover, widened to whole pages and clipped at the top; up to the top by default; 0 yields no
///     items. A non-canonical end is counted in the translated bits: 2^48 bytes from 0 cover both halves of a
///     48-bit space.
///   - isCancelled: called once per table; returning true ends the walk.
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

/// The same as `walkSpaces`, but item by item, so that the items need not be kept in memory. Windows of several
/// schemes come scheme by scheme; those of one scheme by space and address.
///
/// - Parameter body: called with the space's number in `spaces` and the item; returns whether to continue.
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
  /// The offsets of `length` bytes from `address` on, as hyperlight's walk defines them: whole pages, with or
  /// without sign extension. Nil where the range is empty.
  func offsets(from address: VirtualAddress?, length: UInt64?) -> ClosedRange<UInt64>? {
    if length == 0 { return nil }
    let start = address ?? VirtualAddress(0)
    let (sum, overflow) = start.value.addingReportingOverflow((length ?? .max) &- 1)
    let end = VirtualAddress(length == nil || overflow ? .max : sum)
    let last = scheme.lastOffset
    // An address that lacks its sign extension is taken as an offset in the translated bits.
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
