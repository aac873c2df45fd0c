/// The part of a space in which supervisor mappings may be placed.
public struct KernelLand: Sendable {
  /// The space whose tables are searched and modified.
  public let space: AddressSpace
  /// The window of the space that the land lies in.
  let window: AddressWindow
  /// The first address.
  public let first: VirtualAddress
  /// The last address.
  public let last: VirtualAddress
  /// Whether to avoid root entries below which user pages lie: needed where nothing else tells the halves apart.
  public let avoidsUserPages: Bool
  /// The spaces that share this land, each with the same root entries for it; nil where the land belongs to this
  /// space alone, or where other spaces share its tables only because their roots happen to point at them.
  public let half: KernelHalf?

  /// Creates a land from a range of a space. Nil where the range is empty, does not lie in one window, or includes
  /// the gap between the halves.
  ///
  /// - Parameters:
  ///   - first: the first address; need not be aligned, as only whole pages of the land are allocated.
  ///   - last: the last address.
  ///   - avoidingUserPages: see `avoidsUserPages`.
  ///   - half: the spaces that share the land with this one.
  public init?(
    of space: AddressSpace, from first: VirtualAddress, through last: VirtualAddress,
    avoidingUserPages: Bool = false, half: KernelHalf? = nil
  ) {
    guard first <= last, let number = space.window(of: first),
      space.windows[number].canSpan(first, length: last.value &- first.value &+ 1)
    else { return nil }
    self.space = space
    window = space.windows[number]
    self.first = first
    self.last = last
    avoidsUserPages = avoidingUserPages
    self.half = half
  }

  /// The upper half of a space made by a foreign kernel: all of the highest window if it begins above address 0,
  /// otherwise the upper half of that window. Where addresses are then not sign-extended, that kernel chose where
  /// the halves meet, so root entries with user pages below them are avoided.
  public init(upperHalfOf space: AddressSpace) {
    self.space = space
    window = space.windows[space.windows.count - 1]
    let isUpperOnly = window.first.value > 0
    first = isUpperOnly ? window.first : window.scheme.upperHalf
    last = window.last
    avoidsUserPages = !isUpperOnly && !window.scheme.isSignExtended
    half = nil
  }

  /// Finds `pages` consecutive free pages: no page, mark or malformed entry there, no table above that the supervisor may not
  /// write through, and no table that points back at one above itself (`find_virtual_space_aligned` of SunriseOS).
  ///
  /// Takes the lowest stretch for which all tables exist; if there is none, the lowest one below existing root
  /// entries, which other spaces share; else the lowest of all. Each table is read once, however often it is
  /// mapped.
  ///
  /// - Parameters:
  ///   - pages: the number of pages of the last level, at least one.
  ///   - alignment: in bytes, for the first address: a power of two, at least a page; one page by default.
  /// - Returns: the first address; nil where there is no such stretch, or where `pages` or `alignment` is none of
  ///   the above.
  public func freeStretch(
    pages: UInt64, alignment: UInt64? = nil, in memory: any PhysicalMemory
  ) -> VirtualAddress? {
    let pageSize = window.scheme.pageSize
    let alignment = alignment ?? pageSize
    guard pages > 0, alignment >= pageSize, alignment & (alignment - 1) == 0 else { return nil }
    var search = KernelLandSearch(
      land: self, pages: pages, alignment: alignment / pageSize, memory: memory)
    return search.run()
  }
}
