import PageTables
import TestSupport
import Testing

@testable import Guests

/// What Linux keeps in AArch64's entries, release by release: `arch/arm64/include/asm/pgtable-prot.h` and `pgtable.h`
/// of the kernel. The first PROT_NONE entry and the first swap entry are a 6.1's, beside what its pagemap said.
@Suite struct LinuxEntryOnAArch64Tests {
  private static let scheme = AArch64.paging(.kib4)
  private static let types = SwapTypes(files: 27, isPoisonKnown: true, migrations: 3)

  private func meaning(
    _ raw: UInt64, _ swap: LinuxEntryLayout.SwapOnAArch64 = .exclusive, level: Int = 3,
    _ scheme: PagingScheme = scheme
  ) -> EntryMeaning? {
    LinuxEntryReader(swapTypes: Self.types, hasSavedDirty: nil, swapOnAArch64: swap)
      .meaning(of: raw, level: level, scheme: scheme)
  }

  /// `PAGE_NONE`: no PTE_VALID; PTE_RDONLY, PTE_NG, PTE_PXN, PTE_UXN and bit 58, or PTE_PRESENT_INVALID, which is nG.
  @Test(arguments: [0x04e0_0000_4197_6f82, 0x0060_0000_4197_6f82] as [UInt64])
  func protNoneKeepsItsFrame(_ raw: UInt64) {
    for swap in [LinuxEntryLayout.SwapOnAArch64.exclusive, .clearOfGlobal] {
      #expect(meaning(raw, swap)?.summary == "PROT_NONE")
      #expect(meaning(raw, swap)?.frame == PhysicalAddress(0x4197_6000))
    }
  }

  /// The mark that the search for spaces sets says the same, and no swap entry has it.
  @Test func theMarkKnowsIt() throws {
    for name in ["aarch64-4k", "aarch64-16k", "aarch64-64k", "aarch64-4k-lpa2", "aarch64-4k-39"] {
      let plain = try #require(PagingSchemes.named(name))
      let scheme = plain.keeping(try #require(LinuxEntryLayout.marks(of: plain)))
      let last = scheme.levels.count - 1
      #expect(scheme.mark(in: 0x0060_0000_4000_0c82, level: last)?.name == "PROT_NONE")
      #expect(scheme.mark(in: 0x2_0004, level: last)?.name == SoftwareMark.software.name)
    }
  }

  /// A block without access, and one whose mapping is being split: `pmd_mkinvalid` takes away PTE_VALID and sets
  /// PMD_PRESENT_INVALID, bit 59, or nG, which it has anyway.
  @Test(
    arguments: [
      (0x0460_0000_4480_0f80, "PROT_NONE"), (0x0060_0000_4480_0f80, "PROT_NONE"),
      (0x0860_0000_4480_0fc0, "huge page being split"), (0x0060_0000_4480_0fc0, "huge page being split"),
    ] as [(UInt64, String)])
  func blocksKeepTheirFrame(_ raw: UInt64, _ summary: String) {
    #expect(meaning(raw, level: 2)?.summary == summary)
    #expect(meaning(raw, level: 2)?.frame == PhysicalAddress(0x4480_0000))
  }

  @Test(
    arguments: [
      // bits 3-7: type, bits 8-57: offset, bit 2: exclusive.
      (.exclusive, 0x2_0004, 0, 0x200, ["exclusive", "type", "offset"]),
      (.exclusive, 0x7_f008, 1, 0x7f0, ["type", "offset"]),
      // bits 2-7: type.
      (.plain, 0x2_0004, 1, 0x200, ["type", "offset"]),
      // bits 6-10: type, bits 12-61: offset, bit 3: uffd-wp.
      (.clearOfGlobal, 0x20_004c, 1, 0x200, ["exclusive", "uffd-wp", "type", "offset"]),
      (.clearOfGlobal, 0x7f_0000, 0, 0x7f0, ["type", "offset"]),
    ] as [(LinuxEntryLayout.SwapOnAArch64, UInt64, Int, UInt64, [String])])
  func swapEntriesHaveTypeAndOffset(
    _ swap: LinuxEntryLayout.SwapOnAArch64, _ raw: UInt64, _ type: Int, _ offset: UInt64, _ names: [String]
  ) {
    let meaning = meaning(raw, swap)
    #expect(meaning?.summary == "swap type \(type), offset 0x\(String(offset, radix: 16))")
    #expect(meaning?.bits.map(\.name) == names)
    #expect(meaning?.isSwapped == true)
    #expect(meaning?.frame == nil)
  }

  /// PTE_DIRTY, PTE_SPECIAL, PTE_DEVMAP, PTE_UFFD_WP; before that came, bit 58 was PTE_PROT_NONE.
  @Test(
    arguments: [
      (.exclusive, 55, "dirty"), (.exclusive, 56, "special"), (.exclusive, 57, "devmap"),
      (.exclusive, 58, nil), (.clearOfGlobal, 58, "uffd-wp"),
    ] as [(LinuxEntryLayout.SwapOnAArch64, UInt64, String?)])
  func aLeafsFlagsHaveTheKernelsNames(
    _ swap: LinuxEntryLayout.SwapOnAArch64, _ bit: UInt64, _ name: String?
  ) {
    let bits = meaning(0x0060_0000_4197_6f43 | 1 << bit, swap)?.bits.map(\.name)
    #expect(bits == name.map { [$0] })
  }
}
