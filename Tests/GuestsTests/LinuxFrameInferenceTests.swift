import PageTables
import TestSupport
import Testing

@testable import Guests

/// What is inferred of the page array where no types tell of it: by what the memory of processes and their files
/// must lead to.
@Suite struct LinuxFrameInferenceTests {
  private static let array = LinuxMemory.directMap + 0x600_0000
  private static let place = LinuxMemory.directMap + 0x100_0000

  private static let text = """
    OSRELEASE=6.1
    SIZE(page)=64
    OFFSET(page.flags)=0
    OFFSET(page.lru)=8
    OFFSET(page.compound_head)=8
    OFFSET(page.mapping)=24
    OFFSET(page.private)=40
    OFFSET(page._mapcount)=48
    OFFSET(page._refcount)=52
    NUMBER(PG_lru)=2
    NUMBER(PG_slab)=5
    NUMBER(PG_head_mask)=8
    """

  private func descriptors(_ memory: LinuxMemory) throws -> PageDescriptors {
    let layout = try #require(PageLayout(nil, Vmcoreinfo(Self.text.utf8), size: 64, pointerSize: 8))
    return PageDescriptors(
      reader: GuestMemoryReader(memory.space, memory.memory),
      array: PageArray(form: .flat(start: Self.array, count: 1 << 16), size: 64), layout: layout, files: nil)
  }

  private static func page(_ address: UInt64) -> UInt64 { array + LinuxMemory.physical(address) >> 12 * 64 }

  // MARK: Slabs

  private static let tasks = (0..<3).map { index in
    GuestTask(
      pid: index + 1, name: "one", address: place + UInt64(index) * 0x2000, parent: nil,
      isKernelThread: false,
      memory: place + 0x1_0000 + UInt64(index) * 0x2000, root: nil)
  }

  private func slabs(named names: [String]) -> LinuxMemory {
    var memory = LinuxMemory()
    for (kind, name) in names.enumerated() {
      let cache = Self.place + 0x2_0000 + UInt64(kind) * 0x200
      memory.put(cache + 0x100, at: cache + 0x60)
      memory.put(name, at: cache + 0x100)
      for task in Self.tasks {
        let page = Self.page(kind == 0 ? task.address : task.memory ?? 0)
        memory.put(1 << 5, at: page)
        memory.put(cache, at: page + 32)
      }
    }
    return memory
  }

  @Test func processesShowWhereSlabsHaveTheirNames() throws {
    let found = try descriptors(slabs(named: ["task_struct", "mm_struct"])).inferredSlabCache(Self.tasks)
    #expect(found == PageLayout.SlabCache(pointer: 32, name: 0x60))
  }

  @Test func otherNamesShowNothing() throws {
    #expect(try descriptors(slabs(named: ["task_struct", "other"])).inferredSlabCache(Self.tasks) == nil)
    #expect(try descriptors(slabs(named: ["task_struct"])).inferredSlabCache(Self.tasks) == nil)
    #expect(try descriptors(LinuxMemory()).inferredSlabCache(Self.tasks) == nil)
  }

  // MARK: Files

  private static let superblock = place + 0x4000
  private static let top = place + 0x5000
  private static let mount = place + 0x6000

  private static func inode(_ index: UInt64) -> UInt64 { place + 0x7000 + index * 0x400 }

  /// Two files of one file system, a page of each mapped: frames 1 and 2.
  private func files() -> LinuxMemory {
    var memory = LinuxMemory()
    func put(_ dentry: UInt64, name: String, parent: UInt64, inode: UInt64) {
      memory.put(parent, at: dentry)
      memory.put(UInt64(name.utf8.count), at: dentry + 8, size: 4)
      memory.put(dentry + 0x80, at: dentry + 16)
      memory.put(inode, at: dentry + 24)
      memory.put(0, at: dentry + 32)
      memory.put(Self.superblock, at: dentry + 40)
      memory.put(name, at: dentry + 0x80)
    }
    put(Self.top, name: "/", parent: Self.top, inode: Self.place)
    for (index, name) in [(UInt64(0), "one"), (1, "two")] {
      let inode = Self.inode(index)
      let entry = Self.top + 0x200 + index * 0x100
      put(entry, name: name, parent: Self.top, inode: inode)
      memory.put(Self.superblock, at: inode + 0x18)
      memory.put(inode + 0x100, at: inode + 0x20)
      memory.put(entry + 0x60, at: inode + 0x50)
      memory.put(inode, at: inode + 0x100)
      let page = Self.array + (index + 1) * 64
      memory.put(1 << 2, at: page)
      memory.put(inode + 0x100, at: page + 24)
    }
    memory.put(Self.mount, at: Self.mount)
    memory.put(Self.top, at: Self.mount + 0x20)
    memory.put(Self.superblock, at: Self.mount + 0x28)
    memory.putList(head: Self.superblock + 0x30, nodes: [Self.mount + 0x40])
    // The file system's own root is an entry, too, and no mount.
    memory.put(Self.top, at: Self.superblock + 0x10)
    return memory
  }

  private func paths(_ memory: LinuxMemory) -> FilePaths {
    FilePaths(
      FilePaths.Offsets(
        fileDentry: 0, fileMount: 8, parent: 0, nameText: 16, nameLength: 8, inode: 24, hashLink: nil,
        operations: 32, nameOperation: 0, superblock: 40, fileSystem: 0, fileSystemName: 0, inodeNumber: nil,
        mountRoot: 0, inMount: 0x20, mountParent: 0, mountPoint: 8),
      GuestMemoryReader(memory.space, memory.memory))
  }

  @Test func mappedPagesShowHowTheirFilesAreFound() throws {
    let memory = files()
    let found = try #require(
      try descriptors(memory).inferredFiles([Frame(1), Frame(2)], paths: paths(memory)))
    #expect(
      found.offsets
        == PageFiles.Offsets(
          host: 0, mapping: 0x20, names: 0x50, superblock: 0x18, nameLink: 0x60, mounts: 0x30,
          mountLink: .list(0x40)))
    #expect(found.path(ofMapping: Self.inode(1) + 0x100) == "/two")
  }

  @Test func oneFileIsNotEnough() throws {
    let memory = files()
    #expect(try descriptors(memory).inferredFiles([Frame(1)], paths: paths(memory)) == nil)
  }

  @Test func filesThatDisagreeShowNothing() throws {
    var memory = files()
    memory.put(0, at: Self.inode(1) + 0x50)
    #expect(try descriptors(memory).inferredFiles([Frame(1), Frame(2)], paths: paths(memory)) == nil)
  }
}
