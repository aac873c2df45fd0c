import PageTables

/// The entries that findings and mirrors are about, looked up table by table: both name a stretch of addresses in
/// one space, which may lie in several tables.
struct NotableEntryCollector {
  private(set) var entries: [NotableEntries.Entries] = []
  /// The tables that hold the kernel's entries of each mirror, which are counted in the order in which they are added.
  private(set) var kernelTables: [(mirror: Int, scheme: Int, table: TableReference)] = []
  private var mirrorCount = 0
  private let spaces: [AddressSpace]
  private let schemes: SchemeNumbers
  private let memory: any PhysicalMemory
  /// The space that the last mirror was found in.
  private var lastSpaceNumber = 0
  /// Spaces that are tried for mirrors that do not lie where they should: a boot-time root may reach the
  /// kernel's tables first, and elsewhere.
  private var tries = 1 << 14

  init(_ spaces: [AddressSpace], _ schemes: SchemeNumbers, _ memory: any PhysicalMemory) {
    self.spaces = spaces
    self.schemes = schemes
    self.memory = memory
  }

  /// Adds the entries of a finding: those of its first table, and of the next ones that it goes on in.
  mutating func add(_ finding: Finding) {
    let space = spaces[finding.spaceNumber]
    let level = space.windows[finding.window].scheme.levels[finding.table.level]
    var table: TableReference? = finding.table
    var slot = finding.slot
    var address = finding.virtual
    var rest = max(1, finding.length / level.span)
    while let holder = table, rest > 0 {
      let count = min(rest, UInt64(level.entryCount - slot))
      add(.init(finding.kind), holder, slot..<slot + Int(count), finding.spaceNumber, finding.window)
      rest -= count
      address = address.advanced(by: count &* level.span)
      slot = 0
      guard rest > 0 else { break }
      let step = space.translate(address, in: memory).steps.first { $0.level == finding.table.level }
      table = step.map { TableReference(address: $0.table, level: $0.level) }
    }
  }

  /// Adds the kernel's entries of a mirror.
  mutating func add(_ mirror: Mirror) {
    defer { mirrorCount += 1 }
    guard let spaceNumber = kernelSpaceNumber(of: mirror) else { return }
    var done: UInt64 = 0
    while done < mirror.length {
      let walk = spaces[spaceNumber].translate(mirror.kernelVA.advanced(by: done), in: memory)
      guard let page = walk.page, let step = walk.steps.last else { return }
      let inPage = page.pageSize &- (page.physical.value & (page.pageSize &- 1))
      let length = min(inPage, mirror.length - done)
      let table = TableReference(address: step.table, level: step.level)
      add(.mirror, table, step.slot..<step.slot + 1, spaceNumber, walk.window)
      let scheme = schemes.number(in: spaceNumber, window: walk.window)
      if kernelTables.last.map({ $0 != (mirrorCount, scheme, table) }) ?? true {
        kernelTables.append((mirrorCount, scheme, table))
      }
      done += max(length, 1)
    }
  }

  private mutating func kernelSpaceNumber(of mirror: Mirror) -> Int? {
    for spaceNumber in [mirror.kernelSpaceNumber, lastSpaceNumber] where isThere(mirror, in: spaceNumber) {
      return spaceNumber
    }
    for spaceNumber in spaces.indices {
      guard tries > 0 else { return nil }
      tries -= 1
      guard isThere(mirror, in: spaceNumber) else { continue }
      lastSpaceNumber = spaceNumber
      return spaceNumber
    }
    return nil
  }

  private func isThere(_ mirror: Mirror, in spaceNumber: Int) -> Bool {
    guard let page = spaces[spaceNumber].translate(mirror.kernelVA, in: memory).page else { return false }
    return page.physical == mirror.physical
  }

  private mutating func add(
    _ kind: NotableEntries.Kinds, _ table: TableReference, _ slots: Range<Int>, _ spaceNumber: Int,
    _ window: Int
  ) {
    let scheme = schemes.number(in: spaceNumber, window: window)
    // Neighbours in one table are one stretch.
    if let last = entries.last, last.kind == kind, last.scheme == scheme, last.table == table,
      last.slots.upperBound == slots.lowerBound
    {
      entries.removeLast()
      entries.append(
        .init(
          scheme: scheme, table: table, slots: last.slots.lowerBound..<slots.upperBound, kind: kind))
    } else {
      entries.append(.init(scheme: scheme, table: table, slots: slots, kind: kind))
    }
  }
}
