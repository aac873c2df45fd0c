/// A group of leaves that say they belong together, where they lie in their table.
public struct ContiguousRun: Hashable, Sendable {
  /// What keeps entries that say so from being a group: a TLB may then hold a wrong translation, or the processor faults.
  public enum Flaw: Hashable, Sendable {
    /// The table is shorter than the group.
    case exceedsTable
    /// Only so many of the entries say that they belong together.
    case incomplete(Int)
    /// They differ in these bits.
    case attributes(UInt64)
    /// Their frames do not follow each other, or do not begin at a multiple of what the group maps.
    case frames
  }

  /// The slots of the group.
  public let slots: Range<Int>
  /// Whether they map one page, rather than a page each.
  public let isOnePage: Bool
  /// nil for a group as it should be.
  public let flaw: Flaw?

  /// The group at these slots.
  public init(slots: Range<Int>, isOnePage: Bool, flaw: Flaw?) {
    self.slots = slots
    self.isOnePage = isOnePage
    self.flaw = flaw
  }
}

extension EntryFormat {
  /// Leaves that belong together, whatever for.
  var belongingTogether: ContiguousForm? { contiguous ?? contiguousHint }
}

extension PagingLevel {
  /// How many entries belong together where a leaf says that it is one of several; 1 where it does not.
  public func entriesOfRun(_ raw: UInt64) -> Int {
    guard let form = format.belongingTogether, form.test.matches(raw) else { return 1 }
    return 1 << form.entryBits
  }
}

extension PagingScheme {
  /// The group that the leaf in a slot says it is one of; nil where it says no such thing.
  ///
  /// - Throws: `MissingPage` when the table cannot be read.
  public func contiguousRun(
    around slot: Int, of table: TableReference, in memory: any PhysicalMemory
  ) throws(MissingPage) -> ContiguousRun? {
    guard levels.indices.contains(table.level) else { return nil }
    let level = levels[table.level]
    guard let form = level.format.belongingTogether, (0..<level.entryCount).contains(slot) else { return nil }
    let length = 1 << form.entryBits
    let first = slot & ~(length - 1)
    let slots = first..<min(first + length, level.entryCount)
    let size = level.format.entrySize
    var entries: [UInt64] = []
    for slot in slots {
      entries.append(try memory.read(at: table.address.advanced(by: UInt64(slot * size)), size: size))
    }
    func isMember(_ raw: UInt64) -> Bool { level.format.kind(of: raw) == .leaf && form.test.matches(raw) }
    guard isMember(entries[slot - first]) else { return nil }
    let run = { ContiguousRun(slots: slots, isOnePage: level.format.contiguous != nil, flaw: $0) }
    if slots.count < length { return run(.exceedsTable) }
    let members = entries.count(where: isMember)
    if members < length { return run(.incomplete(members)) }
    let differing = entries.reduce(0) { $0 | ($1 ^ entries[0]) } & level.leafAttributes & ~form.changing
    if differing != 0 { return run(.attributes(differing)) }
    let start = level.frame(of: entries[0], slot: first)
    let isInOrder = zip(slots, entries).allSatisfy { slot, raw in
      level.frame(of: raw, slot: slot) == start.advanced(by: UInt64(slot - first) &* level.span)
    }
    let isAligned = start.value & (level.span << UInt64(form.entryBits) - 1) == 0
    return run(isInOrder && isAligned ? nil : .frames)
  }

  /// The entries of a run, parted where groups of leaves that belong together begin and end: whole groups that follow
  /// each other are one part, and so is what is none of them.
  public func parted(_ run: EntryRun, level index: Int) -> [EntryRun] {
    guard run.kind == .leaf, levels.indices.contains(index) else { return [run] }
    let level = levels[index]
    let length = level.entriesOfRun(run.raw)
    guard length > 1, run.count >= length, run.stride == level.span else { return [run] }
    let first = (run.slot + length - 1) & ~(length - 1)
    let end = (run.slot + run.count) & ~(length - 1)
    let start = run.address.advanced(by: UInt64(first - run.slot) &* run.stride)
    guard first < end, start.value & (level.span &* UInt64(length) - 1) == 0 else { return [run] }
    return [run.slot..<first, first..<end, end..<run.slot + run.count].filter { !$0.isEmpty }.map { slots in
      var part = run
      part.slot = slots.lowerBound
      part.count = slots.count
      part.groupLength = slots.lowerBound == first ? length : 1
      part.address = run.address.advanced(by: UInt64(slots.lowerBound - run.slot) &* run.stride)
      return part
    }
  }
}
