import PageTables

/// Particular shares and mirrors, as rows of the tree tell of them: what hangs at an entry, who is on the other side,
/// and how many lie somewhere below a table.
struct ParticularItems: Sendable {
  /// A set of up to 64 items, by number; the last stands for all further ones.
  struct Items: OptionSet, Hashable, Sendable {
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(number: Int) { rawValue = 1 << UInt64(min(number, Self.limit - 1)) }

    static let limit = 64
    var count: Int { rawValue.nonzeroBitCount }
    /// Whether there may be more than `count`.
    var isAtLeast: Bool { rawValue >> UInt64(Self.limit - 1) != 0 }
    /// The only item, by number; nil where there are none, or more.
    var single: Int? { count == 1 && !isAtLeast ? rawValue.trailingZeroBitCount : nil }
  }

  /// What lies in a table and below it.
  struct Content: Hashable, Sendable {
    /// Mirrors whose user side is there, and those whose kernel side is.
    var mirrored: Items = []
    var mirroring: Items = []
    var shares: Items = []

    var isEmpty: Bool { mirrored.isEmpty && mirroring.isEmpty && shares.isEmpty }

    mutating func formUnion(_ other: Content) {
      mirrored.formUnion(other.mirrored)
      mirroring.formUnion(other.mirroring)
      shares.formUnion(other.shares)
    }

    func isSubset(of other: Content) -> Bool {
      mirrored.isSubset(of: other.mirrored) && mirroring.isSubset(of: other.mirroring)
        && shares.isSubset(of: other.shares)
    }
  }

  /// A table as one paging scheme reads it.
  private struct Table: Hashable, Sendable {
    let scheme: Int
    let table: TableReference
  }

  /// Frames of a mirror that lie side by side.
  private struct Stretch: Sendable {
    let start: UInt64
    var length: UInt64
    /// The mirror, by its number in the index, and where the stretch lies in it.
    let mirror: Int
    let offset: UInt64

    var end: UInt64 { start &+ length }
  }

  private let schemes: SchemeNumbers
  private var below: [Table: Content] = [:]
  /// The mirrors that items stand for, by their numbers in the index.
  private let particularMirrors: [Int]

  /// What lies below the entries of a row for what everybody has: that of the whole root, as far as the kernel's half
  /// goes, which is where the kernel's sides of mirrors are.
  func content(belowEverybodysOf index: ExplorerIndex, _ row: TreeRow) -> Content {
    let table = TableReference(address: row.table, level: Int(row.level))
    var content = content(below: table, spaceNumber: Int(row.space))
    content.mirrored = []
    content.shares = []
    return content
  }

  /// The share that a table is the top of, by its number in the index.
  private var shares: [Table: Int] = [:]
  /// Ascending; frames that are mirrored twice belong to the first mirror.
  private var stretches: [Stretch] = []
  /// Mirrors by kernel address: by their numbers, ascending.
  private let byKernelAddress: [Int]
  private let mirrors: [Mirror]

  /// Whether any frame is mirrored.
  var hasMirrors: Bool { !stretches.isEmpty }

  private struct Cancelled: Error {}

  /// How many more entries may be visited: hostile tables have a page everywhere, and many mirrors of it.
  private var entriesLeft = 1 << 18

  /// - Parameters:
  ///   - userEntries: where user space maps the mirrors' frames, by frame.
  ///   - kernelTables: the tables that hold the kernel's entries of each particular mirror, and by which scheme they are
  ///     read; these mirrors are counted in their order.
  ///   - isCancelled: asked once in a while; answering true ends the work with nil.
  init?(
    _ mirrors: [Mirror], userEntries: [Mirrors.UserEntry],
    _ kernelTables: [(mirror: Int, scheme: Int, table: TableReference)],
    _ shares: [ParticularShare], _ schemes: SchemeNumbers, of index: SpaceIndex,
    in memory: any PhysicalMemory, isCancelled: () -> Bool
  ) {
    self.schemes = schemes
    self.mirrors = mirrors
    let particular = mirrors.indices.filter { mirrors[$0].isParticular }
    particularMirrors = particular
    byKernelAddress = particular.sorted { mirrors[$0].kernelVA < mirrors[$1].kernelVA }
    var own: [Table: Content] = [:]
    for (item, number) in particular.enumerated() {
      guard !isCancelled() else { return nil }
      addUserSide(
        of: mirrors[number], number, Items(number: item), userEntries,
        index.spaces[mirrors[number].spaceNumber], memory, to: &own)
    }
    for (item, scheme, table) in kernelTables {
      own[Table(scheme: scheme, table: table), default: Content()].mirroring.formUnion(Items(number: item))
    }
    stretches.sort { $0.start < $1.start }
    for (number, share) in shares.enumerated() {
      let scheme = schemes.number(of: share.scheme)
      self.shares[Table(scheme: scheme, table: share.table)] = number
      for holder in share.holders {
        own[Table(scheme: scheme, table: holder.table), default: Content()].shares.formUnion(
          Items(number: number))
      }
    }
    guard !own.isEmpty else { return }
    guard let all = Self.handedUp(own, schemes, index, isCancelled) else { return nil }
    below = all
  }

  /// The frames of a mirror, and every table that maps them for the user, in whatever space.
  private mutating func addUserSide(
    of mirror: Mirror, _ number: Int, _ item: Items, _ entries: [Mirrors.UserEntry], _ user: AddressSpace,
    _ memory: any PhysicalMemory, to own: inout [Table: Content]
  ) {
    var offset: UInt64 = 0
    while offset < mirror.length {
      guard let page = user.translate(mirror.userVA.advanced(by: offset), in: memory).page else { return }
      let inPage = page.pageSize &- (page.physical.value & (page.pageSize &- 1))
      let length = max(1, min(mirror.length - offset, inPage))
      if let last = stretches.last, last.mirror == number, last.end == page.physical.value {
        stretches[stretches.count - 1].length &+= length
      } else {
        stretches.append(
          Stretch(start: page.physical.value, length: length, mirror: number, offset: offset))
      }
      let first = entries.partitioningIndex { $0.physical >= page.physical }
      for entry in entries[first...].prefix(while: { $0.physical.value &- page.physical.value < length }) {
        guard entriesLeft > 0 else { break }
        entriesLeft -= 1
        let scheme = schemes.number(in: entry.spaceNumber, window: entry.window)
        own[Table(scheme: scheme, table: entry.table), default: Content()].mirrored.formUnion(item)
      }
      offset += length
    }
  }

  /// Gives all tables above what the tables below them have.
  private static func handedUp(
    _ own: [Table: Content], _ schemes: SchemeNumbers, _ index: SpaceIndex, _ isCancelled: () -> Bool
  ) -> [Table: Content]? {
    var tables: [Table] = []
    var contents: [Content] = []
    var scheme = 0
    for one in index.tables {
      // They come scheme by scheme, each from its roots on; comparing schemes takes long.
      if one.table.level == 0 { scheme = schemes.number(of: one.scheme) }
      tables.append(Table(scheme: scheme, table: one.table))
      contents.append(own[tables[tables.count - 1]] ?? Content())
    }
    // One level a round: links come from the roots down.
    var isChanged = true
    while isChanged {
      isChanged = false
      var seen = 0
      do throws(Cancelled) {
        try index.forEachLink { link throws(Cancelled) in
          seen += 1
          if seen % 65_536 == 1, isCancelled() { throw Cancelled() }
          guard !contents[link.child].isSubset(of: contents[link.parent]) else { return }
          contents[link.parent].formUnion(contents[link.child])
          isChanged = true
        }
      } catch {
        return nil
      }
    }
    var result: [Table: Content] = [:]
    for (number, table) in tables.enumerated() where !contents[number].isEmpty {
      result[table] = contents[number]
    }
    return result
  }

  /// What lies in a table and below it, read by the scheme of a space.
  func content(below table: TableReference, spaceNumber: Int) -> Content {
    let scheme = schemes.number(in: spaceNumber)
    let aligned = TableReference(address: schemes.aligned(table, scheme), level: table.level)
    return below[Table(scheme: scheme, table: aligned)] ?? Content()
  }

  /// The share that a table is the top of, by its number in the index.
  func share(_ table: TableReference, spaceNumber: Int) -> Int? {
    shares[Table(scheme: schemes.number(in: spaceNumber), table: table)]
  }

  /// Where the first of some items lies in a space between two addresses: what a row is about that has them below it.
  func firstAddress(
    of content: Content, in spaceNumber: Int, from first: VirtualAddress, through last: VirtualAddress,
    _ allShares: [ParticularShare]
  ) -> VirtualAddress? {
    func numbers(_ items: Items) -> [Int] {
      (0..<Items.limit).filter { items.rawValue >> UInt64($0) & 1 == 1 }
    }
    func isInside(_ address: VirtualAddress) -> Bool { first <= address && address <= last }
    for number in numbers(content.mirrored) where particularMirrors.indices.contains(number) {
      let mirror = mirrors[particularMirrors[number]]
      if mirror.spaceNumber == spaceNumber, isInside(mirror.userVA) { return mirror.userVA }
    }
    for number in numbers(content.shares) where allShares.indices.contains(number) {
      let place = allShares[number].places.first { $0.spaceNumber == spaceNumber && isInside($0.virtual) }
      if let place { return place.virtual }
    }
    for number in numbers(content.mirroring) where particularMirrors.indices.contains(number) {
      let mirror = mirrors[particularMirrors[number]]
      if isInside(mirror.kernelVA) { return mirror.kernelVA }
    }
    return nil
  }

  /// The first mirror that has one of so many bytes of frames, by its number in the index, and where in the mirror
  /// the first of these bytes lies.
  func mirror(of address: PhysicalAddress, length: UInt64) -> (number: Int, offset: UInt64)? {
    let next = stretches.partitioningIndex { $0.end > address.value }
    guard next < stretches.count, stretches[next].start < address.value &+ length else { return nil }
    let stretch = stretches[next]
    let distance = address.value > stretch.start ? address.value &- stretch.start : 0
    return (stretch.mirror, stretch.offset &+ distance)
  }

  /// The mirror whose kernel side has one of so many bytes at an address, and where in it the first of these lies.
  func mirror(at address: VirtualAddress, length: UInt64) -> (number: Int, offset: UInt64)? {
    let after = byKernelAddress.partitioningIndex { mirrors[$0].kernelVA.value >= address.value &+ length }
    guard after > 0 else { return nil }
    let number = byKernelAddress[after - 1]
    let start = mirrors[number].kernelVA.value
    guard mirrors[number].length > address.value &- start || start >= address.value else { return nil }
    return (number, address.value > start ? address.value &- start : 0)
  }
}
