import PageTables
import TestSupport
import Testing

/// What a look at all tables complains of.
@Suite struct FindingTests {
  private let scheme = X86.paging4Level()

  private func findings(_ spaces: [AddressSpace], _ memory: TableMemory) throws -> [Finding] {
    let index = try #require(SpaceIndex(spaces, memory: memory))
    let findings = Findings(of: index, in: memory) { $0.upperHalf }
    #expect(findings.isComplete)
    return findings.all
  }

  private let noExecute: UInt64 = 1 << 63

  @Test func quietTablesGiveNothing() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: space, flags: 7 | noExecute)
    memory.map(0x2000, to: 0x6000, in: space, flags: 5)
    memory.map(0xffff_8000_0000_0000, to: 0x5000, in: space, flags: 3 | noExecute)
    #expect(try findings([space], memory) == [])
  }

  // As a compressed page that turns out to be damaged: the source says that it has it, and cannot give it.
  @Test func aTableWhosePageCannotBeGivenIsOutsideTheDump() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: space, flags: 7 | noExecute)
    let table = try #require(memory.entry(table: space.root.value, slot: 0)) & ~0xfff
    memory.damagePage(table)
    let found = try findings([space], memory)
    #expect(found.map(\.kind) == [.tableOutsideDump])
    #expect(found.map(\.table.address) == [space.root])
    #expect(found.map(\.slot) == [0])
  }

  @Test func writableExecutablePagesAreJoined() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    for page in 1...3 as ClosedRange<UInt64> { memory.map(page << 12, to: page << 24, in: space) }
    let found = try findings([space], memory)
    #expect(found.map(\.kind) == [.writableExecutable])
    #expect(found.map(\.virtual.value) == [0x1000])
    #expect(found.map(\.length) == [0x3000])
  }

  // Rights belong to a path: the leaf allows all, the table above forbids writing.
  @Test func rightsThatNoPathGivesAreNoFinding() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: space, flags: 7, tableFlags: 5)
    #expect(try findings([space], memory) == [])
  }

  @Test func rightThatTheSecondSpaceHasIsFoundThere() throws {
    var memory = TableMemory()
    let first = memory.makeSpace("read only", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: first)
    let below = try #require(memory.entry(table: first.root.value, slot: 0))
    memory.set(table: first.root.value, slot: 0, to: below & ~2)
    let second = memory.makeSpace("writable", scheme: scheme)
    memory.set(table: second.root.value, slot: 2, to: below)
    let found = try findings([first, second], memory)
    #expect(found.map(\.spaceNumber) == [1])
    #expect(found.map(\.virtual.value) == [2 << 39 + 0x1000])
    #expect(found.map(\.spaces) == [2])
  }

  @Test func kernelMemoryOpenToUsersIsFound() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0xffff_ffff_ff60_0000, to: 0x5000, in: space, flags: 5)
    let found = try findings([space], memory)
    #expect(found.map(\.kind) == [.userKernelMemory])
    #expect(found.map(\.virtual.value) == [0xffff_ffff_ff60_0000])
  }

  /// A table that the kernel's half of one space and the user's half of another hold.
  private func tableOnBothSides(kernelIsOpen: Bool) throws -> (spaces: [AddressSpace], memory: TableMemory) {
    var memory = TableMemory()
    let first = memory.makeSpace("first", scheme: scheme)
    let second = memory.makeSpace("second", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: first, flags: 5)
    let below = try #require(memory.entry(table: first.root.value, slot: 0))
    memory.set(table: first.root.value, slot: 0, to: kernelIsOpen ? below & ~4 : below)
    memory.set(table: second.root.value, slot: 256, to: kernelIsOpen ? below : below & ~4)
    return ([first, second], memory)
  }

  @Test func userRightOfAUserAddressIsNoKernelMemory() throws {
    let (spaces, memory) = try tableOnBothSides(kernelIsOpen: false)
    #expect(try findings(spaces, memory) == [])
  }

  @Test func kernelMemoryOpenByAnotherPathThanTheOwnersIsFound() throws {
    let (spaces, memory) = try tableOnBothSides(kernelIsOpen: true)
    let found = try findings(spaces, memory)
    #expect(found.map(\.kind) == [.userKernelMemory])
    #expect(found.map(\.virtual.value) == [0xffff_8000_0000_1000])
    #expect(found.map(\.spaceNumber) == [1])
  }

  @Test func tableThatItsUserCanWriteIsFound() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    let (table, _) = memory.map(0x1000, to: 0x5000, in: space, flags: 7 | noExecute)
    memory.map(0x2000, to: table, in: space, flags: 7 | noExecute)
    memory.map(0x20_0000, to: 0, in: space, level: 2, flags: 0x85 | noExecute)
    let found = try findings([space], memory)
    #expect(found.map(\.kind) == [.userWritableTable])
    #expect(found.map(\.virtual.value) == [0x2000])
  }

  @Test func entriesThatCannotBeFollowedAreFound() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    memory.set(table: space.root.value, slot: 5, to: 0x7777_7007)
    memory.set(table: space.root.value, slot: 6, to: 0x5000 | 0x87)
    let found = try findings([space], memory)
    #expect(found.map(\.kind) == [.malformedEntry, .tableOutsideDump])
    #expect(found.map(\.slot) == [6, 5])
    #expect(found.map(\.virtual.value) == [6 << 39, 5 << 39])
    #expect(found.map(\.length) == [1 << 39, 1 << 39])
  }

  // SDM Vol. 3A, Table 4-8: bits 2:1 of a PDPTE are reserved; emulators follow such an entry all the same.
  @Test func reservedBitsThatEmulatorsLetPassAreFound() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.pae())
    memory.map(0x4000_1000, to: 0x5000, in: space, flags: 5)
    let raw = try #require(memory.entry(table: space.root.value, slot: 1))
    #expect(try findings([space], memory) == [])
    memory.set(table: space.root.value, slot: 1, to: raw | 6)
    let found = try findings([space], memory)
    #expect(found.map(\.kind) == [.toleratedBits])
    #expect(found.map(\.slot) == [1])
    #expect(found.map(\.raw) == [raw | 6])
    #expect(space.translate(VirtualAddress(0x4000_1000), in: memory).page?.physical.value == 0x5000)
  }

  // More pages than findings are kept: 300 page tables side by side, all of whose entries allow all.
  @Test func aLandThatIsOpenToAllIsOneFinding() throws {
    let memory = ComputedMemory(pages: 304, entrySize: 8) { page, slot in
      switch page >> 12 {
      case 0: return slot == 0 ? 0x1007 : 0
      case 1: return slot == 0 ? 0x2007 : 0
      case 2: return slot < 300 ? UInt64(4 + slot) << 12 | 7 : 0
      default: return 0x100_0000_0007 | page << 9 | UInt64(slot) << 12
      }
    }
    let space = AddressSpace(name: "", root: PhysicalAddress(0), scheme: scheme)
    let index = try #require(SpaceIndex([space], memory: memory))
    let findings = Findings(of: index, in: memory, kernelStart: \.upperHalf)
    #expect(findings.isComplete)
    #expect(findings.all.map(\.kind) == [.writableExecutable])
    #expect(findings.all.map(\.virtual.value) == [0])
    #expect(findings.all.map(\.length) == [0x2580_0000])
    #expect(findings.all.map(\.raw) == [0x100_0080_0007])
  }

  // Too many of one kind leave room for another.
  @Test func everyKindIsLookedForToTheEnd() throws {
    let memory = ComputedMemory(pages: 1028, entrySize: 8) { page, slot in
      switch page >> 12 {
      case 0: return slot == 0 ? 0x1007 : slot == 300 ? 0x5000_0007 : 0
      case 1: return slot < 2 ? UInt64(2 + slot) << 12 | 7 : 0
      case 2: return UInt64(4 + slot) << 12 | 7
      case 3: return UInt64(516 + slot) << 12 | 7
      // The last table: user space may write a table.
      case 1027: return slot == 9 ? 0x8000_0000_0000_0007 : 0
      // Every other page.
      default: return slot % 2 == 0 ? 0x100_0000_0007 : 0
      }
    }
    let space = AddressSpace(name: "", root: PhysicalAddress(0), scheme: scheme)
    let index = try #require(SpaceIndex([space], memory: memory))
    let findings = Findings(of: index, in: memory, kernelStart: \.upperHalf)
    #expect(!findings.isComplete)
    #expect(findings.all.count { $0.kind == .writableExecutable } < 1023 * 256)
    #expect(findings.all.filter { $0.kind == .tableOutsideDump }.map(\.slot) == [300])
    let writable = findings.all.filter { $0.kind == .userWritableTable }
    #expect(writable.map(\.virtual.value) == [0x7fe0_9000])
  }

  // A table that lies on both sides of where the kernel begins.
  @Test func kernelMemoryBeginsInsideATable() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    for page in 0..<8 as Range<UInt64> {
      memory.map(page << 12, to: 0x5000 + page * 0x1000, in: space, flags: 5 | noExecute)
    }
    let index = try #require(SpaceIndex([space], memory: memory))
    let findings = Findings(of: index, in: memory) { _ in VirtualAddress(0x3000) }
    #expect(findings.all.map(\.kind) == [.userKernelMemory])
    #expect(findings.all.map(\.virtual.value) == [0x3000])
    #expect(findings.all.map(\.length) == [0x5000])
    #expect(findings.all.map(\.slot) == [3])
  }

  // 32-bit paging has no bit against execution: every writable page would be a finding.
  @Test func schemesWithoutNoExecuteSaySoOnce() throws {
    var memory = TableMemory()
    let scheme = X86.paging32()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: space)
    let index = try #require(SpaceIndex([space], memory: memory))
    let findings = Findings(of: index, in: memory) { $0.upperHalf }
    #expect(findings.all == [])
    #expect(findings.schemesWithoutNoExecute == [scheme])
    #expect(findings.schemesWithAllExecutable == [])
  }

  // As for 32-bit programs that ask for it: the bit exists, and no entry of the user's half has it set.
  @Test(arguments: [(UInt64(0), 1), (1 << 63, 0)])
  func nothingThatForbidsUsersExecutionIsSaid(bit: UInt64, count: Int) throws {
    var memory = TableMemory()
    let scheme = X86.paging4Level()
    let space = memory.makeSpace("", scheme: scheme)
    memory.map(0x1000, to: 0x5000, in: space, flags: 7)
    memory.map(0x2000, to: 0x6000, in: space, flags: 7 | bit)
    // The kernel's own do not count.
    memory.map(0x3000, to: 0x7000, in: space, flags: 3 | 1 << 63)
    let index = try #require(SpaceIndex([space], memory: memory))
    let findings = Findings(of: index, in: memory) { $0.upperHalf }
    #expect(findings.schemesWithAllExecutable.count == count)
  }
}
