import PageTables
import TestSupport
import Testing

/// Tables that allow the two privileges different things. In `InventedScheme.splitRights` bits 0 to 2 are read, write
/// and execute, bit 3 opens the entry to the user, and bit 4 lets the user execute.
@Suite struct SplitRightsTests {
  private let scheme = InventedScheme.splitRights.scheme(levels: 2)

  @Test func referencesAndLinksTellThePrivilegesApart() throws {
    var memory = TableMemory()
    let one = memory.makeSpace("one", scheme: scheme)
    let two = memory.makeSpace("two", scheme: scheme)
    let table = memory.map(0x1000, to: 0x5_0000, in: one, flags: 0x1f, tableFlags: 0x1f).table
    // The user reads, the supervisor also executes.
    memory.set(table: two.root.value, slot: 3, to: table | 0xd)
    let walked = walkSpaces([one, two], in: memory)
    guard case .reference(_, _, let rights)? = walked.items[1].first else {
      Issue.record("no reference")
      return
    }
    #expect(rights == [.read, .execute, .userRead])
    #expect(walked.items[1].first?.access == .user)
    var links: [SpaceIndex.TableLink] = []
    try #require(SpaceIndex([one, two], memory: memory)).forEachLink { links.append($0) }
    #expect(links.map(\.rights) == [.all, [.read, .execute, .userRead]])
    #expect(links.map(\.access) == [.all, .user])
  }

  /// The supervisor writes what the user only reads: a scheme with a bit for each, which splitRights has not.
  private var writableForOne: PagingScheme {
    let address = AddressFormat(mask: 0xffff_f000)
    let rights = RightsRules(
      write: AccessRule(.set(1)), execute: AccessRule(.always), userRead: AccessRule(.set(3)),
      userWrite: AccessRule(.set(4)), userExecute: AccessRule(.set(3)))
    return PagingScheme(
      name: "one", title: "", virtualAddressBits: 20, isSignExtended: false, rootRegister: "ROOT",
      rootAddress: address, rootAlignment: 4096,
      levels: [16, 12].map { shift in
        PagingLevel(
          name: "T", shift: shift, indexBits: 4,
          format: EntryFormat(
            entrySize: 8, present: .set(0), pointsAtTable: shift == 12 ? .never : .always,
            tableAddress: address, leafAddress: address, rights: rights), tableFields: [], leafFields: [])
      })
  }

  @Test func aTableThatTheSupervisorWritesThroughIsKernelLand() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("one", scheme: writableForOne)
    let table = memory.makeTable()
    // Present, supervisor writes, user reads; the first page is taken.
    memory.set(table: space.root.value, slot: 8, to: table | 0xb)
    memory.set(table: table, slot: 0, to: 0x5_0003)
    let land = KernelLand(upperHalfOf: space)
    #expect(land.first.value == 0x8_0000)
    #expect(land.freeStretch(pages: 1, in: memory)?.value == 0x8_1000)
    let overlay = OverlayMemory(over: memory)
    try space.map(VirtualAddress(0x8_1000), to: [Frame(0x51)], access: [.write, .execute], in: overlay)
    #expect(
      space.translate(VirtualAddress(0x8_1000), in: overlay).page?.rights == [.read, .write, .execute])
    // The user, too, would have to write through it.
    #expect(throws: WritingError.pathForbids(VirtualAddress(0x8_2000), .write)) {
      try space.map(VirtualAddress(0x8_2000), to: [Frame(0x52)], access: .all, in: overlay)
    }
    // Read-only to both.
    memory.set(table: space.root.value, slot: 8, to: table | 1)
    #expect(land.freeStretch(pages: 1, in: memory)?.value == 0x9_0000)
  }
}
