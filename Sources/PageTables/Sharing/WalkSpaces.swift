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

  public init() {}
}

extension BitTest {
  /// Hyperlight's copy-on-write mark on x86: of the three bits that are software's, the first alone; whether the
  /// leaf is writable does not count (`PTE_AVL_MASK` and `PAGE_AVL_COW` in its `vmem.rs`).
  public static let hyperlightCopyOnWrite = BitTest(mask: 0xe00, value: 0x200)
}

/// Walks several spaces as one: each space's own mappings, and references where an earlier place has the table.
///
/// The first place (space and virtual address), in the order given and upwards, that reaches a table owns it; each
/// later one gives one reference to the topmost shared table, and nothing of what lies below. So no table is read
/// twice, and a reference's target always stands before it: a rebuilder can go through the list once. A table is a
/// page at one level; the same page met at another level is another table. An entry whose table cannot be read
/// gives no item, and is counted in its space's summary.
///
/// Bounds clip mappings and references at both ends. Where an owner's own visit was cut by them (it holds the table
/// at another address), only a block that it covered in whole is a reference; else the table is walked once
/// more, at most once for either bound, and the references lie further down.
///
/// - Parameters:
///   - roots: the root tables in the order that decides who owns; one given twice is a reference at depth 0.
///   - first: where to begin; the bottom by default. An address that is not canonical counts as the nearest above.
///   - length: bytes to cover, not beyond the top; up to the top by default; 0 gives no items.
///   - isCancelled: asked once a table; answering true ends the walk.
public func walkSpaces(
  _ roots: [PhysicalAddress], scheme: PagingScheme, in memory: any PhysicalMemory,
  from first: VirtualAddress? = nil, length: UInt64? = nil, options: WalkSpacesOptions = WalkSpacesOptions(),
  isCancelled: () -> Bool = { false }
) -> SharedWalk {
  var items = [[SpaceItem]](repeating: [], count: roots.count)
  let spaces = forEachSpaceItem(
    of: roots, scheme: scheme, in: memory, from: first, length: length, options: options,
    isCancelled: isCancelled
  ) { place, item in
    items[place].append(item)
    return true
  }
  return SharedWalk(spaces: spaces, items: items)
}

/// The same as `walkSpaces`, item by item, so that nobody need hold them all.
///
/// - Parameter body: called with the space's place in `roots` and the item; answers whether to go on.
/// - Returns: each space, in the order given, without its items.
public func forEachSpaceItem(
  of roots: [PhysicalAddress], scheme: PagingScheme, in memory: any PhysicalMemory,
  from first: VirtualAddress? = nil, length: UInt64? = nil, options: WalkSpacesOptions = WalkSpacesOptions(),
  isCancelled: () -> Bool = { false }, _ body: (_ place: Int, _ item: SpaceItem) -> Bool
) -> [SharedSpace] {
  let spaces = roots.map { SharedSpace(root: scheme.aligned(root: $0)) }
  guard let range = TranslatedRange(from: first, length: length, in: scheme) else { return spaces }
  return withoutActuallyEscaping(body) { body in
    withoutActuallyEscaping(isCancelled) { isCancelled in
      var walk = SharedSpaceWalk(
        spaces: spaces, scheme: scheme, memory: memory, range: range, options: options,
        isCancelled: isCancelled, body: body)
      walk.run()
      return walk.spaces
    }
  }
}

/// A stretch of addresses, both ends included, counted in the translated bits from the bottom: canonical order is
/// the order of these offsets.
struct TranslatedRange: Hashable, Sendable {
  let first: UInt64
  let last: UInt64

  /// Nil where no address lies inside.
  init?(from address: VirtualAddress?, length: UInt64?, in scheme: PagingScheme) {
    if length == 0 { return nil }
    let bits = UInt64(scheme.virtualAddressBits)
    let mask: UInt64 = bits >= 64 ? .max : (1 &<< bits) &- 1
    let start = address ?? VirtualAddress(0)
    var end = UInt64.max
    if let length {
      let (sum, overflow) = start.value.addingReportingOverflow(length &- 1)
      if !overflow { end = sum }
    }
    let upper = scheme.upperHalf.value & mask
    if scheme.isCanonical(start) {
      first = start.value & mask
    } else {
      // Where nothing is sign-extended, what is not canonical lies above everything.
      guard scheme.isSignExtended else { return nil }
      first = upper
    }
    if scheme.isCanonical(VirtualAddress(end)) {
      last = end & mask
    } else {
      last = scheme.isSignExtended ? upper &- 1 : mask
    }
    guard first <= last else { return nil }
  }
}
