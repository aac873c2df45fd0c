import PageTables
import TestSupport
import Testing

/// What RISC-V's entries are said to hold: RISC-V Privileged Specification, sections Sv39, Svnapot, Svpbmt and
/// Svrsw60t59b.
@Suite struct RISCVFieldTests {
  private func fields(_ raw: UInt64, level: Int) -> [String] {
    let level = RISCV.sv39().levels[level]
    return level.fields(of: raw).map { "\($0.name)=\($0.value(in: raw))" }
  }

  @Test func aLeafNamesItsBits() {
    // PPN 0x1234, RSW 2, D, A, U, R, V.
    #expect(
      fields(0x0048_d2d3, level: 2) == [
        "V=1", "R=1", "W=0", "X=0", "U=1", "G=0", "A=1", "D=1", "RSW=2", "PPN=4660", "RSW60t59b=0",
        "PBMT=0", "N=0",
      ])
    // N is a bit of level 0 alone; a superpage's PPN begins where its alignment ends.
    #expect(fields(0x2000_0000_0008_00c7, level: 1).suffix(3) == ["PPN=1", "RSW60t59b=0", "PBMT=1"])
  }

  @Test func aPointerHasNoRights() {
    #expect(fields(0x0048_d221, level: 0) == ["V=1", "G=1", "RSW=2", "PPN=4660", "RSW60t59b=0"])
  }

  @Test func memoryTypesHaveNames() throws {
    let field = try #require(RISCV.sv39().levels[2].leafFields.first { $0.name == "PBMT" })
    #expect(field.flag(of: 1) == "NC")
    #expect(field.flag(of: 2) == "IO")
    #expect(field.meaning(of: 0) == "PMA")
  }

  /// Section satp: MODE 8, 9 and 10 are Sv39, Sv48 and Sv57; 0 is Bare, all others are reserved or other standards'.
  @Test func satpChoosesTheScheme() {
    #expect(RISCV.scheme(satp: 0x8000_0000_0008_1fcb as UInt64)?.name == "riscv-sv39")
    #expect(RISCV.scheme(satp: 0x9002_1000_0008_2e83 as UInt64)?.name == "riscv-sv48")
    #expect(RISCV.scheme(satp: 0xa002_1000_0008_34f0 as UInt64)?.name == "riscv-sv57")
    for mode: UInt64 in [0, 1, 7, 11, 15] { #expect(RISCV.scheme(satp: mode << 60 | 0x81fcb) == nil) }
    #expect(RISCV.scheme(satp: 0x8008_1fcb as UInt32)?.name == "riscv-sv32")
    #expect(RISCV.scheme(satp: 0x0008_1fcb as UInt32) == nil)
    // ASID is no part of the address.
    #expect(RISCV.sv57().rootAddress.address(in: 0xa002_1000_0008_34f0) == PhysicalAddress(0x834f_0000))
    #expect(RISCV.sv32().rootAddress.address(in: 0x8143_4567) == PhysicalAddress(0x3456_7000))
  }

  /// Section Svnapot: 16 entries that hold the same number are one page of 64 KiB, and the walk joins them.
  @Test func aNapotPageIsOneRange() {
    var memory = TableMemory()
    let tables = (0..<3).map { _ in memory.makeTable() }
    memory.set(table: tables[0], slot: 0, to: tables[1] >> 2 | 1)
    memory.set(table: tables[1], slot: 0, to: tables[2] >> 2 | 1)
    for slot in 16..<32 { memory.set(table: tables[2], slot: slot, to: 0x8000_0000_0000_a0d7) }
    // An ordinary page that continues it.
    memory.set(table: tables[2], slot: 32, to: 0x30 << 10 | 0xd7)
    let space = AddressSpace(name: "", root: PhysicalAddress(tables[0]), scheme: RISCV.sv39())
    var ranges: [[UInt64]] = []
    _ = space.forEachRange(in: memory) { range in
      let size = space.scheme.levels[range.level].pageSize(of: range.raw)
      ranges.append([range.virtual.value, range.physical.value, range.length, size])
      return true
    }
    #expect(ranges == [[0x1_0000, 0x2_0000, 0x1_0000, 0x1_0000], [0x2_0000, 0x3_0000, 0x1000, 0x1000]])
  }
}
