import Guests
import MemoryImages
import PageTables

/// A small running Linux of our own: its structures have offsets that no kernel has, so that nothing but its
/// own description can lead to them.
package struct LinuxSystem: Sendable {
  /// A process to make: without memory it is a thread of the kernel.
  package struct Process: Sendable {
    package let pid: Int
    package let name: String
    package var hasMemory = true
    package var isListed = true
    package var isInTree = true

    /// A process that can be found in all ways, unless said otherwise.
    package init(
      pid: Int, name: String, hasMemory: Bool = true, isListed: Bool = true, isInTree: Bool = true
    ) {
      self.pid = pid
      self.name = name
      self.hasMemory = hasMemory
      self.isListed = isListed
      self.isInTree = isInTree
    }
  }

  package static let start = LinuxMemory.image + 0x30_0000
  package static let namespace = LinuxMemory.image + 0x30_8000
  package static let moduleList = LinuxMemory.image + 0x30_9000
  package static let areaList = LinuxMemory.image + 0x30_a000
  package static let types = LinuxMemory.image + 0x40_0000
  package static let symbols = LinuxMemory.image + 0x50_0000

  package var memory = LinuxMemory()
  package let processes: [Process]
  package private(set) var vmcoreinfo = ""

  private let moreSymbols: [(String, UInt64)]

  /// - Parameters:
  ///   - hasDataSymbols: whether the kernel's table has symbols of other things than functions.
  ///   - variables: symbols of the kernel's data besides those that every system here has.
  package init(_ processes: [Process], hasDataSymbols: Bool = true, variables: [(String, UInt64)] = []) {
    self.processes = processes
    moreSymbols = variables
    putTypes()
    putTasks()
    putTree()
    memory.putList(head: LinuxSystem.moduleList, nodes: [])
    memory.putList(head: LinuxSystem.areaList, nodes: [])
    putSymbols(hasData: hasDataSymbols)
  }

  // Direct-mapped places of the process at an index of `processes`.
  package static func task(_ index: Int) -> UInt64 {
    LinuxMemory.directMap + 0x200_0000 + UInt64(index) * 0x1000
  }
  package static func mm(_ index: Int) -> UInt64 {
    LinuxMemory.directMap + 0x300_0000 + UInt64(index) * 0x1000
  }
  package static func pid(_ index: Int) -> UInt64 {
    LinuxMemory.directMap + 0x510_0000 + UInt64(index) * 0x100
  }
  package static func root(_ index: Int) -> UInt64 { 0x400_0000 + UInt64(index) * 0x2000 }

  private mutating func putTypes() {
    var writer = TypeWriter()
    let long = writer.integer("long", bytes: 8)
    let int = writer.integer("int", bytes: 4)
    let byte = writer.integer("char", bytes: 1)
    let pointer = writer.pointer(to: 0)
    let list = writer.structure("list_head", size: 16, [("next", pointer, 0), ("prev", pointer, 8)])
    let name = writer.array(of: byte, 16)
    let links = writer.array(of: list, 2)
    _ = writer.structure(
      "task_struct", size: 0x400,
      [
        ("flags", int, 0x10), ("pid", int, 0x20), ("tgid", int, 0x24), ("real_parent", pointer, 0x28),
        ("tasks", list, 0x40), ("comm", name, 0x80), ("mm", pointer, 0x98), ("active_mm", pointer, 0xa0),
        ("signal", pointer, 0xb0), ("thread_node", list, 0xc0), ("pid_links", links, 0x100),
      ])
    _ = writer.structure("signal_struct", size: 0x40, [("thread_head", list, 8)])
    let tree = writer.structure("maple_tree", size: 16, [("ma_root", pointer, 8)])
    _ = writer.structure(
      "mm_struct", size: 0x200,
      [
        ("mm_mt", tree, 0x40), ("pgd", pointer, 0x68), ("start_brk", long, 0x80), ("brk", long, 0x88),
        ("start_stack", long, 0x90), ("arg_start", long, 0x98), ("arg_end", long, 0xa0),
        ("env_start", long, 0xa8), ("env_end", long, 0xb0),
      ])
    _ = writer.structure("resource", size: 16, [("start", long, 0), ("end", long, 8)])
    let pivots = writer.array(of: long, 3)
    let slots = writer.array(of: pointer, 4)
    _ = writer.structure("maple_range_64", size: 64, [("pivot", pivots, 8), ("slot", slots, 32)])
    _ = writer.structure("maple_arange_64", size: 96, [("pivot", pivots, 8), ("slot", slots, 40)])
    _ = writer.enumeration(
      "maple_type", [("maple_dense", 0), ("maple_leaf_64", 1), ("maple_range_64", 2), ("maple_arange_64", 3)])
    _ = writer.structure(
      "vm_area_struct", size: 0x80,
      [("vm_start", long, 8), ("vm_end", long, 0x10), ("vm_flags", long, 0x30), ("vm_pgoff", long, 0x38)])
    let array = writer.structure("xarray", size: 16, [("xa_head", pointer, 8)])
    let idr = writer.structure("idr", size: 24, [("idr_rt", array, 0)])
    _ = writer.structure("pid_namespace", size: 64, [("idr", idr, 16)])
    let nodeSlots = writer.array(of: pointer, 64)
    _ = writer.structure("xa_node", size: 0x240, [("shift", byte, 0), ("slots", nodeSlots, 0x20)])
    let heads = writer.array(of: pointer, 4)
    _ = writer.structure("pid", size: 0x40, [("tasks", heads, 0x10)])
    let areaStruct = writer.structure(
      "vm_struct", size: 0x40,
      [
        ("addr", pointer, 8), ("size", long, 0x10), ("flags", long, 0x18), ("pages", pointer, 0x20),
        ("nr_pages", int, 0x28), ("phys_addr", long, 0x30), ("caller", pointer, 0x38),
      ])
    let toStruct = writer.pointer(to: areaStruct)
    _ = writer.structure(
      "vmap_area", size: 0x40,
      [("va_start", long, 0), ("va_end", long, 8), ("list", list, 0x18), ("vm", toStruct, 0x30)])
    memory.put(writer.section, at: LinuxSystem.types)
  }

  private mutating func putTasks() {
    put(task: LinuxSystem.start, pid: 0, name: "swapper/0", parent: LinuxSystem.start)
    for (index, process) in processes.enumerated() {
      put(
        task: LinuxSystem.task(index), pid: process.pid, name: process.name, parent: LinuxSystem.start,
        mm: process.hasMemory ? LinuxSystem.mm(index) : 0)
      guard process.hasMemory else { continue }
      memory.put(LinuxMemory.directMap + LinuxSystem.root(index), at: LinuxSystem.mm(index) + 0x68)
      for slot in [273, 511] {
        let entry = memory.memory.entry(table: LinuxMemory.root, slot: slot) ?? 0
        memory.memory.set(table: LinuxSystem.root(index), slot: slot, to: entry)
      }
    }
    let listed = processes.indices.filter { processes[$0].isListed }.map { LinuxSystem.task($0) + 0x40 }
    memory.putList(head: LinuxSystem.start + 0x40, nodes: listed)
  }

  private mutating func put(task: UInt64, pid: Int, name: String, parent: UInt64, mm: UInt64 = 0) {
    memory.memory.addPage(LinuxMemory.physical(task) & ~0xfff)
    memory.put(mm == 0 ? 0x20_0000 : 0, at: task + 0x10, size: 4)
    memory.put(UInt64(pid), at: task + 0x20, size: 4)
    memory.put(UInt64(pid), at: task + 0x24, size: 4)
    memory.put(parent, at: task + 0x28)
    // The leader of its group is itself.
    memory.put(task, at: task + 0x38)
    memory.put(name, at: task + 0x80)
    memory.put(mm, at: task + 0x98)
    memory.put(mm == 0 ? LinuxSystem.mm(0) : mm, at: task + 0xa0)
  }

  private mutating func putTree() {
    let node = LinuxMemory.directMap + 0x500_0000
    memory.put(node | 2, at: LinuxSystem.namespace + 0x18)
    memory.memory.addPage(LinuxMemory.physical(node))
    for (index, process) in processes.enumerated() where process.isInTree && process.pid < 64 {
      memory.put(LinuxSystem.pid(index), at: node + 0x20 + UInt64(process.pid * 8))
      memory.put(LinuxSystem.task(index) + 0x100, at: LinuxSystem.pid(index) + 0x10)
    }
  }

  private mutating func putSymbols(hasData: Bool) {
    let named: [(String, Character, UInt64)] = [
      ("swapper_pg_dir", "D", LinuxMemory.root - LinuxMemory.imageStart + LinuxMemory.image),
      ("caller_of_areas", "T", LinuxMemory.image + 0x2000), ("after", "T", LinuxMemory.image + 0x2100),
      ("init_task", "D", LinuxSystem.start), ("init_pid_ns", "D", LinuxSystem.namespace),
      ("modules", "D", LinuxSystem.moduleList), ("vmap_area_list", "D", LinuxSystem.areaList),
      ("__start_BTF", "R", LinuxSystem.types), ("_end", "B", LinuxMemory.image + LinuxMemory.imageSize),
    ]
    // The linker's own borders of sections stay in every table.
    let border: (String, Character, UInt64) = ("__init_begin", "D", LinuxMemory.image + 0x3000)
    let all = (named + moreSymbols.map { ($0.0, "D", $0.1) }).sorted { $0.2 < $1.2 }
    let kept = hasData ? all : named.filter { $0.1 == "T" } + [border]
    let writer = SymbolWriter(symbols: kept.map { (name: $0.0, kind: $0.1, address: $0.2) })
    vmcoreinfo =
      "OSRELEASE=6.99.0-test\nNUMBER(phys_base)=0\n"
      + "SYMBOL(swapper_pg_dir)=\(String(named[0].2, radix: 16))\n"
    vmcoreinfo += writer.write(to: &memory, at: LinuxSystem.symbols)
  }

  /// Puts regions into the tree of a process: one leaf of at most four slots.
  package mutating func putRegions(_ regions: [(Range<UInt64>, flags: UInt64)], process index: Int) {
    let node = LinuxMemory.directMap + 0x600_0000 + UInt64(index) * 0x1000
    // Bits 3 to 6: type 1, a leaf; bit 1: a root.
    memory.put(node | 1 << 3 | 2, at: LinuxSystem.mm(index) + 0x48)
    memory.memory.addPage(LinuxMemory.physical(node))
    for (slot, region) in regions.enumerated() {
      let area = node + 0x200 + UInt64(slot) * 0x80
      memory.put(region.0.lowerBound, at: area + 8)
      memory.put(region.0.upperBound, at: area + 0x10)
      memory.put(region.flags, at: area + 0x30)
      if slot < 3 { memory.put(region.0.upperBound - 1, at: node + 8 + UInt64(slot) * 8) }
      memory.put(area, at: node + 32 + UInt64(slot) * 8)
    }
  }

  package var opened: MemoryImage {
    var image = memory.opened
    image.vmcoreinfo = Array(vmcoreinfo.utf8)
    return image
  }

  /// The same as a raw file: its VMCOREINFO is nowhere but in its memory, where the kernel keeps it as an ELF
  /// note at the start of a page.
  package var withoutNotes: MemoryImage {
    var system = self
    system.putNote()
    return system.memory.opened
  }

  private mutating func putNote() {
    let text = Array(vmcoreinfo.utf8)
    let header = [11, 0, 0, 0, UInt8(text.count & 0xff), UInt8(text.count >> 8), 0, 0, 0, 0, 0, 0]
    memory.put(header + Array("VMCOREINFO\0\0".utf8) + text, at: LinuxMemory.directMap + 0x70_0000)
  }

  /// Where another system lies that `beside` adds: as far up as a page of 1 GiB can be.
  package static let distance: UInt64 = 1 << 30

  /// Both in one memory, the other one moved up. Each keeps its VMCOREINFO in its memory, and none is in a note of the
  /// dump.
  package func beside(_ other: LinuxSystem) -> MemoryImage {
    var (lower, upper) = (self, other)
    lower.putNote()
    upper.vmcoreinfo = upper.vmcoreinfo.replacing(
      "NUMBER(phys_base)=0\n", with: "NUMBER(phys_base)=\(LinuxSystem.distance)\n")
    upper.putNote()
    // Virtual addresses stay: only what entries of tables say moves along.
    let roots = [LinuxMemory.root] + upper.processes.indices.map(LinuxSystem.root)
    var below: Set<UInt64> = []
    for root in roots {
      for slot in [273, 511] {
        guard let raw = upper.memory.memory.entry(table: root, slot: slot), raw & 1 == 1 else { continue }
        below.insert(raw & 0x000f_ffff_ffff_f000)
        upper.memory.memory.set(table: root, slot: slot, to: raw + LinuxSystem.distance)
      }
    }
    while let table = below.popFirst() {
      for slot in 0..<512 {
        guard let raw = upper.memory.memory.entry(table: table, slot: slot), raw & 1 == 1 else { continue }
        if raw & 0x80 == 0 { below.insert(raw & 0x000f_ffff_ffff_f000) }
        upper.memory.memory.set(table: table, slot: slot, to: raw + LinuxSystem.distance)
      }
    }
    lower.memory.memory.add(upper.memory.memory, movedBy: LinuxSystem.distance)
    return lower.memory.opened
  }

  /// What is known of it with nothing but its memory and notes.
  package var guest: LinuxGuest? { LinuxGuest.read(opened, spaces: FoundSpaces()) }

  /// A few processes: two of them threads of the kernel.
  package static let usual = LinuxSystem([
    Process(pid: 1, name: "init"), Process(pid: 2, name: "kthreadd", hasMemory: false),
    Process(pid: 3, name: "kworker/0:0", hasMemory: false), Process(pid: 17, name: "shell"),
  ])
}
