import PageTables
import TestSupport
import Testing

/// Mistakes that page-table tools keep making: one test for each, named after what is right.
@Suite struct RecurringBugTests {
  private let long = X86.paging4Level()

  private func address(_ scheme: PagingScheme, level: Int, _ raw: UInt64) -> UInt64 {
    scheme.levels[level].format.leafAddress.address(in: raw).value
  }

  // Guards against masking the frame of a huge page from bit 12 on, where PAT stands in its bit 12.
  @Test func largePagePATBitIsNoAddress() {
    #expect(address(long, level: 2, 0x4010e7) == 0x400000)
    #expect(address(long, level: 1, 0xc0001087) == 0xc0000000)
    #expect(address(X86.pae(), level: 1, 0x4010e7) == 0x400000)
    #expect(address(X86.paging32(), level: 0, 0xc01087) == 0xc00000)
  }

  // Guards against telling a leaf by its raw value alone: bit 7 is PS above the last level and PAT in it.
  @Test func bitSevenIsPageSizeAboveTheLastLevelAndPATInIt() {
    let kinds = (1...3).map { long.levels[$0].format.kind(of: 0x4000_0087) }
    #expect(kinds == [.leaf, .leaf, .leaf])
    let cleared = (1...3).map { long.levels[$0].format.kind(of: 0x4000_0007) }
    #expect(cleared == [.table, .table, .leaf])
    #expect(address(long, level: 3, 0x4000_1087) == 0x4000_1000)
  }

  // Guards against taking a 2 MiB frame from bit 20 or 12 on.
  @Test func twoMebibyteFrameStartsAtBit21() {
    #expect(long.levels[2].format.leafAddress.mask == 0x000f_ffff_ffe0_0000)
    #expect(long.levels[1].format.leafAddress.mask == 0x000f_ffff_c000_0000)
  }

  // Guards against 32-bit physical addresses: PSE-36 keeps bits 39:32 in bits 20:13 (SDM Vol. 3A, Table 4-4).
  @Test func fourMebibytePagesReachAboveFourGibibytes() {
    var features = ProcessorFeatures()
    features.physicalAddressBits = 40
    let scheme = X86.paging32(features)
    for bit in 0..<8 {
      #expect(address(scheme, level: 0, 0xc00083 | 1 << UInt64(13 + bit)) == 0xc00000 | 1 << UInt64(32 + bit))
    }
  }

  // Guards against a wrong list of the levels that may hold leaves, and against reading on below one.
  @Test func oneGibibytePageEndsTheWalk() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    memory.map(0x40_0000_0000, to: 0x80_4000_0000, in: space, level: 1, flags: 0x87)
    let translation = space.translate(VirtualAddress(0x40_3fff_ffff), in: memory)
    #expect(translation.page?.pageSize == 1 << 30)
    #expect(translation.page?.physical.value == 0x80_7fff_ffff)
    #expect(translation.steps.count == 2)
  }

  // The same: no PML4E, PML5E or PDPTE of PAE maps a page.
  @Test func noOtherLevelHoldsLeaves() {
    let schemes = [X86.paging5Level(), long, X86.pae()]
    let mayHold = schemes.map { $0.levels.map { $0.format.kind(of: 0x4000_0081) == .leaf } }
    #expect(mayHold == [[false, false, true, true, true], [false, true, true, true], [false, true, true]])
  }

  // Guards against going on below an entry that is not present or malformed, which yields phantom mappings.
  @Test(arguments: [(0, 0x6 as UInt64), (1, 0x6), (2, 0x6), (0, 0x87), (1, 0x4_0000_0000_0006)])
  func nothingIsMappedBelowAnInvalidEntry(level: Int, flags: UInt64) {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    memory.map(0x1000, to: 0x5000, in: space)
    var table = space.root.value
    for _ in 0..<level { table = (memory.entry(table: table, slot: 0) ?? 0) & ~0xfff }
    memory.set(table: table, slot: 0, to: (memory.entry(table: table, slot: 0) ?? 0) & ~0xfff | flags)
    #expect(space.translate(VirtualAddress(0x1000), in: memory).page == nil)
    #expect(space.forEachLeaf(in: memory) { _ in true }.leaves == 0)
  }

  // Guards against PCID, PWT, PCD and the no-flush bit in the root, and against a page-aligned root in PAE.
  @Test func rootRegisterBitsThatAreNoAddressAreDropped() {
    #expect(long.rootAddress.address(in: 0x8000_0000_1234_5fff).value == 0x1234_5000)
    #expect(X86.paging5Level().rootAddress.address(in: 0x1234_5018).value == 0x1234_5000)
    #expect(X86.paging32().rootAddress.address(in: 0x1234_5018).value == 0x1234_5000)
    #expect(X86.pae().rootAddress.address(in: 0x1234_5fff).value == 0x1234_5fe0)
  }

  // The same, where a caller hands the register over as the root.
  @Test func rootWithLowBitsIsTheTableItLiesIn() {
    var memory = TableMemory()
    var space = memory.makeSpace("", scheme: long)
    memory.map(0x1000, to: 0x5000, in: space)
    space.root = PhysicalAddress(space.root.value | 0x19)
    #expect(space.translate(VirtualAddress(0x1000), in: memory).page?.physical.value == 0x5000)
    #expect(space.forEachLeaf(in: memory) { _ in true }.leaves == 1)
    #expect(TableGraph(roots: [space.root], scheme: long, memory: memory)?.leaves.last == 1)
  }

  // Guards against translating addresses in the gap, and against a walk that forgets to extend the sign.
  @Test(arguments: [(X86.paging4Level(), 47), (X86.paging5Level(), 56)])
  func canonicalGapIsNotTranslated(scheme: PagingScheme, topBit: Int) {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: scheme)
    let lastOfLower: UInt64 = (1 << UInt64(topBit)) - 0x1000
    let firstOfUpper = ~((1 << UInt64(topBit)) - 1 as UInt64)
    memory.map(lastOfLower, to: 0x5000, in: space)
    memory.map(firstOfUpper, to: 0x6000, in: space)
    for inGap in [lastOfLower + 0x1000, firstOfUpper - 1, 1 << 63, firstOfUpper & ~(1 << 63)] {
      let translation = space.translate(VirtualAddress(inGap), in: memory)
      #expect(translation.outcome == .fault(.nonCanonical))
      #expect(translation.steps.isEmpty)
    }
    var ranges: [MappedRange] = []
    _ = space.forEachRange(in: memory) {
      ranges.append($0)
      return true
    }
    // Their tables' offsets touch and so do the frames; the gap parts them.
    #expect(ranges.map(\.virtual.value) == [lastOfLower, firstOfUpper])
  }

  // Guards against folding R/W or U/S by OR, and against forgetting XD of a level above.
  @Test func permissionsAreWhatEveryLevelAllows() {
    for level in 0...3 {
      for (flag, lost) in [(2, Access.write), (4, .user), (1 << 63, .execute)] as [(UInt64, Access)] {
        var memory = TableMemory()
        let space = memory.makeSpace("", scheme: long)
        memory.map(0x1000, to: 0x5000, in: space)
        var table = space.root.value
        for _ in 0..<level { table = (memory.entry(table: table, slot: 0) ?? 0) & ~0xfff }
        let slot = level == 3 ? 1 : 0
        memory.set(table: table, slot: slot, to: (memory.entry(table: table, slot: slot) ?? 0) ^ flag)
        let translation = space.translate(VirtualAddress(0x1000), in: memory)
        #expect(translation.page?.access == Access.all.subtracting(lost))
        let restrictions = space.restrictions(of: translation)
        #expect(restrictions.map(\.level) == [level])
        #expect(restrictions.map(\.lost) == [lost])
      }
    }
  }

  // Guards against leaving the AMD encryption bit in the addresses of tables or frames.
  @Test(arguments: [47, 51]) func encryptionBitIsNoAddress(bit: Int) {
    var features = ProcessorFeatures()
    features.encryptionBit = bit
    let mark: UInt64 = 1 << UInt64(bit)
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: X86.paging4Level(features))
    memory.map(0x1000, to: 0x5000, in: space, flags: mark | 7, tableFlags: mark | 7)
    memory.map(0x20_0000, to: 0x60_0000, in: space, level: 2, flags: mark | 0x87, tableFlags: mark | 7)
    #expect(space.translate(VirtualAddress(0x1000), in: memory).page?.physical.value == 0x5000)
    #expect(space.translate(VirtualAddress(0x20_0000), in: memory).page?.physical.value == 0x60_0000)
  }

  // Guards against walking a table again for each entry that points at it, and against dropping its mappings.
  @Test func tableMappedOftenIsReadOnceAndLosesNoMapping() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    let (table, _) = memory.map(0, to: 0x5000, in: space)
    let (directory, _) = memory.map(0x20_0000, to: 0x40_0000, in: space, level: 2, flags: 0x87)
    for slot in 1..<512 { memory.set(table: directory, slot: slot, to: table | 7) }
    for slot in 0..<512 { memory.set(table: table, slot: slot, to: 0x5007) }
    let before = memory.pageReads
    let graph = try #require(TableGraph(roots: [space.root], scheme: long, memory: memory))
    #expect(memory.pageReads - before == 4)
    #expect(graph.children(of: 2).count == 512)
    #expect(graph.bytesBelow()[0] == 1 << 30)
    #expect(space.forEachLeaf(in: memory) { _ in true }.leaves == 512 * 512)
  }

  // Guards against stepping page by page over what an entry above has already ruled out.
  @Test func absentEntryIsSteppedOverAsAWhole() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    memory.map(0xffff_ffff_ffff_f000, to: 0x5000, in: space)
    memory.set(table: space.root.value, slot: 3, to: 0x99_9000 | 7)
    let before = memory.pageReads
    let summary = space.forEachLeaf(in: memory) { _ in true }
    #expect(summary.leaves == 1)
    #expect(summary.missingTables == 1)
    #expect(memory.pageReads - before == 4)
  }

  // Guards against showing an entry without P as empty: Linux keeps a PROT_NONE page's frame there, inverted in
  // 64-bit formats (arch/x86/include/asm/pgtable-invert.h), and a swap slot without bit 8.
  @Test func entriesThatAreNotPresentKeepWhatTheyHold() throws {
    var memory = TableMemory()
    memory.addPhysical(0x1234_5000, 0x1234_6000)
    let space = memory.makeSpace("", scheme: long.ofLinux)
    let inverted = ~(0x1234_5000 as UInt64) & 0x000f_ffff_ffff_f000 | 0x166
    memory.map(0x1000, to: 0, in: space, flags: inverted)
    memory.map(0x2000, to: 0, in: space, flags: 0x0800_0000_0000_0c02)
    let protected = space.translate(VirtualAddress(0x1000), in: memory)
    #expect(protected.steps.last?.raw == inverted)
    guard case .fault(.marked(let mark?)) = protected.outcome else {
      Issue.record("PROT_NONE is \(protected.outcome)")
      return
    }
    #expect(mark.name == "PROT_NONE")
    #expect(mark.address?.value == 0x1234_5000)
    let swapped = space.translate(VirtualAddress(0x2000), in: memory)
    guard case .fault(.marked(let slot?)) = swapped.outcome else {
      Issue.record("a swap slot is \(swapped.outcome)")
      return
    }
    #expect(slot.address == nil)
    #expect(space.forEachLeaf(in: memory) { _ in true }.markedEntries == 2)
  }

  // The same in the 32-bit format, which has no room for the inversion.
  @Test func protNoneOfTheShortFormatIsNotInverted() {
    #expect(X86.paging32().ofLinux.mark(in: 0x1234_5166, level: 1)?.address?.value == 0x1234_5000)
    #expect(
      X86.pae().ofLinux.mark(in: ~0x1234_5000 & ~0xfff | 0x100, level: 2)?.address?.value == 0x1234_5000)
  }

  // Guards against reading other systems' entries by Linux's rules: of nobody's marks nothing is known, and an address
  // where no memory is is no frame.
  @Test func nobodysMarksHaveNoNameAndNoFrame() throws {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    memory.map(0x1000, to: 0, in: space, flags: 0x300)
    func mark(_ scheme: PagingScheme) -> FoundMark? {
      let space = AddressSpace(name: "", root: space.root, scheme: scheme)
      guard case .fault(.marked(let mark)) = space.translate(VirtualAddress(0x1000), in: memory).outcome
      else {
        return nil
      }
      return mark
    }
    let nobodys = try #require(mark(long))
    #expect(nobodys.name == "software" && nobodys.address == nil && !nobodys.isKnown)
    // As PROT_NONE, all bits of the frame would be set.
    let linux = try #require(mark(long.ofLinux))
    #expect(linux.name == "PROT_NONE" && linux.address == nil)
  }

  // Guards against calling a mark of pages what no entry for a page has.
  @Test func entriesThatCouldMapNoPageHaveNoMarkOfPages() {
    #expect(long.ofLinux.mark(in: 0x100, level: 0)?.name == "software")
    #expect(long.ofLinux.mark(in: 0x100, level: 1)?.name == "PROT_NONE")
    #expect(X86.pae().ofLinux.mark(in: 0x100, level: 0)?.name == "software")
  }

  // Guards against one unreadable table ending the walk, and against mixing up why it is unreadable.
  @Test func unreadableTableStopsOnlyItsBranch() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    memory.map(0x1000, to: 0x5000, in: space)
    memory.map(0xffff_8000_0000_1000, to: 0x6000, in: space)
    memory.addPhysical(0x4000_0000, 0x4000_1000)
    memory.set(table: space.root.value, slot: 1, to: 0x4000_0007)
    memory.set(table: space.root.value, slot: 2, to: 0x000f_ffff_ffff_f007)
    let outcomes = [1, 2].map { slot in
      space.translate(VirtualAddress(UInt64(slot) << 39), in: memory).outcome
    }
    #expect(outcomes[0] == .fault(.tableMissing(PhysicalAddress(0x4000_0000), .notInDump)))
    #expect(outcomes[1] == .fault(.tableMissing(PhysicalAddress(0xf_ffff_ffff_f000), .outsidePhysicalMemory)))
    let summary = space.forEachLeaf(in: memory) { _ in true }
    #expect(summary.leaves == 2)
    #expect(summary.missingTables == 2)
  }

  // Guards against losing a mapping because the dump lacks its frame.
  @Test func frameOutsideTheDumpIsStillMapped() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    memory.map(0x1000, to: 0xfee0_0000, in: space)
    memory.map(0x2000, to: space.root.value, in: space)
    #expect(space.translate(VirtualAddress(0x1000), in: memory).page?.isInDump == false)
    #expect(space.translate(VirtualAddress(0x2000), in: memory).page?.isInDump == true)
  }

  // Guards against endless recursion through an entry that points at its own table.
  @Test func recursiveSlotEndsAtTheLastLevel() {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    memory.set(table: space.root.value, slot: 493, to: space.root.value | 0x63)
    let selfMap: UInt64 = 0xffff_f6fb_7dbe_d000
    let translation = space.translate(VirtualAddress(selfMap), in: memory)
    #expect(translation.page?.physical == space.root)
    #expect(translation.steps.map(\.slot) == [493, 493, 493, 493])
    #expect(TableGraph(roots: [space.root], scheme: long, memory: memory)?.count == 4)
  }

  // Guards against reading a 32-bit PDE with bit 7 as a page where CR4.PSE is off.
  @Test func withoutPageSizeExtensionEveryDirectoryEntryPointsAtATable() {
    var features = ProcessorFeatures()
    features.pageSizeExtension = false
    #expect(X86.paging32(features).levels[0].format.kind(of: 0xc00087) == .table)
    #expect(X86.paging32().levels[0].format.kind(of: 0xc00087) == .leaf)
  }

  // Guards against passing malformed entries off as mappings, and tells which bits are at fault.
  @Test func reservedBitsAreNamed() {
    var features = ProcessorFeatures()
    features.physicalAddressBits = 40
    let scheme = X86.paging4Level(features)
    #expect(scheme.levels[3].format.kind(of: 0x100_0000_5007) == .malformed)
    #expect(scheme.levels[3].reservedBitsSet(in: 0x100_0000_5007) == 0x100_0000_0000)
    #expect(scheme.levels[2].reservedBitsSet(in: 0x20_2087) == 0x2000)
    #expect(scheme.levels[0].reservedBitsSet(in: 0x2087) == 0x80)
    #expect(scheme.levels[3].format.kind(of: 0x7ff0_0000_0000_5007) == .leaf)
  }

  // Guards against a merged range that shows the flags of its first page only.
  @Test(arguments: [1, 2, 5, 6, 8, 9, 52, 59, 63]) func mergedRangesAgreeInEveryFlag(bit: Int) {
    var memory = TableMemory()
    let space = memory.makeSpace("", scheme: long)
    for page in 0..<8 as Range<UInt64> {
      memory.map(page << 12, to: 0x5000 + page << 12, in: space, flags: page == 4 ? 7 ^ 1 << UInt64(bit) : 7)
    }
    for rule in [MergeRule.virtualAndPhysical, .virtualOnly] {
      var lengths: [UInt64] = []
      _ = space.forEachRange(in: memory, merging: rule) {
        lengths.append($0.length)
        return true
      }
      #expect(lengths == [0x4000, 0x1000, 0x3000])
    }
  }
}
