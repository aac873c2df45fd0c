import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// What frames are used for, by descriptors that a test lays out.
@Suite struct LinuxFrameTests {
  private static let array = LinuxMemory.directMap + 0x600_0000
  private static let place = LinuxMemory.directMap + 0x100_0000
  private static let frames: UInt64 = 64
  private static let free: UInt64 = 0xffff_ffff

  /// Offsets as no kernel has them; flags 0 to 6; types in the top byte, as since 6.12.
  private struct Pages {
    var memory = LinuxMemory()
    var types: TypeInformation?
    var info: Vmcoreinfo?

    init(hasTypes: Bool = true) {
      if hasTypes {
        types = TypeInformation(Pages.section)
      } else {
        info = Vmcoreinfo(Pages.text.utf8)
      }
      for frame in 0..<frames { put(frame, type: free) }
    }

    private static var section: [UInt8] {
      var writer = TypeWriter()
      let long = writer.integer("long", bytes: 8)
      let int = writer.integer("int", bytes: 4)
      let pointer = writer.pointer(to: 0)
      let list = writer.structure("list_head", size: 16, [("next", pointer, 0), ("prev", pointer, 8)])
      _ = writer.structure(
        "page", size: 64,
        [
          ("flags", long, 48), ("lru", list, 0), ("compound_head", long, 0), ("mapping", pointer, 16),
          ("index", long, 32), ("private", long, 24), ("_mapcount", int, 56), ("_refcount", int, 60),
        ])
      _ = writer.structure("folio", size: 192, [("_entire_mapcount", int, 84)])
      _ = writer.structure("slab", size: 64, [("slab_cache", pointer, 8)])
      _ = writer.structure("kmem_cache", size: 64, [("name", pointer, 40)])
      _ = writer.enumeration(
        "pageflags",
        [
          ("PG_locked", 0), ("PG_uptodate", 1), ("PG_lru", 2), ("PG_head", 3), ("PG_reserved", 4),
          ("PG_owner", 5), ("__NR_PAGEFLAGS", 6), ("PG_checked", 5),
        ])
      _ = writer.enumeration(
        "pagetype", [("PGTY_buddy", 240), ("PGTY_table", 242), ("PGTY_hugetlb", 244), ("PGTY_slab", 245)])
      return writer.section
    }

    /// The same as VMCOREINFO has it, with the types of kernels before 6.10.
    private static let text = """
      OSRELEASE=6.1
      SIZE(page)=64
      OFFSET(page.flags)=48
      OFFSET(page.lru)=0
      OFFSET(page.compound_head)=0
      OFFSET(page.mapping)=16
      OFFSET(page.private)=32
      OFFSET(page._mapcount)=56
      OFFSET(page._refcount)=60
      NUMBER(PG_lru)=2
      NUMBER(PG_slab)=5
      NUMBER(PG_head_mask)=8
      NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129
      NUMBER(HUGETLB_PAGE_DTOR)=2
      OFFSET(page.compound_dtor)=9
      """

    static func address(_ frame: UInt64) -> UInt64 { array + frame * 64 }

    mutating func put(
      _ frame: UInt64, flags: UInt64 = 0, link: UInt64 = 0, mapping: UInt64 = 0, index: UInt64 = 0,
      privateData: UInt64 = 0, type: UInt64 = 0xffff_ffff, references: UInt64 = 0
    ) {
      let page = Pages.address(frame)
      memory.put(link, at: page)
      memory.put(0, at: page + 8)
      memory.put(mapping, at: page + 16)
      memory.put(types == nil ? index : privateData, at: page + 24)
      memory.put(types == nil ? privateData : index, at: page + 32)
      // The zone stands in the top bits.
      memory.put(flags | 1 << 62, at: page + 48)
      memory.put(type, at: page + 56, size: 4)
      memory.put(references, at: page + 60, size: 4)
    }

    func descriptors(_ files: PageFiles? = nil, form: PageArray.Form? = nil) throws -> PageDescriptors {
      let layout = try #require(PageLayout(types, info, size: 64, pointerSize: 8))
      return PageDescriptors(
        reader: GuestMemoryReader(memory.space, memory.memory),
        array: PageArray(form: form ?? .flat(start: array, count: frames), size: 64), layout: layout,
        files: files)
    }

    func use(_ frame: UInt64) throws -> FrameUse? { try descriptors().use(of: Frame(frame)) }
  }

  // MARK: Kinds

  @Test func typesInTheTopByteTellWhatAPageIs() throws {
    var pages = Pages()
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
    var pages = Pages()
    let cache = Self.place
    pages.put(4, type: 0xf500_0000, references: 1)
    pages.memory.put(cache, at: Pages.address(4) + 8)
    pages.memory.put(cache + 0x100, at: cache + 40)
    pages.memory.put("inode_cache", at: cache + 0x100)
    #expect(try pages.use(4) == FrameUse(kind: .slab, detail: "inode_cache", references: 1))
  }

  @Test func whatIsNoTextIsNoName() throws {
    for name in [[0x69, 0x09, 0], [0x69, 0xff, 0], [0], Array(repeating: 0x69, count: 200)] as [[UInt8]] {
      var pages = Pages()
      pages.put(4, type: 0xf500_0000, references: 1)
      pages.memory.put(Self.place, at: Pages.address(4) + 8)
      pages.memory.put(Self.place + 0x100, at: Self.place + 40)
      pages.memory.put(name, at: Self.place + 0x100)
      #expect(try pages.use(4)?.kind == .slab && pages.use(4)?.detail == nil)
    }
  }

  @Test func reservedMemoryAndItsFlagsAreNamed() throws {
    var pages = Pages()
    pages.put(5, flags: 1 << 4 | 1 << 5, references: 1)
    // Behind the last flag stand second names, which are not shown.
    #expect(
      try pages.use(5)
        == FrameUse(kind: .reserved, flags: ["reserved", "owner"], mapCount: 0, references: 1))
  }

  @Test func anonymousMemoryIsKnownByItsOwner() throws {
    var pages = Pages()
    pages.put(6, flags: 2, mapping: Self.place + 1, type: 2, references: 3)
    pages.put(7, flags: 2, mapping: Self.place + 3, type: 0, references: 1)
    #expect(
      try pages.use(6) == FrameUse(kind: .anonymous, flags: ["uptodate"], mapCount: 3, references: 3))
    #expect(try pages.use(7)?.flags == ["uptodate", "ksm"])
  }

  @Test func pagesThatNothingTellsOfAreTheKernels() throws {
    var pages = Pages()
    pages.put(8, references: 1)
    // A driver's page that names an owner, and has no flag that every page of a file has.
    pages.put(9, mapping: Self.place, references: 1)
    #expect(try pages.use(8)?.kind == .kernel)
    #expect(try pages.use(9)?.kind == .kernel)
  }

  // MARK: Free pages

  @Test func allPagesOfAFreeBlockAreFree() throws {
    var pages = Pages()
    pages.put(16, privateData: 2, type: 0xf000_0000)
    for frame in UInt64(16)..<20 { #expect(try pages.use(frame)?.kind == .free, "\(frame)") }
    #expect(try pages.use(20)?.kind == .kernel)
  }

  @Test func aPageInAListOfFreeOnesIsFree() throws {
    var pages = Pages()
    let own = Pages.address(21)
    pages.memory.putList(head: Self.place, nodes: [own])
    #expect(try pages.use(21)?.kind == .free)
    // A link that nothing answers is what is left of an earlier use.
    pages.memory.put(0, at: Self.place + 8)
    #expect(try pages.use(21)?.kind == .kernel)
  }

  // MARK: Compound pages

  @Test func aPartIsWhatItsWholeIs() throws {
    var pages = Pages()
    pages.put(32, flags: 2 | 8, mapping: Self.place + 1, references: 4)
    for frame in UInt64(33)..<36 { pages.put(frame, link: Pages.address(32) + 1, type: 0) }
    // Mapped twice as a whole, and this part once more.
    pages.memory.put(1, at: Pages.address(33) + 20, size: 4)
    let use = try #require(try pages.use(34))
    #expect(use.kind == .anonymous && use.mapCount == 3 && use.references == 4)
  }

  /// The part itself, the page behind it, a place before the array, one between two descriptors, and nowhere.
  @Test(arguments: [
    Pages.address(2), Pages.address(3), array - 64, Pages.address(1) + 8, 0, 0xffff_ffff_ffff_fff0,
  ])
  func aPartWhoseWholeIsNowhereHasNoUse(_ head: UInt64) throws {
    var pages = Pages()
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

  /// An inode with one name in a mounted file system.
  private struct CachedFile {
    var pages = Pages()

    static let inode = place + 0x1000
    static let mapping = place + 0x1100
    static let top = place + 0x2000
    static let directory = place + 0x2100
    static let entry = place + 0x2200
    static let mount = place + 0x3000
    static let superblock = place + 0x4000

    init() {
      pages.memory.put(CachedFile.inode, at: CachedFile.mapping)
      pages.memory.put(CachedFile.mapping, at: CachedFile.inode + 8)
      pages.memory.put(CachedFile.entry + 0x60, at: CachedFile.inode + 16)
      pages.memory.put(CachedFile.superblock, at: CachedFile.inode + 24)
      put(CachedFile.top, name: "/", parent: CachedFile.top)
      put(CachedFile.directory, name: "dir", parent: CachedFile.top)
      put(CachedFile.entry, name: "file", parent: CachedFile.directory)
      pages.memory.put(CachedFile.mount, at: CachedFile.mount)
      pages.memory.put(CachedFile.top, at: CachedFile.mount + 0x20)
      pages.memory.putList(head: CachedFile.superblock + 8, nodes: [CachedFile.mount + 0x40])
    }

    private mutating func put(_ dentry: UInt64, name: String, parent: UInt64) {
      pages.memory.put(parent, at: dentry)
      pages.memory.put(UInt64(name.utf8.count), at: dentry + 8, size: 4)
      pages.memory.put(dentry + 0x70, at: dentry + 16)
      pages.memory.put(name, at: dentry + 0x70)
      pages.memory.put(0, at: dentry + 32)
    }

    func descriptors(mountLink: PageFiles.MountLink = .list(0x40)) throws -> PageDescriptors {
      let reader = GuestMemoryReader(pages.memory.space, pages.memory.memory)
      let paths = FilePaths(
        FilePaths.Offsets(
          fileDentry: 0, fileMount: 8, parent: 0, nameText: 16, nameLength: 8, inode: 24, hashLink: nil,
          operations: 32, nameOperation: 0, superblock: 40, fileSystem: 0, fileSystemName: 0,
          inodeNumber: nil, mountRoot: 0, inMount: 0x20, mountParent: 0, mountPoint: 8), reader)
      let files = PageFiles(
        PageFiles.Offsets(
          host: 0, mapping: 8, names: 16, superblock: 24, nameLink: 0x60, mounts: 8, mountLink: mountLink),
        paths,
        reader)
      return try pages.descriptors(files)
    }
  }

  // MARK: Without types

  @Test func vmcoreinfoIsEnoughForMostKinds() throws {
    var pages = Pages(hasTypes: false)
    pages.put(1, flags: 1 << 5, references: 1)
    pages.put(8, privateData: 1, type: 0xffff_ff7f)
    pages.put(10, flags: 4, mapping: Self.place, index: 3, references: 1)
    pages.put(32, flags: 8, references: 1)
    pages.memory.put(2, at: Pages.address(33) + 9, size: 1)
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
    let pages = Pages(hasTypes: false)
    #expect(PageLayout(nil, pages.info, size: 64, pointerSize: 8) != nil)
    #expect(PageLayout(nil, pages.info, size: 63, pointerSize: 8) == nil)
    #expect(PageLayout(nil, nil, size: 64, pointerSize: 8) == nil)
  }

  // MARK: The array

  @Test func framesBehindTheArrayHaveNoUse() throws {
    let pages = Pages()
    #expect(try pages.use(63) != nil)
    #expect(try pages.use(64) == nil)
    #expect(try pages.use(.max) == nil)
  }

  @Test func sectionsWithoutMemoryHaveNoFrames() throws {
    var pages = Pages()
    let roots = Self.place
    let sections = Self.place + 0x1000
    pages.memory.put(sections, at: roots)
    pages.memory.put(0, at: roots + 8)
    // Sections of 16 frames, 256 to a root: the second one has no descriptors.
    pages.memory.put(Self.array | 7, at: sections + 8)
    pages.memory.put(Self.array | 5, at: sections + 24)
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
      let bytes = (0..<Int(Self.frames) * 64).map { _ in UInt8.random(in: 0...255, using: &random) }
      files.pages.memory.put(bytes, at: Self.array)
      let descriptors = try files.descriptors()
      for frame in 0..<Self.frames + 1 {
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
    memory.put(Self.array, at: node)
    memory.put(0, at: node + 8)
    memory.put(Self.frames, at: node + 16)
    for frame in 0..<Self.frames { memory.put(0xffff_ffff, at: Pages.address(frame) + 56, size: 4) }
    memory.put(1 << 5, at: Pages.address(3) + 48)
    memory.put(1, at: Pages.address(5) + 60, size: 4)
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
    #expect(guest.frameUse(of: PhysicalAddress(Self.frames << 12)) == nil)
    image.vmcoreinfo = Array(system.vmcoreinfo.utf8)
    let without = try #require(LinuxGuest.read(image, spaces: FoundSpaces()))
    #expect(without.frameUse(of: PhysicalAddress(0x3000)) == nil)
  }
}
