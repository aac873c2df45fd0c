import PageTables

/// Particular shares and mirrors, as rows of the tree tell of them: what hangs at an entry, who is on the other side,
/// and how many lie somewhere below a table.
struct ParticularItems: Sendable {
  /// How many items of one sort there are.
  struct Tally: Hashable, Sendable {
    fileprivate(set) var count = 0
    /// The first of them, by number.
    fileprivate(set) var first: Int?
    /// Whether there may be more than `count`: one too many to be counted is among them.
    fileprivate(set) var isAtLeast = false

    var isEmpty: Bool { count == 0 }
    var countText: String { "\(count)" + (isAtLeast ? "+" : "") }
    /// The only item, by number; nil where there are none, or more.
    var single: Int? { count == 1 && !isAtLeast ? first : nil }

    /// Counts the items of a set whose bit 0 stands for the item `offset`.
    fileprivate mutating func add(_ items: UInt64, offset: Int) {
      guard items != 0 else { return }
      if first == nil { first = offset + items.trailingZeroBitCount }
      count += items.nonzeroBitCount
      isAtLeast = isAtLeast || (offset + 64 >= itemLimit && items >> 63 != 0)
    }
  }

  /// What lies in a table and below it.
  struct Content: Hashable, Sendable {
    /// Mirrors whose user side is there, and those whose kernel side is.
    var mirrored = Tally()
    var mirroring = Tally()
    var shares = Tally()

    var isEmpty: Bool { mirrored.isEmpty && mirroring.isEmpty && shares.isEmpty }
  }

  /// The items of each sort that are counted, each by its number; the last stands for all further ones.
  static let itemLimit = 1024

  /// 64 items of each sort, as they hang at a table: bit 0 is the first of them.
  private struct Items: HandedUp {
    var mirrored: UInt64 = 0
    var mirroring: UInt64 = 0
    var shares: UInt64 = 0

    mutating func formUnion(_ other: Items) {
      mirrored |= other.mirrored
      mirroring |= other.mirroring
      shares |= other.shares
    }

    func isSubset(of other: Items) -> Bool {
      mirrored & ~other.mirrored | mirroring & ~other.mirroring | shares & ~other.shares == 0
    }
  }

  /// What hangs at tables, 64 items of each sort after the other.
  private struct Batches {
    private(set) var all: [[SchemeTable: Items]] = []

    mutating func add(_ item: Int, _ sort: WritableKeyPath<Items, UInt64>, at table: SchemeTable) {
      let number = min(item, itemLimit - 1)
      while all.count <= number / 64 { all.append([:]) }
      all[number / 64][table, default: Items()][keyPath: sort] |= 1 << UInt64(number % 64)
    }
  }

  private let schemes: SchemeNumbers
  private var below: [SchemeTable: Content] = [:]
  /// The mirrors that items stand for, by their numbers in the index.
  private let particularMirrors: [Int]

  /// What lies below the entries of a row for what everybody has: that of the whole root, as far as the kernel's half
  /// goes, which is where the kernel's sides of mirrors are.
  func content(belowEverybodysOf index: ExplorerIndex, _ row: TreeRow) -> Content {
    let table = TableReference(address: row.table, level: Int(row.level))
    var content = content(
      below: table, spaceNumber: Int(row.space), window: index.window(of: row))
    content.mirrored = Tally()
    content.shares = Tally()
    return content
  }

  /// The share that a table is the top of, by its number in the index.
  private var shares: [SchemeTable: Int] = [:]
  /// Where the mirrors are: by frames, and by kernel addresses.
  private var frames = MirrorStretches()
  private var kernelAddresses = MirrorStretches()
  private let mirrors: [Mirror]

  /// Whether any frame is mirrored.
  var hasMirrors: Bool { !frames.isEmpty }

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
    var own = Batches()
    for (item, number) in particular.enumerated() {
      guard !isCancelled() else { return nil }
      let mirror = mirrors[number]
      kernelAddresses.add(mirror.kernelVA.value, length: mirror.length, mirror: number, offset: 0)
      addUserSide(of: mirror, number, item, userEntries, index.spaces[mirror.spaceNumber], memory, to: &own)
    }
    for (item, scheme, table) in kernelTables {
      own.add(item, \.mirroring, at: SchemeTable(scheme: scheme, table: table))
    }
    frames.order()
    kernelAddresses.order()
    for (number, share) in shares.enumerated() {
      let scheme = schemes.number(of: share.scheme)
      self.shares[SchemeTable(scheme: scheme, table: share.table)] = number
      for holder in share.holders {
        own.add(number, \.shares, at: SchemeTable(scheme: scheme, table: holder.table))
      }
    }
    guard !own.all.isEmpty else { return }
    let tables = RollUp(index, schemes)
    for (number, batch) in own.all.enumerated() where !batch.isEmpty {
      guard let items = tables.handedUp(batch, isCancelled: isCancelled) else { return nil }
      for (table, items) in zip(tables.tables, items) where items != Items() {
        var content = below[table] ?? Content()
        content.mirrored.add(items.mirrored, offset: number * 64)
        content.mirroring.add(items.mirroring, offset: number * 64)
        content.shares.add(items.shares, offset: number * 64)
        below[table] = content
      }
    }
  }

  /// The frames of a mirror, and every table that maps them for the user, in whatever space.
  private mutating func addUserSide(
    of mirror: Mirror, _ number: Int, _ item: Int, _ entries: [Mirrors.UserEntry], _ user: AddressSpace,
    _ memory: any PhysicalMemory, to own: inout Batches
  ) {
    mirror.forEachUserPage(in: user, memory) { physical, length, offset in
      frames.add(physical.value, length: length, mirror: number, offset: offset)
      for entry in Mirrors.entries(entries, of: physical, length: length) where entriesLeft > 0 {
        entriesLeft -= 1
        let scheme = schemes.number(in: entry.spaceNumber, window: entry.window)
        own.add(item, \.mirrored, at: SchemeTable(scheme: scheme, table: entry.table))
      }
    }
  }

  /// What lies in a table and below it, read by the scheme of a space's window.
  func content(below table: TableReference, spaceNumber: Int, window: Int) -> Content {
    let scheme = schemes.number(in: spaceNumber, window: window)
    let aligned = TableReference(address: schemes.aligned(table, scheme), level: table.level)
    return below[SchemeTable(scheme: scheme, table: aligned)] ?? Content()
  }

  /// The share that a table is the top of, by its number in the index.
  func share(_ table: TableReference, spaceNumber: Int, window: Int) -> Int? {
    shares[SchemeTable(scheme: schemes.number(in: spaceNumber, window: window), table: table)]
  }

  /// Where the first of some items lies in a space between two addresses: what a row is about that has them below it.
  func firstAddress(
    of content: Content, in spaceNumber: Int, from first: VirtualAddress, through last: VirtualAddress,
    _ allShares: [ParticularShare]
  ) -> VirtualAddress? {
    func isInside(_ address: VirtualAddress) -> Bool { first <= address && address <= last }
    let counted = particularMirrors.prefix(Self.itemLimit).lazy.map { mirrors[$0] }
    if !content.mirrored.isEmpty,
      let mirror = counted.first(where: { $0.spaceNumber == spaceNumber && isInside($0.userVA) })
    {
      return mirror.userVA
    }
    if !content.shares.isEmpty {
      for share in allShares.prefix(Self.itemLimit) {
        let place = share.places.first { $0.spaceNumber == spaceNumber && isInside($0.virtual) }
        if let place { return place.virtual }
      }
    }
    guard !content.mirroring.isEmpty else { return nil }
    return counted.first { isInside($0.kernelVA) }?.kernelVA
  }

  /// The first mirror that has one of so many bytes of frames, by its number in the index, and where in the mirror
  /// the first of these bytes lies.
  func mirror(of address: PhysicalAddress, length: UInt64) -> (number: Int, offset: UInt64)? {
    frames.first(of: address.value, length: length)
  }

  /// The mirror whose kernel side has one of so many bytes at an address, and where in it the first of these lies.
  func mirror(at address: VirtualAddress, length: UInt64) -> (number: Int, offset: UInt64)? {
    kernelAddresses.first(of: address.value, length: length)
  }
}
