import PageTables
import TestSupport
import Testing

/// Mirroring user pages of a dump that somebody else wrote.
@Suite struct CrossProcessUserTests {
  private let base: TableMemory
  private let space: AddressSpace

  init() {
    var base = TableMemory()
    space = base.makeSpace("dump", scheme: X86.paging4Level())
    base.addPhysical(0, 0x40_0000)
    base.map(0x40_1000, to: 0x5000, in: space)
    base.map(0x40_2000, to: 0x9000, in: space, flags: 5)
    base.map(0x40_3000, to: 0x6000, in: space, flags: 3)
    base.map(0x40_4000, to: 0x7fff_0000, in: space)
    base.map(0x60_0000, to: 0x20_0000, in: space, level: 2, flags: 0x87)
    base.map(0xffff_8880_0000_0000, to: 0x1000, in: space, flags: 3)
    self.base = base
  }

  @Test func userPagesAreMirroredAndTheDumpComesBackUnchanged() throws {
    let overlay = OverlayMemory(over: base)
    do {
      let mirror = try space.mirror(VirtualAddress(0x40_1ff0), length: 0x20, in: overlay)
      #expect(mirror.frames == [Frame(5), Frame(9)])
      // Behind the page that is mapped already, in the same table.
      #expect(mirror.address.value == 0xffff_8880_0000_1ff0)
      let page = try #require(space.translate(mirror.address.advanced(by: 0x10), in: overlay).page)
      #expect(page.physical.value == 0x9000)
      #expect(page.access.contains(.write))
      #expect(overlay.changedPages == 1)
    }
    #expect(!overlay.isChanged)
  }

  @Test func hugePagesGiveTheirFrames() throws {
    let overlay = OverlayMemory(over: base)
    let mirror = try space.mirror(VirtualAddress(0x60_3000), length: 0x2000, in: overlay)
    #expect(mirror.frames == [PhysicalAddress(0x20_3000).frame, PhysicalAddress(0x20_4000).frame])
  }

  @Test func whatIsNoUserMemoryCannotBeMirrored() {
    let overlay = OverlayMemory(over: base)
    let before = MemoryPicture(overlay, counting: [Frame(5), Frame(9)])
    func expect(_ error: MirrorError, _ address: UInt64, _ length: UInt64) {
      do throws(MirrorError) {
        _ = try space.mirror(VirtualAddress(address), length: length, in: overlay)
        Issue.record("no error where \(error) is due")
      } catch let thrown {
        #expect(thrown == error)
      }
      #expect(MemoryPicture(overlay, counting: [Frame(5), Frame(9)]) == before)
    }
    expect(.empty, 0x40_1000, 0)
    expect(.notMapped(VirtualAddress(0x40_0000)), 0x40_0fff, 2)
    expect(.supervisorOnly(VirtualAddress(0x40_3000)), 0x40_1000, 0x2001)
    expect(.noMemory(VirtualAddress(0x40_4000), PhysicalAddress(0x7fff_0000)), 0x40_4000, 1)
    expect(.outsideAddressSpace(VirtualAddress(0x7fff_ffff_f000)), 0x7fff_ffff_f000, 0x2000)
    expect(.outsideAddressSpace(VirtualAddress(0x40_1000)), 0x40_1000, .max)
    expect(.supervisorOnly(VirtualAddress(0xffff_8880_0000_0000)), 0xffff_8880_0000_0000, 1)
    // The machine has 1024 pages of memory, and the tables lie within.
    expect(.tooLong(pages: 1025, limit: 1024), 0x60_0000, 0x40_0001)
  }

  @Test func framesThatTheDumpLeftOutCanBeMirrored() throws {
    let overlay = OverlayMemory(over: base)
    #expect(throws: MissingPage.notInDump) { try overlay.read(at: PhysicalAddress(0x5000), size: 8) }
    #expect(try space.mirror(VirtualAddress(0x40_1000), length: 1, in: overlay).frames == [Frame(5)])
  }

  @Test(arguments: X86.all()) func aTableThatAllSpacesShareShowsTheMirrorInAll(scheme: PagingScheme) throws {
    var base = TableMemory()
    base.addPhysical(0, 0x10_0000)
    let one = base.makeSpace("one", scheme: scheme)
    let two = base.makeSpace("two", scheme: scheme)
    let kernel = scheme.isSignExtended ? 0xffff_c900_0000_0000 : 0xc000_0000 as UInt64
    base.map(kernel, to: 0x1000, in: one, flags: 3)
    base.map(0x1000, to: 0x5000, in: one)
    base.map(scheme.isSignExtended ? 0x2000 : 0x8000_0000, to: 0x6000, in: one)
    let level = scheme.levels[0]
    let slot = level.slot(of: VirtualAddress(kernel))
    let size = level.format.entrySize
    let raw = try #require(base.entry(table: one.root.value, slot: slot, size: size))
    base.set(table: two.root.value, slot: slot, to: raw, size: size)
    let overlay = OverlayMemory(over: base)
    let mirror = try one.mirror(VirtualAddress(0x1000), length: 0x1000, in: overlay)
    #expect(mirror.address.value == kernel + 0x1000)
    #expect(two.translate(mirror.address, in: overlay).page?.physical.value == 0x5000)
  }

  // Frames of 4 KiB cannot be mapped one by one with pages of 16 KiB: the first would bring three more along.
  @Test func aLandOfOtherPagesIsRefused() throws {
    let format = EntryFormat(
      entrySize: 8, present: .set(0), pointsAtTable: .never,
      tableAddress: AddressFormat(mask: 0xffff_ffff_c000), leafAddress: AddressFormat(mask: 0xffff_ffff_c000),
      rights: RightsRules(write: .set(1), user: .set(2), execute: .always))
    let scheme = PagingScheme(
      name: "16k", title: "16 KiB", virtualAddressBits: 25, isSignExtended: false, rootRegister: "ROOT",
      rootAddress: format.tableAddress, rootAlignment: 1 << 14,
      levels: [
        PagingLevel(name: "T", shift: 14, indexBits: 11, format: format, tableFields: [], leafFields: [])
      ])
    var base = base
    for page: UInt64 in 0..<4 { base.addPage(0x3_0000 + page << 12) }
    let overlay = OverlayMemory(over: base)
    let before = MemoryPicture(overlay, counting: [Frame(5)])
    let kernel = AddressSpace(name: "kernel", root: PhysicalAddress(0x3_0000), scheme: scheme)
    let land = KernelLand(upperHalfOf: kernel)
    #expect(land.freeStretch(pages: 1, in: overlay)?.value == 1 << 24)
    do throws(MirrorError) {
      _ = try space.mirror(VirtualAddress(0x40_1000), length: 1, in: overlay, land: land)
      Issue.record("no error")
    } catch {
      #expect(error == .pageSize(0x4000))
      #expect(error.description.contains("0x4000"))
    }
    #expect(MemoryPicture(overlay, counting: [Frame(5)]) == before)
  }
}
