import PageTables
import TestSupport
import Testing

/// What the tree folds into one row.
@Suite struct EntryRunTests {
  private let scheme = X86.paging4Level().ofLinux

  private func runs(_ memory: TableMemory, level: Int = 3, folded: Bool = true) throws -> [EntryRun] {
    let table = TableReference(address: PhysicalAddress(0x1000), level: level)
    return try scheme.runs(of: table, in: memory, folded: folded)
  }

  @Test func anEmptyTableIsOneRun() throws {
    var memory = TableMemory()
    memory.addPage(0x1000)
    let all = try runs(memory)
    #expect(all.map(\.count) == [512])
    #expect(all.map(\.kind) == [.absent])
    #expect(try runs(memory, folded: false) == all)
  }

  @Test func contiguousFramesFoldAndTheSameFrameFolds() throws {
    var memory = TableMemory()
    for slot in 0..<4 { memory.set(table: 0x1000, slot: slot, to: 0x5000 + UInt64(slot) << 12 | 7) }
    for slot in 4..<6 { memory.set(table: 0x1000, slot: slot, to: 0x8007) }
    memory.set(table: 0x1000, slot: 6, to: 0x9005)
    let all = try runs(memory)
    #expect(all.map(\.count) == [4, 2, 1, 505])
    #expect(all.map(\.stride) == [0x1000, 0, 0, 0])
    #expect(all.map(\.address.value) == [0x5000, 0x8000, 0x9000, 0])
    #expect(try runs(memory, folded: false).map(\.count) == [1, 1, 1, 1, 1, 1, 1, 505])
  }

  @Test func pointersFoldOnlyWhereTheyAreTheSame() throws {
    var memory = TableMemory()
    for slot in 0..<3 { memory.set(table: 0x1000, slot: slot, to: 0x5007) }
    memory.set(table: 0x1000, slot: 3, to: 0x6007)
    memory.set(table: 0x1000, slot: 4, to: 0x20_0087)
    memory.set(table: 0x1000, slot: 5, to: 0x40_0087)
    let all = try runs(memory, level: 2)
    #expect(all.map(\.kind) == [.table, .table, .leaf, .absent])
    #expect(all.map(\.count) == [3, 1, 2, 506])
    #expect(all[2].stride == 0x20_0000)
  }

  @Test func marksKeepTheirFrame() throws {
    var memory = TableMemory()
    memory.addPhysical(0x1234_5000, 0x1234_6000)
    memory.set(table: 0x1000, slot: 0, to: ~0x1234_5000 & 0xf_ffff_ffff_f000 | 0x100)
    let run = try runs(memory)[0]
    #expect(run.kind == .marked)
    #expect(run.address.value == 0x1234_5000)
  }
}
