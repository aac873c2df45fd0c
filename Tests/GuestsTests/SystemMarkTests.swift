import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// What entries that are not present keep, by the system that was recognized.
@Suite struct SystemMarkTests {
  /// As Windows leaves them in a page table: a demand-zero entry of protection MM_NOACCESS, two in transition (bit 11,
  /// the frame from bit 12 on), one in a page file, a prototype (bit 10).
  private static let entries: [UInt64] = [
    0x300, 0x60_0000 | 0x800 | 0xc << 5, 0x60_1000 | 0x800 | 6 << 5, 0x1234 << 32 | 0x80,
    0xffff_a00f << 32 | 0x400,
  ]

  /// A root of 4 levels whose slot `self` points back at it, and those entries from 15000 on.
  private func image(_ selfEntry: UInt64, vmcoreinfo: String? = nil) -> MemoryImage {
    var memory = TableMemory(firstTable: 0x10_0000)
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.set(table: space.root.value, slot: 0x1ed, to: space.root.value | selfEntry)
    memory.map(0xffff_f800_0060_0000, to: 0x60_0000, in: space, level: 2, flags: 0xe3)
    for (number, entry) in Self.entries.enumerated() {
      memory.map(0x1_5000 + UInt64(number) << 12, to: 0, in: space, flags: entry, tableFlags: 0x867)
    }
    memory.addPhysical(0, 8 << 20)
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = .x86_64
    image.cpus = [
      CPUState(cr0: 0x8005_0033, cr3: space.root.value | 2, cr4: 0x35_0ef8, instructionPointer: 0)
    ]
    image.vmcoreinfo = vmcoreinfo.map { Array($0.utf8) }
    return image
  }

  private func marks(_ image: MemoryImage) throws -> [FoundMark?] {
    let space = try #require(try SpaceSearch(image).known().spaces.first?.space)
    return Self.entries.indices.map { number in
      let translation = space.translate(VirtualAddress(0x1_5000 + UInt64(number) << 12), in: image.memory)
      if case .fault(.marked(let mark)) = translation.outcome { return mark }
      return nil
    }
  }

  // "Windows Internals", 7th edition, Part 1, Chapter 5, "Invalid PTEs"; the entry that points back is P, R/W, A, D,
  // bit 11 ("writable"), and may be no-execute.
  @Test(arguments: [0x863, 0x8000_0000_0000_0863] as [UInt64])
  func aWindowsRootGivesItsEntriesTheirNames(_ selfEntry: UInt64) throws {
    let found = try marks(image(selfEntry))
    #expect(
      found.map { $0?.name } == ["demand zero", "transition", "transition", "page file", "prototype"])
    #expect(found.map { $0?.address?.value } == [nil, 0x60_0000, 0x60_1000, nil, nil])
  }

  // A kernel that points back at its root with P and R/W alone is not Windows.
  @Test(arguments: [0x3, 0x63, 0x867] as [UInt64])
  func anotherRecursiveSlotSaysNothing(_ selfEntry: UInt64) throws {
    let found = try marks(image(selfEntry))
    #expect(found.allSatisfy { $0?.name == "software" && $0?.address == nil })
  }

  @Test func linuxesNoteGivesLinuxesMarks() throws {
    let found = try marks(image(0x63, vmcoreinfo: "OSRELEASE=6.1\n"))
    // 0x300 has bit 8 without bit 0, and nothing but set bits for a frame: none.
    #expect(found[0] == FoundMark(name: "PROT_NONE", address: nil))
    // 0x600980 has bit 8, too; inverted, its frame lies outside of all memory.
    #expect(found[1] == FoundMark(name: "PROT_NONE", address: nil))
    #expect(found[4] == FoundMark(name: "software", address: nil))
  }

  // With 32-bit addresses Windows shows its tables at 0xc0000000.
  @Test func theRootsOf32BitWindowsAreKnown() throws {
    var memory = TableMemory(firstTable: 0x10_0000)
    for page in stride(from: UInt64(0), to: 0x20_0000, by: 4096) { memory.addPage(page) }
    let short = memory.makeSpace("", scheme: X86.paging32())
    memory.set(table: short.root.value, slot: 0x300, to: short.root.value | 0x63, size: 4)
    memory.map(0x5000, to: 0x7000, in: short, flags: 0x880)
    let wide = memory.makeSpace("", scheme: X86.pae())
    let tables = (0..<4).map { _ in memory.makeTable() }
    for (number, table) in tables.enumerated() {
      memory.set(table: wide.root.value, slot: number, to: table | 1)
      memory.set(table: tables[3], slot: number, to: table | 0x863)
    }
    memory.map(0x5000, to: 0x7000, in: wide, flags: 0x880)
    for (space, cr4) in [(short, 0x10), (wide, 0x30)] as [(AddressSpace, UInt64)] {
      var image = MemoryImage(memory: memory, format: "test", name: "test")
      image.machine = .i386
      image.cpus = [CPUState(cr0: 0x8001_0011, cr3: space.root.value, cr4: cr4, instructionPointer: 0)]
      let found = try #require(try SpaceSearch(image).known().spaces.first?.space)
      #expect(found.scheme.name == space.scheme.name)
      guard case .fault(.marked(let mark)) = found.translate(VirtualAddress(0x5000), in: memory).outcome
      else {
        Issue.record("no mark under \(space.scheme.name)")
        continue
      }
      #expect(mark == FoundMark(name: "transition", address: PhysicalAddress(0x7000)), "\(space.scheme.name)")
    }
  }

  // No note names it; its memory does.
  @Test func aLinuxGuestGivesItsSpacesItsMarks() throws {
    let system = LinuxSystem([.init(pid: 1, name: "init")])
    let guest = try #require(system.guest)
    var found = FoundSpaces()
    found.spaces = [FoundSpace(space: LinuxMemory().space, origin: .scan)]
    #expect(found.spaces[0].space.scheme.mark(in: 0x100, level: 3)?.name == "software")
    let named = SpaceSearch(system.opened).named(found, by: guest)
    #expect(named.spaces.allSatisfy { $0.space.scheme.mark(in: 0x100, level: 3)?.name == "PROT_NONE" })
    #expect(named.spaces.count > 1)
  }

  // A capture has no memory that a guest could be read from; its list has names that only a guest gave.
  @Test func aCaptureOfALinuxGuestKeepsItsMarks() throws {
    var memory = TableMemory(firstTable: 0x10_0000)
    let space = memory.makeSpace("init", scheme: X86.paging4Level())
    memory.map(0x1000, to: 0x5000, in: space)
    var found = FoundSpace(space: space, pid: 1, origin: .scan)
    func name(_ contents: CaptureContents) throws -> String? {
      var image = MemoryImage(memory: memory, format: "capture", name: "test")
      image.capture = contents
      return try SpaceSearch(image).known().spaces.first?.space.scheme.mark(in: 0x100, level: 3)?.name
    }
    #expect(try name(CaptureContents(spaceLines: CaptureList([found]).lines)) == "software")
    found.namedBy = .tasks
    #expect(try name(CaptureContents(spaceLines: CaptureList([found]).lines)) == "PROT_NONE")
  }
}
