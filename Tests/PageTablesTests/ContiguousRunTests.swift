import PageTables
import TestSupport
import Testing

/// Groups of leaves that say they belong together: Arm's Contiguous bit (Arm ARM, D8.7) and RISC-V's Svnapot.
@Suite struct ContiguousRunTests {
  private static let scheme = AArch64.paging(.kib4)
  /// A page descriptor for EL1 with AF, and the Contiguous bit (D8.3.2).
  private static let page: UInt64 = 0x703
  private static let hint: UInt64 = 1 << 52
  private static let table = TableReference(address: PhysicalAddress(0x1000), level: 3)

  /// 48 entries from slot 16 on, for consecutive frames from 4021_0000 on; the first 32 have the bit.
  private func memory() -> TableMemory {
    var memory = TableMemory()
    for slot in 16..<64 {
      let bit = slot < 48 ? Self.hint : 0
      memory.set(table: 0x1000, slot: slot, to: 0x4020_0000 + UInt64(slot) << 12 | Self.page | bit)
    }
    return memory
  }

  private func run(_ slot: Int, _ memory: TableMemory) throws -> ContiguousRun? {
    try Self.scheme.contiguousRun(around: slot, of: Self.table, in: memory)
  }

  /// Arm ARM, D8.7, "Contiguous bit": the number of contiguous entries by granule and level; the largest blocks of 52-bit
  /// addresses have none.
  @Test(arguments: [
    (AArch64.Granule.kib4, true, [1, 1, 16, 16, 16]), (.kib16, true, [1, 1, 32, 128]),
    (.kib64, true, [1, 32, 32]),
  ])
  func theLengthOfARunFollowsFromGranuleAndLevel(_ granule: AArch64.Granule, isWide: Bool, lengths: [Int]) {
    let scheme = AArch64.paging(granule, isWide: isWide)
    #expect(scheme.levels.map { $0.entriesOfRun(1 << 52) } == lengths)
  }

  @Test func aWholeRunIsFoundFromEachOfItsEntries() throws {
    for slot in [16, 25, 31] {
      #expect(try run(slot, memory()) == ContiguousRun(slots: 16..<32, isOnePage: false, flaw: nil))
    }
    #expect(try run(32, memory())?.slots == 32..<48)
    #expect(try run(48, memory()) == nil)
  }

  @Test func anEntryWithoutTheBitLeavesTheRunIncomplete() throws {
    var memory = memory()
    memory.set(table: 0x1000, slot: 20, to: 0x4021_4000 | Self.page)
    #expect(try run(21, memory)?.flaw == .incomplete(15))
    #expect(try run(20, memory) == nil)
    memory.set(table: 0x1000, slot: 21, to: 0)
    #expect(try run(22, memory)?.flaw == .incomplete(14))
  }

  /// D8.5: the processor sets AF (bit 10), and clears AP[2] (bit 7) where DBM is set, in one entry alone.
  /// Bits 58:55 are software's (D8.3.2): the processor ignores them.
  @Test func onlyWhatTheProcessorChangesOrIgnoresMayDiffer() throws {
    var memory = memory()
    memory.set(table: 0x1000, slot: 20, to: 0x4021_4000 | Self.page ^ 0x400 | Self.hint | 0x80 | 1 << 55)
    #expect(try run(21, memory)?.flaw == nil)
    memory.set(table: 0x1000, slot: 20, to: 0x4021_4000 | Self.page | Self.hint | 1 << 54)
    #expect(try run(21, memory)?.flaw == .attributes(1 << 54))
  }

  @Test func theFramesFollowEachOtherFromAMultipleOfTheLength() throws {
    var memory = memory()
    memory.set(table: 0x1000, slot: 20, to: 0x5021_4000 | Self.page | Self.hint)
    #expect(try run(21, memory)?.flaw == .frames)
    for slot in 16..<32 {
      memory.set(table: 0x1000, slot: slot, to: 0x4020_1000 + UInt64(slot) << 12 | Self.page | Self.hint)
    }
    #expect(try run(21, memory)?.flaw == .frames)
  }

  @Test func aShortTableHasNoRun() throws {
    let scheme = AArch64.paging(.kib4, virtualAddressBits: 31)
    var memory = TableMemory()
    for slot in 0..<2 {
      memory.set(table: 0x1000, slot: slot, to: UInt64(slot) << 30 | Self.page - 2 | Self.hint)
    }
    let root = TableReference(address: PhysicalAddress(0x1000), level: 0)
    #expect(try scheme.contiguousRun(around: 1, of: root, in: memory)?.flaw == .exceedsTable)
  }

  /// RISC-V, "Svnapot": N, and 1000 in the low bits of the page number.
  @Test func entriesOfOnePageBelongTogether() throws {
    var memory = TableMemory()
    for slot in 32..<48 { memory.set(table: 0x1000, slot: slot, to: 1 << 63 | 0x8000_8000 >> 2 | 0xcf) }
    let table = TableReference(address: PhysicalAddress(0x1000), level: 2)
    #expect(
      try RISCV.sv39().contiguousRun(around: 40, of: table, in: memory)
        == ContiguousRun(slots: 32..<48, isOnePage: true, flaw: nil))
    memory.set(table: 0x1000, slot: 47, to: 0)
    #expect(try RISCV.sv39().contiguousRun(around: 40, of: table, in: memory)?.flaw == .incomplete(15))
  }

  @Test func whatFoldsIsPartedAtWholeGroups() throws {
    var memory = TableMemory()
    for slot in 13..<50 {
      memory.set(table: 0x1000, slot: slot, to: 0x4020_0000 + UInt64(slot) << 12 | Self.page | Self.hint)
    }
    let run = try #require(try Self.scheme.runs(of: Self.table, in: memory).first { $0.kind == .leaf })
    let parts = Self.scheme.parted(run, level: 3)
    #expect(parts.map(\.slot) == [13, 16, 48])
    #expect(parts.map(\.count) == [3, 32, 2])
    #expect(parts.map(\.groupLength) == [1, 16, 1])
    #expect(parts.map(\.address.value) == [0x4020_d000, 0x4021_0000, 0x4023_0000])
  }
}
