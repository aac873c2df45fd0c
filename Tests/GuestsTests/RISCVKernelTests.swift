import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// What RISC-V's Linux tells of itself, without registers: where its root lies, and what it keeps in entries.
@Suite struct RISCVKernelTests {
  /// A kernel of Sv39 that is linked to ffffffff80000000 and was loaded at 80200000; its root is at 81000000.
  private func image() -> MemoryImage {
    var memory = TableMemory(firstTable: 0x8100_0000)
    let root = memory.makeTable()
    let middle = memory.makeTable()
    // 1 GiB from ffffffff80000000 on is slot 510 of the root; 16 MiB of pages of 2 MiB, global, RWX, A, D.
    memory.set(table: root, slot: 510, to: middle >> 2 | 1)
    for slot in 0..<8 {
      memory.set(table: middle, slot: slot, to: (0x8020_0000 + UInt64(slot) << 21) >> 2 | 0xef)
    }
    memory.addPhysical(0x8000_0000, 0x8200_0000)
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = .riscv
    return image
  }

  private func root(_ numbers: String) throws -> AddressSpace? {
    let info = try #require(Vmcoreinfo(Array(("SYMBOL(swapper_pg_dir)=ffffffff80e00000\n" + numbers).utf8)))
    return KernelSpace(image: image(), spaces: FoundSpaces(), features: ProcessorFeatures()).find(info)
  }

  // `arch/riscv/kernel/vmcore_info.c`; kernels without `va_kernel_pa_offset` have `phys_ram_base`.
  @Test(
    arguments: ["NUMBER(va_kernel_pa_offset)=0xfffffffeffe00000\n", "NUMBER(phys_ram_base)=2149580800\n"])
  func vmcoreinfoLeadsToTheRoot(_ place: String) throws {
    let space = try root("NUMBER(VA_BITS)=39\n" + place)
    #expect(space?.root == PhysicalAddress(0x8100_0000))
    #expect(space?.scheme.name == "riscv-sv39")
    #expect(try root("NUMBER(VA_BITS)=48\n" + place)?.scheme.name == nil)
  }

  @Test func aWrongPlaceLeadsNowhere() throws {
    #expect(try root("NUMBER(VA_BITS)=39\nNUMBER(va_kernel_pa_offset)=0xfffffffeffc00000\n") == nil)
    #expect(try root("NUMBER(VA_BITS)=39\n") == nil)
  }

  private func meaning(_ raw: UInt64, level: Int = 4) -> EntryMeaning? {
    LinuxEntryReader(
      swapTypes: SwapTypes(files: 27, isPoisonKnown: true, migrations: 3), hasSavedDirty: nil
    ).meaning(of: raw, level: level, scheme: RISCV.sv57())
  }

  // Entries of a guest (6.12), beside what its `/proc/PID/pagemap` said.
  @Test func protNoneKeepsItsFrame() {
    #expect(meaning(0x203f_20e2)?.summary == "PROT_NONE")
    #expect(meaning(0x203f_20e2)?.frame == PhysicalAddress(0x80fc_8000))
  }

  // A page of the direct map of the same guest, D, A, G, W and R: `set_direct_map_invalid_noflush` clears V alone. All
  // pages of the kernel have G, which is PROT_NONE in a process.
  @Test func aPageTakenOutOfTheKernelsMappingIsNotProtNone() {
    let scheme = RISCV.sv57().marked(by: .linux)
    let kernel = scheme.mark(in: 0x2182_c8e6, level: 4, at: VirtualAddress(0xff60_0000_060b_2000))
    #expect(kernel == FoundMark(name: "not present", address: PhysicalAddress(0x860b_2000)))
    let user = scheme.mark(in: 0x203f_20e2, level: 4, at: VirtualAddress(0x1000))
    #expect(user == FoundMark(name: "PROT_NONE", address: PhysicalAddress(0x80fc_8000)))
  }

  // `arch/riscv/kernel/vmlinux.lds.S` has `_sdata` before the read-only data, the others `_data` at the same place, or
  // none. The addresses are those of a guest's /proc/kallsyms.
  @Test(
    arguments: [
      (["_sdata": 0x80ea_0db8, "_data": 0x81c0_0000, "_edata": 0x81db_9400], 0x81c0_0000),
      (["_sdata": 0x81c0_0000, "_data": 0x81c0_0000, "_edata": 0x81db_9400], 0x81c0_0000),
      (["_sdata": 0x80ea_0db8, "_edata": 0x81db_9400], 0x80ea_0db8),
      (["_sdata": 0x80ea_0db8, "_data": 0x1000, "_edata": 0x81db_9400], 0x80ea_0db8),
    ] as [([String: UInt64], UInt64)])
  func theKernelsDataBeginsBehindWhatIsReadOnly(_ symbols: [String: UInt64], _ start: UInt64) {
    let data = KernelRegion.ofImage({ symbols[$0] }).filter { $0.kind == .data }
    #expect(data == [KernelRegion(kind: .data, start: start, end: 0x81db_9400, name: "")])
  }

  // `arch/riscv/include/asm/pgtable.h`: exclusive is bit 6, the type 7 to 11, the offset from 12 on.
  @Test func swapEntriesAreRead() {
    // The guest's pagemap: type 0, offset 0x200.
    #expect(self.meaning(0x20_0040)?.summary == "swap type 0, offset 0x200")
    let meaning = meaning(0x1234 << 12 | 3 << 7 | 1 << 6)
    #expect(meaning?.summary == "swap type 3, offset 0x1234")
    #expect(meaning?.isSwapped == true)
    #expect(meaning?.bits.first?.name == "exclusive")
  }

  // `arch/riscv/include/asm/pgtable-bits.h` of 6.19, with Svrsw60t59b: `_PAGE_SOFT_DIRTY` is bit 59, `_PAGE_UFFD_WP` 60;
  // `_PAGE_SWP_SOFT_DIRTY` is the bit of X, `_PAGE_SWP_UFFD_WP` that of U.
  @Test func marksOfNewerKernelsAreRead() {
    #expect(meaning(1 << 59 | 0x1417)?.bits.map(\.name) == ["soft-dirty"])
    #expect(meaning(1 << 60 | 0x1417)?.bits.map(\.name) == ["uffd-wp"])
    #expect(meaning(0x20_0018)?.bits.prefix(2).map(\.name) == ["soft-dirty", "uffd-wp"])
    #expect(meaning(0x20_0018, level: 3)?.isSwapped == true)
  }

  // `pmd_mkinvalid`: V and G are taken away, R, W and X stay.
  @Test func aHugePageThatIsSplitIsNoSwapEntry() {
    let meaning = meaning(0x8020_0000 >> 2 | 0xd6, level: 3)
    #expect(meaning?.summary == "huge page being split")
    #expect(meaning?.frame == PhysicalAddress(0x8020_0000))
  }
}
