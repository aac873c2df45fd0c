import PageTables
import TestSupport
import Testing

/// Tables of several pages of memory: two levels of 2048 entries, pages of 16 KiB. Expected values follow from the
/// addresses that the entries are given.
@Suite struct LargeTableTests {
  private static let format = EntryFormat(
    entrySize: 8, present: .set(0), pointsAtTable: .never,
    tableAddress: AddressFormat(mask: 0xffff_ffff_c000), leafAddress: AddressFormat(mask: 0xffff_ffff_c000),
    rights: RightsRules(write: .set(1), user: .set(2), execute: .always))
  private static let scheme: PagingScheme = {
    var upper = format
    upper.pointsAtTable = .always
    return PagingScheme(
      name: "large", title: "16 KiB", virtualAddressBits: 36, isSignExtended: false, rootRegister: "ROOT",
      rootAddress: format.tableAddress, rootAlignment: 1 << 14,
      levels: [
        PagingLevel(
          name: "upper", shift: 25, indexBits: 11, format: upper, tableFields: [], leafFields: []),
        PagingLevel(
          name: "lower", shift: 14, indexBits: 11, format: format, tableFields: [], leafFields: []),
      ])
  }()

  /// A root at 0x10000 whose last entry points at a table at 0x20000, in which the entries from 1024 on, which lie in
  /// its third page, map as many pages from 0x100000 on for the user.
  private static func memory(pages: Int) -> TableMemory {
    var memory = TableMemory(firstTable: 0x18_0000)
    for page in stride(from: UInt64(0), to: 0x20_0000, by: 4096) { memory.addPage(page) }
    set(0x1_0000, 2047, 0x2_0007, in: &memory)
    for page in 0..<pages { set(0x2_0000, 1024 + page, 0x10_0000 + UInt64(page) << 14 | 7, in: &memory) }
    return memory
  }

  private static func set(_ table: UInt64, _ slot: Int, _ raw: UInt64, in memory: inout TableMemory) {
    memory.set(table: table + UInt64(slot / 512) << 12, slot: slot % 512, to: raw)
  }

  private static let space = AddressSpace(name: "one", root: PhysicalAddress(0x1_0000), scheme: scheme)

  @Test("Every page of a table is that table")
  func pagesOfTables() throws {
    let memory = Self.memory(pages: 3)
    let index = try #require(SpaceIndex([Self.space], memory: memory))
    for page in 0..<UInt64(4) {
      let tables = index.tables(at: PhysicalAddress(0x2_0000 + page << 12).frame).map(\.table)
      #expect(tables == [TableReference(address: PhysicalAddress(0x2_0000), level: 1)])
    }
    #expect(index.tables(at: PhysicalAddress(0x2_4000).frame).isEmpty)
  }

  @Test("Pages that two spaces share are counted in the scheme's pages")
  func sharedPages() throws {
    var memory = Self.memory(pages: 3)
    // Another root, and a table of its own that maps the second and the third page.
    Self.set(0x3_0000, 0, 0x4_0007, in: &memory)
    for page in UInt64(1)...3 { Self.set(0x4_0000, Int(page), 0x10_0000 + page << 14 | 7, in: &memory) }
    let other = AddressSpace(name: "two", root: PhysicalAddress(0x3_0000), scheme: Self.scheme)
    let index = try #require(SpaceIndex([Self.space, other], memory: memory))
    let sharer = try #require(index.sharers(of: 0, in: memory).first)
    #expect(sharer.spaceNumber == 1 && sharer.pages == 2 && sharer.bytes == 2 << 14)
  }

  @Test("A table that the user can write is found by any of its pages", arguments: [0, 1, 3] as [UInt64])
  func userWritableTable(_ page: UInt64) throws {
    var memory = Self.memory(pages: 1)
    // A scheme with smaller pages maps one page of the lower table.
    let small = X86.paging4Level()
    let root = memory.makeSpace("small", scheme: small)
    memory.map(0x40_0000, to: 0x2_0000 + page << 12, in: root)
    let spaces = [Self.space, root]
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let kinds = Findings(of: index, in: memory, kernelStart: { _ in VirtualAddress(.max) }).all.map(\.kind)
    #expect(kinds.contains(.userWritableTable))
  }
}
