import PageTables
import TestSupport
import Testing

@testable import Guests

/// Paths and modules, each with types and memory of its own.
@Suite struct LinuxFileTests {
  private static let place = LinuxMemory.directMap + 0x100_0000

  /// A root directory, a mount on `/mnt`, and in it `dir/file`.
  private struct Files {
    var memory = LinuxMemory()
    let types: TypeInformation?

    static let file = place
    static let top = place + 0x1000
    static let mountPoint = place + 0x1100
    static let mountedTop = place + 0x1200
    static let directory = place + 0x1300
    static let entry = place + 0x1400
    static let firstMount = place + 0x2000
    static let secondMount = place + 0x2100
    static let superblock = place + 0x3000
    static let system = place + 0x3100
    static let operations = place + 0x3200

    init() {
      var writer = TypeWriter()
      let long = writer.integer("long", bytes: 8)
      let int = writer.integer("int", bytes: 4)
      let pointer = writer.pointer(to: 0)
      let path = writer.structure("path", size: 16, [("mnt", pointer, 0), ("dentry", pointer, 8)])
      _ = writer.structure("file", size: 64, [("f_path", path, 16)])
      let name = writer.structure("qstr", size: 16, [("len", int, 4), ("name", pointer, 8)])
      let hash = writer.structure("hlist_bl_node", size: 16, [("next", pointer, 0), ("pprev", pointer, 8)])
      _ = writer.structure(
        "dentry", size: 0x80,
        [
          ("d_hash", hash, 8), ("d_parent", pointer, 0x18), ("d_name", name, 0x20),
          ("d_inode", pointer, 0x30),
          ("d_op", pointer, 0x38), ("d_sb", pointer, 0x40),
        ])
      _ = writer.structure("dentry_operations", size: 32, [("d_dname", pointer, 16)])
      _ = writer.structure("super_block", size: 32, [("s_type", pointer, 8)])
      _ = writer.structure("file_system_type", size: 32, [("name", pointer, 0)])
      _ = writer.structure("inode", size: 32, [("i_ino", long, 8)])
      let mount = writer.structure("vfsmount", size: 16, [("mnt_root", pointer, 8)])
      _ = writer.structure(
        "mount", size: 64, [("mnt_parent", pointer, 0), ("mnt_mountpoint", pointer, 8), ("mnt", mount, 0x20)])
      types = TypeInformation(writer.section)
      put(Files.top, name: "/", parent: Files.top)
      put(Files.mountPoint, name: "mnt", parent: Files.top)
      put(Files.mountedTop, name: "/", parent: Files.mountedTop)
      put(Files.directory, name: "dir", parent: Files.mountedTop)
      put(Files.entry, name: "file", parent: Files.directory)
      put(mount: Files.firstMount, parent: Files.firstMount, at: Files.top, root: Files.top)
      put(mount: Files.secondMount, parent: Files.firstMount, at: Files.mountPoint, root: Files.mountedTop)
      memory.put(Files.secondMount + 0x20, at: Files.file + 16)
      memory.put(Files.entry, at: Files.file + 24)
    }

    private mutating func put(_ dentry: UInt64, name: String, parent: UInt64) {
      memory.put(1, at: dentry + 0x10)
      memory.put(parent, at: dentry + 0x18)
      memory.put(UInt64(name.utf8.count), at: dentry + 0x24, size: 4)
      memory.put(dentry + 0x60, at: dentry + 0x28)
      memory.put(0, at: dentry + 0x38)
      memory.put(name, at: dentry + 0x60)
    }

    private mutating func put(mount: UInt64, parent: UInt64, at point: UInt64, root: UInt64) {
      memory.put(parent, at: mount)
      memory.put(point, at: mount + 8)
      memory.put(root, at: mount + 0x28)
    }

    /// Makes the file one that its file system names.
    mutating func generateName(system: String) {
      memory.put(Files.operations, at: Files.entry + 0x38)
      memory.put(LinuxMemory.image, at: Files.operations + 16)
      memory.put(Files.superblock, at: Files.entry + 0x40)
      memory.put(Files.system, at: Files.superblock + 8)
      memory.put(Files.system + 0x20, at: Files.system)
      memory.put(system, at: Files.system + 0x20)
      memory.put(Files.system + 0x80, at: Files.entry + 0x30)
      memory.put(4711, at: Files.system + 0x88)
    }

    var path: String? {
      types.flatMap { FilePaths($0, GuestMemoryReader(memory.space, memory.memory)) }?.path(
        ofFile: Files.file)
    }
  }

  @Test func aPathGoesOnAboveItsMount() {
    #expect(Files().path == "/mnt/dir/file")
  }

  @Test func aNameThatLeadsNowhereIsDeleted() {
    var files = Files()
    files.memory.put(0, at: Files.entry + 0x10)
    #expect(files.path == "/mnt/dir/file (deleted)")
  }

  @Test func aLineBreakInANameStaysOnItsLine() {
    var files = Files()
    files.memory.put("f\nle", at: Files.entry + 0x60)
    #expect(files.path == "/mnt/dir/f\\012le")
  }

  @Test(arguments: [
    ("tmpfs", "/file (deleted)"), ("sockfs", "socket:[4711]"), ("pipefs", "pipe:[4711]"),
    ("anon_inodefs", "anon_inode:file"),
  ])
  func filesWithoutAPlaceAreNamedByTheirSystem(_ system: String, _ expected: String) {
    var files = Files()
    files.generateName(system: system)
    #expect(files.path == expected)
  }

  @Test func directoriesInACircleHaveNoPath() {
    var files = Files()
    files.memory.put(Files.entry, at: Files.directory + 0x18)
    #expect(files.path == nil)
  }

  @Test func mountsInACircleHaveNoPath() {
    var files = Files()
    files.memory.put(Files.secondMount, at: Files.firstMount)
    files.memory.put(Files.entry, at: Files.firstMount + 8)
    #expect(files.path == nil)
  }

  // MARK: Modules

  @Test func modulesAreListedWithTheirSymbols() throws {
    var memory = LinuxMemory()
    var writer = TypeWriter()
    let int = writer.integer("int", bytes: 4)
    let byte = writer.integer("char", bytes: 1)
    let pointer = writer.pointer(to: 0)
    let list = writer.structure("list_head", size: 16, [("next", pointer, 0), ("prev", pointer, 8)])
    let name = writer.array(of: byte, 56)
    let part = writer.structure("module_memory", size: 24, [("base", pointer, 0), ("size", int, 8)])
    let parts = writer.array(of: part, 2)
    _ = writer.structure(
      "module", size: 0x100,
      [("list", list, 8), ("name", name, 0x18), ("mem", parts, 0x60), ("kallsyms", pointer, 0xa0)])
    _ = writer.structure(
      "mod_kallsyms", size: 32,
      [("symtab", pointer, 0), ("num_symtab", int, 8), ("strtab", pointer, 16), ("typetab", pointer, 24)])
    let module = Self.place
    let head = Self.place + 0x1000
    let code: UInt64 = 0xffff_ffff_c000_0000
    memory.putList(head: head, nodes: [module + 8])
    memory.put("snd", at: module + 0x18)
    memory.put(code, at: module + 0x60)
    memory.put(0x3000, at: module + 0x68, size: 4)
    memory.put(0, at: module + 0x78)
    memory.put(module + 0x200, at: module + 0xa0)
    memory.put(module + 0x300, at: module + 0x200)
    memory.put(4, at: module + 0x208, size: 4)
    memory.put(module + 0x400, at: module + 0x210)
    memory.put(module + 0x500, at: module + 0x218)
    // Elf64_Sym: name 1, section 3, value, size.
    memory.put(1, at: module + 0x318, size: 4)
    memory.put(3, at: module + 0x318 + 6, size: 2)
    memory.put(code + 0x100, at: module + 0x318 + 8)
    // `$x` and `.L0` mark places within it, as Arm's and RISC-V's assemblers do, and name none.
    for (number, name, offset) in [(2, 6, 0x104), (3, 9, 0x108)] as [(UInt64, UInt64, UInt64)] {
      memory.put(name, at: module + 0x300 + 24 * number, size: 4)
      memory.put(3, at: module + 0x300 + 24 * number + 6, size: 2)
      memory.put(code + offset, at: module + 0x300 + 24 * number + 8)
    }
    memory.put(
      [0] + Array("play".utf8) + [0] + Array("$x".utf8) + [0] + Array(".L0".utf8) + [0], at: module + 0x400)
    memory.put(Array("?ttt".utf8), at: module + 0x500)
    memory.memory.addPage(LinuxMemory.physical(module))
    let types = try #require(TypeInformation(writer.section))
    let reader = try #require(ModuleReader(types, GuestMemoryReader(memory.space, memory.memory)))
    let modules = reader.modules(head: head)
    #expect(modules.map(\.name) == ["snd"])
    #expect(modules.first?.parts == [code..<code + 0x3000])
    var symbols = KernelSymbols()
    var budget = 100
    for module in modules { reader.addSymbols(of: module, to: &symbols, budget: &budget) }
    symbols.finish()
    #expect(symbols.describe(code + 0x110) == "play+0x10/0x2f00 [snd]")
    #expect(symbols.place(of: code + 0x110)?.kind == "t")
    #expect(budget == 96)
  }
}
