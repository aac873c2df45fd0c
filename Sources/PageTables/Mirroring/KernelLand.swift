/// Where in a space supervisor mappings may be placed.
public struct KernelLand: Sendable {
  /// The space whose tables are searched and written.
  public let space: AddressSpace
  /// The first address.
  public let first: VirtualAddress
  /// The last address.
  public let last: VirtualAddress
  /// Whether to keep away from root entries below which user pages lie: where nothing else tells the halves
  /// apart.
  public let avoidsUserPages: Bool
  /// The spaces that have this land in common, each with the same root entries for it; nil where the land is the
  /// space's alone, or others share its tables by what their roots happen to hold.
  public let half: KernelHalf?

  /// A stretch of a space. Nil where the range is empty, not canonical, or has the gap between the halves inside.
  ///
  /// - Parameters:
  ///   - first: the first address; need not be aligned, as whole pages of the land alone are given out.
  ///   - last: the last address.
  ///   - avoidingUserPages: see `avoidsUserPages`.
  ///   - half: the spaces that have the land in common with this one.
  public init?(
    of space: AddressSpace, from first: VirtualAddress, through last: VirtualAddress,
    avoidingUserPages: Bool = false, half: KernelHalf? = nil
  ) {
    guard first <= last, space.scheme.canSpan(first, length: last.value &- first.value &+ 1) else {
      return nil
    }
    self.space = space
    self.first = first
    self.last = last
    avoidsUserPages = avoidingUserPages
    self.half = half
  }

  /// The upper half of a space that somebody else's kernel made. Where addresses are not sign-extended the
  /// halves are of the kernel's own choice, and what lies beside user pages is left alone.
  public init(upperHalfOf space: AddressSpace) {
    self.space = space
    first = space.scheme.upperHalf
    last = space.scheme.canonical(.max)
    avoidsUserPages = !space.scheme.isSignExtended
    half = nil
  }

  /// Finds `pages` free pages in a row: no page, mark or malformed entry there, no read-only table above, and
  /// no table that points back at one above itself (`find_virtual_space_aligned` of SunriseOS).
  ///
  /// The lowest stretch is taken of those in tables that are all there; if none, of those below entries that
  /// the root has already, which other spaces share; else of all. Each table is read once, however often it
  /// is mapped.
  ///
  /// - Parameters:
  ///   - pages: how many pages of the last level, at least one.
  ///   - alignment: bytes that the first address is to be a multiple of: a power of two, at least a page; a page by
  ///     default.
  /// - Returns: the first address; nil where there is no such stretch, which goes for any other number of pages or
  ///   alignment, too.
  public func freeStretch(
    pages: UInt64, alignment: UInt64? = nil, in memory: any PhysicalMemory
  ) -> VirtualAddress? {
    let pageSize = space.scheme.levels[space.scheme.levels.count - 1].span
    let alignment = alignment ?? pageSize
    guard pages > 0, alignment >= pageSize, alignment & (alignment - 1) == 0 else { return nil }
    var search = KernelLandSearch(
      land: self, pages: pages, alignment: alignment / pageSize, memory: memory)
    return search.run()
  }
}
