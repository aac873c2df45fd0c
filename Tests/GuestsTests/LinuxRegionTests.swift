import PageTables
import TestSupport
import Testing

@testable import Guests

@Suite struct LinuxRegionTests {
  @Test func regionsAreReadFromTheTree() throws {
    var system = LinuxSystem.usual
    system.putRegions(
      [
        (0x40_0000..<0x40_2000, flags: 5), (0x50_0000..<0x52_0000, flags: 3),
        (0x7f00_0000..<0x7f01_0000, flags: 0x83),
      ],
      process: 3)
    let guest = try #require(system.guest)
    let regions = guest.regions(of: try #require(guest.tasks?[17]))
    #expect(
      regions.map(\.range) == [0x40_0000..<0x40_2000, 0x50_0000..<0x52_0000, 0x7f00_0000..<0x7f01_0000])
    #expect(regions.map(\.permissions) == ["r-xp", "rw-p", "rw-s"])
  }

  @Test func heapAndStackAreKnownByTheirPlace() throws {
    var system = LinuxSystem.usual
    system.putRegions(
      [
        (0x40_0000..<0x40_2000, flags: 3), (0x50_0000..<0x52_0000, flags: 3),
        (0x7f00_0000..<0x7f01_0000, flags: 3),
      ],
      process: 3)
    system.memory.put(0x50_1000, at: LinuxSystem.mm(3) + 0x80)
    system.memory.put(0x51_0000, at: LinuxSystem.mm(3) + 0x88)
    system.memory.put(0x7f00_8000, at: LinuxSystem.mm(3) + 0x90)
    let guest = try #require(system.guest)
    let regions = guest.regions(of: try #require(guest.tasks?[17]))
    #expect(regions.map(\.name) == ["", "[heap]", "[stack]"])
  }

  /// Two levels: an inner node whose second child is itself, and a leaf that ends early.
  @Test func aTreeThatHoldsItselfEnds() throws {
    var system = LinuxSystem.usual
    system.putRegions([(0x40_0000..<0x40_2000, flags: 1)], process: 3)
    let leaf = LinuxMemory.directMap + 0x600_3000
    let inner = LinuxMemory.directMap + 0x680_0000
    system.memory.memory.addPage(LinuxMemory.physical(inner))
    // Type 3 keeps its slots at other offsets than a leaf.
    system.memory.put(inner | 3 << 3 | 2, at: LinuxSystem.mm(3) + 0x48)
    system.memory.put(0x40_1fff, at: inner + 8)
    system.memory.put(leaf | 1 << 3, at: inner + 40)
    system.memory.put(inner | 3 << 3, at: inner + 48)
    let guest = try #require(system.guest)
    let regions = guest.regions(of: try #require(guest.tasks?[17]))
    #expect(regions.map(\.range) == [0x40_0000..<0x40_2000])
  }

  @Test func areasThatCannotBeRegionsAreLeftOut() throws {
    var system = LinuxSystem.usual
    system.putRegions([(0x40_0001..<0x40_2000, flags: 1), (0x50_0000..<0x51_0000, flags: 1)], process: 3)
    let guest = try #require(system.guest)
    let regions = guest.regions(of: try #require(guest.tasks?[17]))
    #expect(regions.map(\.range.lowerBound) == [0x50_0000])
  }

  /// Kernels before 6.1: a list, which may run in a circle.
  @Test func withoutATreeRegionsAreReadFromTheList() throws {
    var writer = TypeWriter()
    let long = writer.integer("long", bytes: 8)
    let pointer = writer.pointer(to: 0)
    _ = writer.structure("mm_struct", size: 64, [("mmap", pointer, 0x18)])
    _ = writer.structure(
      "vm_area_struct", size: 64,
      [("vm_start", long, 0), ("vm_end", long, 8), ("vm_next", pointer, 0x10), ("vm_flags", long, 0x20)])
    var memory = LinuxMemory()
    let mm = LinuxMemory.directMap + 0x100_0000
    memory.memory.addPage(LinuxMemory.physical(mm))
    let areas = [mm + 0x100, mm + 0x200]
    memory.put(areas[0], at: mm + 0x18)
    for (index, area) in areas.enumerated() {
      let start = UInt64(0x40_0000 + index * 0x2000)
      memory.put(start, at: area)
      memory.put(start + 0x1000, at: area + 8)
      memory.put(areas[1 - index], at: area + 0x10)
      memory.put(1, at: area + 0x20)
    }
    let types = try #require(TypeInformation(writer.section))
    let reader = try #require(UserRegionReader(types, GuestMemoryReader(memory.space, memory.memory)))
    #expect(reader.regions(of: mm).map(\.range) == [0x40_0000..<0x40_1000, 0x40_2000..<0x40_3000])
  }

  /// A file is there, and its name is not: that is not anonymous memory.
  @Test func aFileWhoseNameCannotBeReadIsNotAnonymous() throws {
    var writer = TypeWriter()
    let long = writer.integer("long", bytes: 8)
    let pointer = writer.pointer(to: 0)
    _ = writer.structure("mm_struct", size: 64, [("mmap", pointer, 0x18)])
    _ = writer.structure(
      "vm_area_struct", size: 64,
      [
        ("vm_start", long, 0), ("vm_end", long, 8), ("vm_next", pointer, 0x10), ("vm_flags", long, 0x20),
        ("vm_pgoff", long, 0x28), ("vm_file", pointer, 0x30),
      ])
    var memory = LinuxMemory()
    let mm = LinuxMemory.directMap + 0x100_0000
    memory.memory.addPage(LinuxMemory.physical(mm))
    memory.put(mm + 0x100, at: mm + 0x18)
    for (index, file) in [UInt64(0xdead_0000), 0].enumerated() {
      let area = mm + 0x100 + UInt64(index * 0x100)
      memory.put(UInt64(0x40_0000 + index * 0x2000), at: area)
      memory.put(UInt64(0x40_1000 + index * 0x2000), at: area + 8)
      memory.put(index == 0 ? area + 0x100 : 0, at: area + 0x10)
      memory.put(3, at: area + 0x28)
      memory.put(file, at: area + 0x30)
    }
    let types = try #require(TypeInformation(writer.section))
    let reader = try #require(UserRegionReader(types, GuestMemoryReader(memory.space, memory.memory)))
    let regions = reader.regions(of: mm).map(NamedRegion.init)
    #expect(regions.map(\.title) == ["?", "anonymous"])
    #expect(regions.map(\.fileOffset) == [0x3000, nil])
  }

  /// The same regions stand in a red-black tree, which leads on where the list breaks off.
  @Test func whereTheListBreaksOffTheTreeLeadsOn() {
    var memory = LinuxMemory()
    let mm = LinuxMemory.directMap + 0x100_0000
    memory.memory.addPage(LinuxMemory.physical(mm))
    let areas = (1...4).map { mm + UInt64($0) * 0x100 }
    let missing = LinuxMemory.directMap + 0x3fff_0000
    memory.put(areas[0], at: mm + 0x18)
    memory.put(areas[1], at: areas[0] + 0x10)
    memory.put(missing, at: areas[1] + 0x10)
    // The second region is the tree's root; a node below it points back up.
    memory.put(areas[1] + 0x40, at: mm + 0x30)
    memory.put(areas[0] + 0x40, at: areas[1] + 0x50)
    memory.put(areas[2] + 0x40, at: areas[1] + 0x48)
    memory.put(areas[3] + 0x40, at: areas[2] + 0x48)
    memory.put(areas[1] + 0x40, at: areas[3] + 0x48)
    var writer = TypeWriter()
    let pointer = writer.pointer(to: 0)
    let node = writer.structure("rb_node", size: 24, [("rb_right", pointer, 8), ("rb_left", pointer, 16)])
    let root = writer.structure("rb_root", size: 8, [("rb_node", pointer, 0)])
    _ = writer.structure("mm_struct", size: 64, [("mmap", pointer, 0x18), ("mm_rb", root, 0x30)])
    _ = writer.structure("vm_area_struct", size: 96, [("vm_next", pointer, 0x10), ("vm_rb", node, 0x40)])
    let reader = GuestMemoryReader(memory.space, memory.memory)
    let list = TypeInformation(writer.section).flatMap { RegionList($0, reader) }
    #expect(list?.regions(of: mm).sorted() == areas)
  }

  /// The page of old system calls is one region for all; each process says whether it sees it.
  @Test(arguments: [(mode: UInt64(1), flags: UInt64(2), isSeen: true), (2, 2, false), (1, 0, false)])
  func thePageOfOldSystemCallsIsListedWhereAProcessHasIt(_ mode: UInt64, _ flags: UInt64, _ isSeen: Bool)
    throws
  {
    var writer = TypeWriter()
    let long = writer.integer("long", bytes: 8)
    let pointer = writer.pointer(to: 0)
    let context = writer.structure("context", size: 16, [("flags", long, 8)])
    _ = writer.structure("mm_struct", size: 64, [("mmap", pointer, 0x18), ("context", context, 0x28)])
    _ = writer.structure(
      "vm_area_struct", size: 64,
      [("vm_start", long, 0), ("vm_end", long, 8), ("vm_next", pointer, 0x10), ("vm_flags", long, 0x20)])
    var memory = LinuxMemory()
    let mm = LinuxMemory.directMap + 0x100_0000
    let gate = LinuxMemory.image + 0x30_0000
    memory.memory.addPage(LinuxMemory.physical(mm))
    memory.put(flags, at: mm + 0x30)
    memory.put(0xffff_ffff_ff60_0000, at: gate)
    memory.put(0xffff_ffff_ff60_1000, at: gate + 8)
    memory.put(4, at: gate + 0x20)
    memory.put(mode, at: gate + 0x80, size: 4)
    var symbols = KernelSymbols()
    symbols.append(address: gate, kind: UInt8(ascii: "d"), name: Array("gate_vma".utf8))
    symbols.append(address: gate + 0x80, kind: UInt8(ascii: "d"), name: Array("vsyscall_mode".utf8))
    symbols.finish()
    let types = try #require(TypeInformation(writer.section))
    let plain = try #require(UserRegionReader(types, GuestMemoryReader(memory.space, memory.memory)))
    let regions = plain.withGate(types, symbols).regions(of: mm)
    #expect(regions.map(\.name) == (isSeen ? ["[vsyscall]"] : []))
    #expect(regions.map(\.permissions) == (isSeen ? ["--xp"] : []))
  }

  /// Until 5.12 what is to be given back stood in a chain that ends with a null pointer.
  @Test func areasToBeGivenBackAreReadFromTheirChain() throws {
    var writer = TypeWriter()
    let long = writer.integer("long", bytes: 8)
    let pointer = writer.pointer(to: 0)
    let list = writer.structure("list_head", size: 16, [("next", pointer, 0), ("prev", pointer, 8)])
    _ = writer.structure(
      "vmap_area", size: 0x40,
      [
        ("va_start", long, 0), ("va_end", long, 8), ("list", list, 0x18), ("vm", pointer, 0x30),
        ("purge_list", pointer, 0x30),
      ])
    var memory = LinuxMemory()
    let areas = (1...2).map { LinuxMemory.directMap + 0x100_0000 + UInt64($0) * 0x100 }
    let heads = LinuxMemory.image + 0x30_0000
    memory.memory.addPage(0x100_0000)
    memory.putList(head: heads, nodes: [])
    memory.put(areas[1] + 0x30, at: heads + 0x40)
    memory.put(areas[0] + 0x30, at: areas[1] + 0x30)
    for (index, area) in areas.enumerated() {
      memory.put(0xffff_c900_0000_0000 + UInt64(index) << 20, at: area)
      memory.put(0xffff_c900_0000_2000 + UInt64(index) << 20, at: area + 8)
    }
    var symbols = KernelSymbols()
    symbols.append(address: heads, kind: UInt8(ascii: "d"), name: Array("vmap_area_list".utf8))
    symbols.append(address: heads + 0x40, kind: UInt8(ascii: "d"), name: Array("vmap_purge_list".utf8))
    symbols.finish()
    let types = try #require(TypeInformation(writer.section))
    let found = VmallocReader.areas(types, nil, symbols, GuestMemoryReader(memory.space, memory.memory))
    #expect(found.map(\.range.lowerBound) == [0xffff_c900_0000_0000, 0xffff_c900_0010_0000])
    #expect(found.allSatisfy { $0.isUnpurged })
  }

  @Test func vmallocAreasAreNamedByTheirCaller() throws {
    var system = LinuxSystem.usual
    let area = LinuxMemory.directMap + 0x710_0000
    system.memory.memory.addPage(LinuxMemory.physical(area))
    system.memory.put(0xffff_c900_0000_0000, at: area)
    system.memory.put(0xffff_c900_0000_5000, at: area + 8)
    system.memory.putList(head: LinuxSystem.areaList, nodes: [area + 0x18])
    let owner = area + 0x100
    system.memory.put(owner, at: area + 0x30)
    system.memory.put(0xffff_c900_0000_0000, at: owner + 8)
    system.memory.put(0x5000, at: owner + 0x10)
    system.memory.put(2, at: owner + 0x18)
    system.memory.put(4, at: owner + 0x28, size: 4)
    system.memory.put(LinuxMemory.image + 0x2040, at: owner + 0x38)
    let guest = try #require(system.guest)
    let found = try #require(guest.vmallocAreas().first)
    #expect(found.range == 0xffff_c900_0000_0000..<0xffff_c900_0000_5000)
    #expect(found.kinds == .vmalloc && found.pages == 4)
    let region = try #require(guest.kernelRegions().first { $0.kind == .vmalloc })
    #expect(region.name == "caller_of_areas+0x40/0x100")
  }

  @Test func anAreaThatNobodyOwnsHasNoCaller() throws {
    var system = LinuxSystem.usual
    let area = LinuxMemory.directMap + 0x710_0000
    system.memory.memory.addPage(LinuxMemory.physical(area))
    system.memory.put(0xffff_c900_0000_0000, at: area)
    system.memory.put(0xffff_c900_0000_2000, at: area + 8)
    // Where no owner stands the field holds a size.
    system.memory.put(0x2000, at: area + 0x30)
    system.memory.putList(head: LinuxSystem.areaList, nodes: [area + 0x18])
    let found = try #require(system.guest?.vmallocAreas().first)
    #expect(found.caller == nil && found.kinds.isEmpty)
  }

  /// All processes of a hostile guest may show the same million regions.
  @Test func aCaptureHasNoMoreLinesThanItsLimit() throws {
    var system = LinuxSystem.usual
    for process in [0, 3] {
      system.putRegions(
        [(0x40_0000..<0x40_1000, flags: 5), (0x60_0000..<0x60_1000, flags: 3)], process: process)
    }
    let guest = try #require(system.guest)
    let spaces = [0, 3].map { process in
      FoundSpace(
        space: AddressSpace(
          name: "", root: PhysicalAddress(LinuxSystem.root(process)), scheme: guest.kernel.scheme),
        origin: .tasks)
    }
    let all = CapturedRegions.lines(for: spaces, of: guest)
    let kernels = all.count { $0.hasPrefix("*") }
    #expect(all.count == kernels + 4)
    for limit in [0, kernels, kernels + 1, kernels + 3] {
      #expect(CapturedRegions.lines(for: spaces, of: guest, limit: limit) == Array(all.prefix(limit)))
    }
  }
}
