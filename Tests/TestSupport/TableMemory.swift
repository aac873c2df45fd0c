import PageTables
import Synchronization

/// A physical memory that a test builds page by page, and that counts how often it is read.
///
/// Only pages that were written or added can be read; all else is missing. Copies share the counter.
///
/// ```swift
/// var memory = TableMemory()
/// memory.set(table: 0x1000, slot: 511, to: 0x2003)
/// let space = memory.makeSpace("init", scheme: X86.paging4Level())
/// memory.map(0xffff_8880_0000_0000, to: 0x20_0000, in: space, level: 2, flags: 0x83)
/// ```
package struct TableMemory: PhysicalMemory {
  private var pages: [UInt64: [UInt8]] = [:]
  private var damaged: Set<UInt64> = []
  private var dumped: [PhysicalRange] = []
  private var physical: [PhysicalRange] = []
  private var nextFree: UInt64
  private let counter = ReadCounter()

  /// An empty memory; tables that it makes by itself lie from `firstTable` on.
  package init(firstTable: UInt64 = 0x10_0000) {
    nextFree = firstTable
  }

  // MARK: What is there

  /// Adds a page of zeroes, unless the page is there already.
  package mutating func addPage(_ address: UInt64) {
    let start = address & ~(Frame.size - 1)
    if pages[start] == nil { pages[start] = Array(repeating: 0, count: Int(Frame.size)) }
  }

  /// Adds the pages of another memory, each so many bytes further up.
  package mutating func add(_ other: TableMemory, movedBy distance: UInt64) {
    for (address, page) in other.pages { pages[address + distance] = page }
  }

  /// Takes a page away: reading it is "not in this dump" from now on.
  package mutating func removePage(_ address: UInt64) {
    let start = address & ~(Frame.size - 1)
    pages[start] = nil
    addPhysical(start, start + Frame.size)
  }

  /// Makes a page one that is promised, and cannot be given.
  package mutating func damagePage(_ address: UInt64) { damaged.insert(address & ~(Frame.size - 1)) }

  /// Frames that the dump holds although their bytes cannot be read here, as in a capture.
  package mutating func addDumped(_ start: UInt64, _ end: UInt64) {
    dumped.append(PhysicalRange(PhysicalAddress(start), PhysicalAddress(end)))
  }

  /// Memory that the machine has and the dump does not hold.
  package mutating func addPhysical(_ start: UInt64, _ end: UInt64) {
    physical.append(PhysicalRange(PhysicalAddress(start), PhysicalAddress(end)))
  }

  // MARK: Tables

  /// Writes one little-endian entry of `size` bytes (4 or 8); the page is added where it is missing.
  package mutating func set(table: UInt64, slot: Int, to raw: UInt64, size: Int = 8) {
    let address = table &+ UInt64(slot * size)
    let start = address & ~(Frame.size - 1)
    let offset = Int(address - start)
    precondition(slot >= 0 && offset + size <= Int(Frame.size), "an entry lies in one page")
    var page = pages[start] ?? Array(repeating: 0, count: Int(Frame.size))
    for index in 0..<size { page[offset + index] = UInt8(truncatingIfNeeded: raw >> UInt64(8 * index)) }
    pages[start] = page
  }

  /// The entry that `set` wrote; nil where there is no page.
  package func entry(table: UInt64, slot: Int, size: Int = 8) -> UInt64? {
    let address = table &+ UInt64(slot * size)
    guard let page = pages[address & ~(Frame.size - 1)] else { return nil }
    let offset = Int(address & (Frame.size - 1))
    return (0..<size).reduce(0) { $0 | UInt64(page[offset + $1]) << UInt64(8 * $1) }
  }

  /// An empty table at the next free page; the address is 4 KiB aligned.
  package mutating func makeTable() -> UInt64 {
    while pages[nextFree] != nil { nextFree += Frame.size }
    let address = nextFree
    nextFree += Frame.size
    addPage(address)
    return address
  }

  /// A space with an empty root.
  package mutating func makeSpace(_ name: String, scheme: PagingScheme) -> AddressSpace {
    AddressSpace(name: name, root: PhysicalAddress(makeTable()), scheme: scheme)
  }

  /// Maps one page, making the tables above it that are not there yet.
  ///
  /// - Parameters:
  ///   - level: the level that gets the leaf, as an index into the scheme; the last one by default.
  ///   - flags: the leaf's bits other than the address; present, writable and user by default.
  ///   - tableFlags: the same for the tables made on the way, without the bits that their level reserves.
  /// - Returns: the table that holds the leaf, and the slot.
  @discardableResult
  package mutating func map(
    _ virtual: UInt64, to frame: UInt64, in space: AddressSpace, level leafLevel: Int? = nil,
    flags: UInt64 = 7, tableFlags: UInt64 = 7
  ) -> (table: UInt64, slot: Int) {
    let last = leafLevel ?? space.scheme.levels.count - 1
    var table = space.root.value
    for level in space.scheme.levels[..<last] {
      let slot = level.slot(of: VirtualAddress(virtual))
      let raw = entry(table: table, slot: slot, size: level.format.entrySize) ?? 0
      if level.format.kind(of: raw) == .table {
        table = level.format.tableAddress.address(in: raw).value
      } else {
        let below = makeTable()
        let reserved = level.format.tableReserved | level.format.tableTolerated
        set(
          table: table, slot: slot, to: below | tableFlags & ~reserved,
          size: level.format.entrySize)
        table = below
      }
    }
    let level = space.scheme.levels[last]
    let slot = level.slot(of: VirtualAddress(virtual))
    set(table: table, slot: slot, to: frame | flags, size: level.format.entrySize)
    return (table, slot)
  }

  // MARK: Counting

  /// Pages handed out so far, over all copies.
  package var pageReads: Int { counter.count.load(ordering: .relaxed) }

  // MARK: PhysicalMemory

  package var extent: MemoryExtent {
    let readable = pages.keys.map { PhysicalRange(PhysicalAddress($0), PhysicalAddress($0 + Frame.size)) }
    return MemoryExtent(
      readable: PhysicalRanges(readable), physical: PhysicalRanges(readable + dumped + physical),
      dumped: PhysicalRanges(readable + dumped))
  }

  package func withPage<Result>(
    at address: PhysicalAddress, _ body: (RawSpan) -> Result
  ) throws(MissingPage) -> Result {
    guard let page = pages[address.frameStart.value], !damaged.contains(address.frameStart.value) else {
      throw extent.reasonMissing(address)
    }
    counter.count.add(1, ordering: .relaxed)
    return body(page.span.bytes)
  }
}

private final class ReadCounter: Sendable {
  let count = Atomic<Int>(0)
}
