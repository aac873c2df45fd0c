import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// What frames are used for, by descriptors that a test lays out.
@Suite struct LinuxFrameTests {
  // MARK: Kinds

  @Test func typesInTheTopByteTellWhatAPageIs() throws {
    var pages = FramePages()
    pages.put(1, type: 0xf2ff_ffff, references: 1)
    pages.put(2, flags: 8, type: 0xf400_0000, references: 1)
    pages.put(3, type: 0xf100_0000, references: 1)
    #expect(try pages.use(1)?.kind == .pageTable)
    #expect(try pages.use(2)?.kind == .huge)
    // A type that has no kind of its own.
    #expect(try pages.use(3)?.kind == .kernel)
    #expect(try pages.use(1)?.mapCount == nil)
  }

  @Test func aSlabHasTheNameOfItsCache() throws {
    var pages = FramePages()
    let cache = FramePages.place
    pages.put(4, type: 0xf500_0000, references: 1)
    pages.memory.put(cache, at: FramePages.address(4) + 8)
    pages.memory.put(cache + 0x100, at: cache + 40)
    pages.memory.put("inode_cache", at: cache + 0x100)
    #expect(try pages.use(4) == FrameUse(kind: .slab, detail: "inode_cache", references: 1))
  }

  @Test func whatIsNoTextIsNoName() throws {
    for name in [[0x69, 0x09, 0], [0x69, 0xff, 0], [0], Array(repeating: 0x69, count: 200)] as [[UInt8]] {
      var pages = FramePages()
      pages.put(4, type: 0xf500_0000, references: 1)
      pages.memory.put(FramePages.place, at: FramePages.address(4) + 8)
      pages.memory.put(FramePages.place + 0x100, at: FramePages.place + 40)
      pages.memory.put(name, at: FramePages.place + 0x100)
      #expect(try pages.use(4)?.kind == .slab && pages.use(4)?.detail == nil)
    }
  }

  @Test func reservedMemoryAndItsFlagsAreNamed() throws {
    var pages = FramePages()
    pages.put(5, flags: 1 << 4 | 1 << 5, references: 1)
    // Behind the last flag stand second names, which are not shown.
    #expect(
      try pages.use(5)
        == FrameUse(kind: .reserved, flags: ["reserved", "owner"], mapCount: 0, references: 1))
  }

  @Test func anonymousMemoryIsKnownByItsOwner() throws {
    var pages = FramePages()
    pages.put(6, flags: 2, mapping: FramePages.place + 1, type: 2, references: 3)
    pages.put(7, flags: 2, mapping: FramePages.place + 3, type: 0, references: 1)
    #expect(
      try pages.use(6) == FrameUse(kind: .anonymous, flags: ["uptodate"], mapCount: 3, references: 3))
    #expect(try pages.use(7)?.flags == ["uptodate", "ksm"])
  }

  @Test func pagesThatNothingTellsOfAreTheKernels() throws {
    var pages = FramePages()
    pages.put(8, references: 1)
    // A driver's page that names an owner, and has no flag that every page of a file has.
    pages.put(9, mapping: FramePages.place, references: 1)
    #expect(try pages.use(8)?.kind == .kernel)
    #expect(try pages.use(9)?.kind == .kernel)
  }

  // MARK: Free pages

  @Test func allPagesOfAFreeBlockAreFree() throws {
    var pages = FramePages()
    pages.put(16, privateData: 2, type: 0xf000_0000)
    for frame in UInt64(16)..<20 { #expect(try pages.use(frame)?.kind == .free, "\(frame)") }
    #expect(try pages.use(20)?.kind == .kernel)
  }

  @Test func aPageInAListOfFreeOnesIsFree() throws {
    var pages = FramePages()
    let own = FramePages.address(21)
    pages.memory.putList(head: FramePages.place, nodes: [own])
    #expect(try pages.use(21)?.kind == .free)
    // A link that nothing answers is what is left of an earlier use.
    pages.memory.put(0, at: FramePages.place + 8)
    #expect(try pages.use(21)?.kind == .kernel)
  }

  // MARK: Compound pages

  @Test func aPartIsWhatItsWholeIs() throws {
    var pages = FramePages()
    pages.put(32, flags: 2 | 8, mapping: FramePages.place + 1, references: 4)
    for frame in UInt64(33)..<36 { pages.put(frame, link: FramePages.address(32) + 1, type: 0) }
    // Mapped twice as a whole, and this part once more.
    pages.memory.put(1, at: FramePages.address(33) + 20, size: 4)
    let use = try #require(try pages.use(34))
    #expect(use.kind == .anonymous && use.mapCount == 3 && use.references == 4)
  }

  /// The part itself, the page behind it, a place before the array, one between two descriptors, and nowhere.
  @Test(arguments: [
    FramePages.address(2), FramePages.address(3), FramePages.array - 64, FramePages.address(1) + 8, 0,
    0xffff_ffff_ffff_fff0,
  ])
  func aPartWhoseWholeIsNowhereHasNoUse(_ head: UInt64) throws {
    var pages = FramePages()
    pages.put(2, link: head | 1)
    #expect(try pages.use(2) == nil)
  }

  // MARK: Files

  @Test func aPageOfAFileHasItsNameAndOffset() throws {
    var files = CachedFile()
    files.pages.put(40, flags: 2 | 4, mapping: CachedFile.mapping, index: 7, type: 0, references: 2)
    let descriptors = try files.descriptors()
    #expect(
      descriptors.use(of: Frame(40))
        == FrameUse(
          kind: .pageCache, detail: "/dir/file", fileOffset: 0x7000, flags: ["uptodate", "lru"], mapCount: 1,
          references: 2))
  }

  /// Since 6.18 the mounts of a file system are a chain.
  @Test func aFileIsFoundUnderTheSecondMountOfAChain() throws {
    var files = CachedFile()
    let first = CachedFile.mount + 0x100
    files.pages.put(40, flags: 2, mapping: CachedFile.mapping, references: 1)
    // The first shows another tree, and the chain ends behind the second.
    files.pages.memory.put(CachedFile.inode, at: first + 0x20)
    files.pages.memory.put(first, at: CachedFile.superblock + 8)
    files.pages.memory.put(CachedFile.mount, at: first + 0x40)
    files.pages.memory.put(0, at: CachedFile.mount + 0x40)
    let use = try files.descriptors(mountLink: .chain(0x40)).use(of: Frame(40))
    #expect(use?.detail == "/dir/file")
  }

  /// Since 7.1 a page behind the first of a compound may keep a mask in place of that one's address.
  @Test func theFirstPageOfACompoundMayBeToldByAMask() throws {
    var pages = FramePages()
    pages.put(16, flags: 8, type: 0xf400_0000, references: 1)
    for frame in UInt64(17)...19 { pages.put(frame, link: ~(4 * 64 - 1) | 1) }
    #expect(try pages.use(18)?.kind == .huge)
    // No mask: zeroes above ones.
    pages.put(19, link: ~(4 * 64 - 1) & ~0x1_0000 | 1)
    #expect(try pages.use(19) == nil)
  }

  @Test func whatIsNoInodesMappingIsNoFile() throws {
    var files = CachedFile()
    files.pages.put(40, flags: 2, mapping: CachedFile.mapping, references: 1)
    files.pages.memory.put(CachedFile.mapping + 8, at: CachedFile.inode + 8)
    #expect(try files.descriptors().use(of: Frame(40))?.kind == .kernel)
  }

  @Test func aFileWithoutANameIsStillAFile() throws {
    var files = CachedFile()
    files.pages.put(40, flags: 2, mapping: CachedFile.mapping, references: 1)
    files.pages.memory.put(0, at: CachedFile.inode + 16)
    let use = try files.descriptors().use(of: Frame(40))
    #expect(use?.kind == .pageCache && use?.detail == nil)
  }

  // MARK: Without types

  @Test func vmcoreinfoIsEnoughForMostKinds() throws {
    var pages = FramePages(hasTypes: false)
    pages.put(1, flags: 1 << 5, references: 1)
    pages.put(8, privateData: 1, type: 0xffff_ff7f)
    pages.put(10, flags: 4, mapping: FramePages.place, index: 3, references: 1)
    pages.put(32, flags: 8, references: 1)
    pages.memory.put(2, at: FramePages.address(33) + 9, size: 1)
    #expect(try pages.use(1)?.kind == .slab)
    #expect(try pages.use(9)?.kind == .free)
    #expect(try pages.use(10)?.kind == .pageCache)
    // The index stands between its neighbours, which VMCOREINFO has.
    #expect(try pages.use(10)?.fileOffset == 0x3000)
    #expect(try pages.use(32)?.kind == .huge)
  }

  @Test(
    arguments: [
      // 5.10 and 6.1 call tables by different bits; 6.11 and 6.12 by other numbers altogether.
      (0xffff_fbff, 0xffff_f9ff, 0xffff_ff7f), (0xffff_fdff, 0xffff_f9ff, 0xffff_ff7f),
      (0xdfff_ffff, 0x9fff_ffff, 0xbfff_ffff), (0xf200_0000, 0xf200_0007, 0xf000_0000),
    ] as [(UInt64, UInt64, UInt64)])
  func oneExampleShowsHowATypeIsMarked(_ example: UInt64, _ same: UInt64, _ other: UInt64) {
    let test = PageTypes.common([example, example, example, 0xffff_ffff])
    #expect(test.matches(example) && test.matches(same))
    #expect(!test.matches(other) && !test.matches(0xffff_ffff) && !test.matches(0))
  }

  @Test func differingExamplesShowNothing() {
    #expect(PageTypes.common([0xffff_fbff, 0xffff_fbff, 0xffff_ff7f, 0, 1]) == .never)
    #expect(PageTypes.common([0, 0, 0, 0]) == .never)
    #expect(PageTypes.common([0xffff_ffff, 0xffff_ffff, 0xffff_ffff]) == .never)
  }

  @Test func membersOutsideOfADescriptorSayNothing() throws {
    let pages = FramePages(hasTypes: false)
    #expect(PageLayout(nil, pages.info, size: 64, pointerSize: 8) != nil)
    #expect(PageLayout(nil, pages.info, size: 63, pointerSize: 8) == nil)
    #expect(PageLayout(nil, nil, size: 64, pointerSize: 8) == nil)
  }

  // MARK: The array

  @Test func framesBehindTheArrayHaveNoUse() throws {
    let pages = FramePages()
    #expect(try pages.use(63) != nil)
    #expect(try pages.use(64) == nil)
    #expect(try pages.use(.max) == nil)
  }

  @Test func sectionsWithoutMemoryHaveNoFrames() throws {
    var pages = FramePages()
    let roots = FramePages.place
    let sections = FramePages.place + 0x1000
    pages.memory.put(sections, at: roots)
    pages.memory.put(0, at: roots + 8)
    // Sections of 16 frames, 256 to a root: the second one has no descriptors.
    pages.memory.put(FramePages.array | 7, at: sections + 8)
    pages.memory.put(FramePages.array | 5, at: sections + 24)
    pages.put(3, type: 0xf200_0000)
    let form = PageArray.Form.sections(
      PageArray.Sections(
        roots: roots, rootCount: 2, perRoot: 256, isIndirect: true, size: 16, map: 8, shift: 4))
    let descriptors = try pages.descriptors(form: form)
    #expect(descriptors.use(of: Frame(3))?.kind == .pageTable)
    #expect(descriptors.use(of: Frame(17)) == nil)
    #expect(descriptors.use(of: Frame(16 * 256)) == nil)
    #expect(descriptors.use(of: Frame(.max)) == nil)
  }

  /// Whatever stands in the array: an answer, soon.
  @Test func noiseHasAnAnswer() throws {
    for seed in UInt64(1)...8 {
      var random = SeededRandom(seed: seed)
      var files = CachedFile()
      let bytes = (0..<Int(FramePages.frames) * 64).map { _ in UInt8.random(in: 0...255, using: &random) }
      files.pages.memory.put(bytes, at: FramePages.array)
      let descriptors = try files.descriptors()
      for frame in 0..<FramePages.frames + 1 {
        let use = descriptors.use(of: Frame(frame))
        #expect(use?.fileOffset == nil || use?.kind == .pageCache)
      }
    }
  }

  // MARK: From a guest

  @Test func aGuestFindsItsArrayByVmcoreinfo() throws {
    let system = LinuxSystem.usual
    var image = system.opened
    let node = LinuxMemory.image + 0x38_0000
    var memory = system.memory
    memory.put(FramePages.array, at: node)
    memory.put(0, at: node + 8)
    memory.put(FramePages.frames, at: node + 16)
    for frame in 0..<FramePages.frames {
      memory.put(0xffff_ffff, at: FramePages.address(frame) + 56, size: 4)
    }
    memory.put(1 << 5, at: FramePages.address(3) + 48)
    memory.put(1, at: FramePages.address(5) + 60, size: 4)
    image.memory = memory.memory
    let lines = [
      "SYMBOL(mem_map)=" + String(node, radix: 16), "SYMBOL(contig_page_data)=" + String(node, radix: 16),
      "OFFSET(pglist_data.node_start_pfn)=8", "OFFSET(pglist_data.node_spanned_pages)=16", "SIZE(page)=64",
      "OFFSET(page.flags)=48", "OFFSET(page.lru)=0", "OFFSET(page.compound_head)=0",
      "OFFSET(page.mapping)=16", "OFFSET(page.private)=32", "OFFSET(page._mapcount)=56",
      "OFFSET(page._refcount)=60", "NUMBER(PG_slab)=5",
    ]
    image.vmcoreinfo = Array((system.vmcoreinfo + lines.joined(separator: "\n")).utf8)
    let guest = try #require(LinuxGuest.read(image, spaces: FoundSpaces()))
    #expect(guest.frameUse(of: PhysicalAddress(0x3abc))?.kind == .slab)
    #expect(guest.frameUse(of: PhysicalAddress(0x5000))?.kind == .kernel)
    // Nobody refers to it; whether it is free only the mark of free blocks could tell.
    #expect(guest.frameUse(of: PhysicalAddress(0x4000)) == nil)
    #expect(guest.frameUse(of: PhysicalAddress(FramePages.frames << 12)) == nil)
    image.vmcoreinfo = Array(system.vmcoreinfo.utf8)
    let without = try #require(LinuxGuest.read(image, spaces: FoundSpaces()))
    #expect(without.frameUse(of: PhysicalAddress(0x3000)) == nil)
  }
}
