import PageTables
import TestSupport
import Testing

@testable import Guests

/// Offsets as no kernel has them; flags 0 to 6; types in the top byte, as since 6.12.
struct FramePages {
  static let array = LinuxMemory.directMap + 0x600_0000
  /// Room for what descriptors point at.
  static let place = LinuxMemory.directMap + 0x100_0000
  static let frames: UInt64 = 64
  private static let free: UInt64 = 0xffff_ffff

  var memory = LinuxMemory()
  var types: TypeInformation?
  var info: Vmcoreinfo?

  init(hasTypes: Bool = true) {
    if hasTypes {
      types = TypeInformation(FramePages.section)
    } else {
      info = Vmcoreinfo(FramePages.text.utf8)
    }
    for frame in 0..<FramePages.frames { put(frame, type: FramePages.free) }
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
    let page = FramePages.address(frame)
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
      array: PageArray(form: form ?? .flat(start: FramePages.array, count: FramePages.frames), size: 64),
      layout: layout,
      files: files)
  }

  func use(_ frame: UInt64) throws -> FrameUse? { try descriptors().use(of: Frame(frame)) }
}

/// An inode with one name in a mounted file system.
struct CachedFile {
  var pages = FramePages()

  static let inode = FramePages.place + 0x1000
  static let mapping = FramePages.place + 0x1100
  static let top = FramePages.place + 0x2000
  static let directory = FramePages.place + 0x2100
  static let entry = FramePages.place + 0x2200
  static let mount = FramePages.place + 0x3000
  static let superblock = FramePages.place + 0x4000

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
