import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// A small machine of our own: a kernel root with a direct map of all its memory, and processes that share the
/// kernel half.
private struct SmallMachine {
  static let directMap: UInt64 = 0xffff_8880_0000_0000
  static let memorySize: UInt64 = 16 << 20
  let scheme = X86.paging4Level()
  var memory = TableMemory()
  /// PDPT and PD of the direct map, in 2 MiB pages.
  let directory: UInt64 = 0x20_0000

  init() {
    for page in stride(from: 0, to: SmallMachine.memorySize, by: 4096) { memory.addPage(page) }
    memory.set(table: directory, slot: 0, to: (directory + 0x1000) | 0x63)
    for large in 0..<UInt64(8) {
      memory.set(table: directory + 0x1000, slot: Int(large), to: large << 21 | 0x80000000_000000e3)
    }
  }

  /// Slots that every root has: the direct map, and three more tables.
  mutating func makeRoot(_ address: UInt64) {
    memory.set(table: address, slot: 273, to: directory | 0x63)
    for slot in [402, 468, 511] { memory.set(table: address, slot: slot, to: (directory + 0x2000) | 0x67) }
  }

  /// A process: one user page below PML4[0].
  mutating func makeProcess(_ root: UInt64, tables: UInt64, noExecute: Bool = false) {
    makeRoot(root)
    memory.set(table: root, slot: 0, to: tables | 0x67 | (noExecute ? 1 << 63 : 0))
    memory.set(table: tables, slot: 0, to: (tables + 0x1000) | 0x67)
    memory.set(table: tables + 0x1000, slot: 0, to: (tables + 0x2000) | 0x67)
    memory.set(table: tables + 0x2000, slot: 1, to: 0x80_0000 | 0x67)
  }

  func image(cr3: UInt64?) -> MemoryImage {
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = .x86_64
    if let cr3 { image.cpus = [CPUState(cr0: 0x8000_0011, cr3: cr3, cr4: 0x20, instructionPointer: 0)] }
    return image
  }
}

@Suite struct SearchTests {
  private func scanned(_ image: MemoryImage, _ options: SpaceSearchOptions = SpaceSearchOptions()) throws
    -> [FoundSpace]
  {
    let search = SpaceSearch(image, options)
    return try #require(search.scan(known: try search.known()) { _ in true }).spaces
  }

  private func found(_ root: UInt64, _ spaces: [FoundSpace]) throws -> FoundSpace {
    try #require(spaces.first { $0.space.root.value == root }, "0x\(String(root, radix: 16)) is missed")
  }

  @Test func lowBitsOfCR3AreNoAddress() throws {
    var machine = SmallMachine()
    machine.makeProcess(0x10_0000, tables: 0x30_0000)
    let known = try SpaceSearch(machine.image(cr3: 0x8000_0000_0010_0018 | 5)).known()
    #expect(known.spaces.map(\.space.root.value) == [0x10_0000])
  }

  @Test func aFreedRootIsListedLastAsPossiblyStale() throws {
    var machine = SmallMachine()
    machine.makeProcess(0x10_0000, tables: 0x30_0000)
    machine.makeRoot(0x0f_0000)
    let spaces = try scanned(machine.image(cr3: 0x10_0000))
    #expect(try found(0x0f_0000, spaces).isPossiblyStale)
    #expect(spaces.last?.space.root.value == 0x0f_0000)
    #expect(try !found(0x10_0000, spaces).isPossiblyStale)
  }

  @Test func withIsolationTheRegisterMayHoldTheUserCopy() throws {
    var machine = SmallMachine()
    for root in [UInt64(0x10_0000), 0x14_0000] {
      machine.makeProcess(root, tables: root + 0x20_0000, noExecute: true)
      // The user copy: the same user entry, executable; of the kernel only its entry code.
      machine.memory.set(table: root + 0x1000, slot: 0, to: (root + 0x20_0000) | 0x67)
      machine.memory.set(table: root + 0x1000, slot: 511, to: (machine.directory + 0x2000) | 0x67)
    }
    let spaces = try scanned(machine.image(cr3: 0x14_1000))
    #expect(try found(0x14_1000, spaces).isolation == .userCopy(kernelRoot: PhysicalAddress(0x14_0000)))
    #expect(try found(0x14_0000, spaces).isolation == .kernelCopy(userRoot: PhysicalAddress(0x14_1000)))
    #expect(try found(0x10_1000, spaces).isolation == .userCopy(kernelRoot: PhysicalAddress(0x10_0000)))
    #expect(try found(0x14_1000, spaces).foundBy == "cpu 0")
  }

  @Test func withoutAnyRegisterRootsAgreeWithEachOther() throws {
    var machine = SmallMachine()
    machine.makeProcess(0x10_0000, tables: 0x30_0000)
    machine.makeProcess(0x11_0000, tables: 0x34_0000)
    let spaces = try scanned(machine.image(cr3: nil))
    #expect(Set(spaces.map(\.space.root.value)) == [0x10_0000, 0x11_0000])
    #expect(spaces.allSatisfy { $0.space.scheme.name == "x86-64" })
  }

  @Test func memoryWithoutRootsHasNone() throws {
    var memory = TableMemory()
    for page in stride(from: UInt64(0), to: 4 << 20, by: 4096) {
      memory.addPage(page)
      for slot in 0..<512 {
        memory.set(table: page, slot: slot, to: (page &+ UInt64(slot)) &* 0x9e37_79b9_7f4a_7c15)
      }
    }
    #expect(try scanned(MemoryImage(memory: memory, format: "test", name: "test")).isEmpty)
  }

  @Test func aScanThatIsStoppedGivesNothing() throws {
    var machine = SmallMachine()
    machine.makeProcess(0x10_0000, tables: 0x30_0000)
    let search = SpaceSearch(machine.image(cr3: 0x10_0000))
    let known = try search.known()
    #expect(search.scan(known: known) { _ in false } == nil)
  }

  @Test func givenRootsAreTheOnlyOnesInTheirOrder() throws {
    var machine = SmallMachine()
    machine.makeProcess(0x10_0000, tables: 0x30_0000)
    machine.makeProcess(0x11_0000, tables: 0x34_0000)
    var options = SpaceSearchOptions()
    options.roots = [GivenRoot("b", PhysicalAddress(0x11_0000)), GivenRoot("a", PhysicalAddress(0x10_0000))]
    let spaces = try scanned(machine.image(cr3: 0x10_0000), options)
    #expect(spaces.map(\.space.name) == ["b", "a"])
    #expect(spaces.allSatisfy { $0.foundBy == "given" })
  }

  @Test func givenRootsAndAScanKeepTheirNames() throws {
    var machine = SmallMachine()
    machine.makeProcess(0x10_0000, tables: 0x30_0000)
    machine.makeProcess(0x11_0000, tables: 0x34_0000)
    var options = SpaceSearchOptions()
    options.roots = [GivenRoot("mine", PhysicalAddress(0x11_0000))]
    options.scans = true
    let spaces = try scanned(machine.image(cr3: nil), options)
    #expect(try found(0x11_0000, spaces).space.name == "mine")
    #expect(try found(0x10_0000, spaces).foundBy == "scan")
  }

  @Test func rootsThatAreNoneAreRefused() throws {
    var machine = SmallMachine()
    machine.makeProcess(0x10_0000, tables: 0x30_0000)
    let image = machine.image(cr3: 0x10_0000)
    func refusal(_ address: UInt64) -> SpaceSearchError? {
      var options = SpaceSearchOptions()
      options.roots = [GivenRoot("x", PhysicalAddress(address))]
      do throws(SpaceSearchError) {
        _ = try SpaceSearch(image, options).known()
        return nil
      } catch { return error }
    }
    #expect(refusal(0x10_0000) == nil)
    #expect(refusal(0x4000_0000) == .rootOutsideDump(name: "x", PhysicalAddress(0x4000_0000)))
    // A register's value: PCID 5 and the cache bits.
    #expect(refusal(0x10_0018 | 5) == nil)
    #expect(
      refusal(0x50_0000) == .rootIsNoTable(name: "x", PhysicalAddress(0x50_0000), scheme: "x86-64 4-level"))
  }

  @Test(
    arguments: [
      (0x11, 0, 0, nil), (0x8000_0011, 0x10, 0, "x86-32"), (0x8000_0011, 0x30, 0, "x86-pae"),
      (0x8000_0011, 0x30, 1, "x86-64"), (0x8000_0011, 0x1030, 1, "x86-64-la57"),
    ] as [(UInt64, UInt64, Int, String?)])
  func controlRegistersChooseTheScheme(_ cr0: UInt64, _ cr4: UInt64, _ isLong: Int, _ expected: String?)
    throws
  {
    var memory = TableMemory()
    // One entry that is a table under every scheme.
    for page in stride(from: UInt64(0), to: 0x4000, by: 4096) { memory.addPage(page) }
    memory.set(table: 0x1000, slot: 0, to: 0x2001)
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = isLong == 1 ? .x86_64 : .i386
    image.cpus = [CPUState(cr0: cr0, cr3: 0x1000, cr4: cr4, instructionPointer: 0)]
    #expect(try SpaceSearch(image).known().spaces.first?.space.scheme.name == expected)
  }
}

@Suite struct CaptureListTests {
  @Test func linesGiveTheSpacesBack() {
    var one = FoundSpace(
      space: AddressSpace(name: "a b", root: PhysicalAddress(0x1000), scheme: X86.paging4Level()), pid: 7,
      origin: .cpu(1))
    one.isolation = .kernelCopy(userRoot: PhysicalAddress(0x2000))
    var two = FoundSpace(
      space: AddressSpace(name: "x", root: PhysicalAddress(0x20), scheme: X86.pae()), origin: .scan)
    two.isPossiblyStale = true
    var list = CaptureList(lines: CaptureList([one, two]).lines)
    let spaces = list.spaces(features: ProcessorFeatures())
    #expect(spaces.map(\.space) == [one.space, two.space])
    #expect(spaces.map(\.pid) == [7, nil])
    #expect(spaces.map(\.foundBy) == ["cpu 1", "scan"])
    #expect(spaces.map(\.isolation) == [one.isolation, .none])
    #expect(spaces.map(\.isPossiblyStale) == [false, true])
  }

  @Test(arguments: [
    "", "a\tb", "n\t-\tzz\tx86-64\tscan\t-\t", "n\t-\t0x1000\tvax\tscan\t-\t",
    "n\t-\t0x1001\tx86-64\tscan\t-\t",
  ])
  func linesThatHoldNoSpaceAreCounted(_ line: String) {
    var list = CaptureList(lines: [line])
    #expect(list.spaces(features: ProcessorFeatures()).isEmpty)
    #expect(list.unreadableLines == 1)
  }

  @Test func namesCannotBreakTheLines() {
    let space = AddressSpace(name: "a\tb\nc", root: PhysicalAddress(0x1000), scheme: X86.paging4Level())
    let lines = CaptureList([FoundSpace(space: space, origin: .given)]).lines
    #expect(lines.count == 1 && !lines[0].contains("\n"))
    #expect(lines[0].split(separator: "\t", omittingEmptySubsequences: false).count == 7)
  }
}

/// Roots of several pages: no architecture that is searched for has them yet, so they are asked about one by one.
@Suite struct LargeRootTests {
  @Test("A root is judged by all of its pages")
  func rootOfFourPages() {
    let format = EntryFormat(
      entrySize: 8, present: .set(0), pointsAtTable: .always,
      tableAddress: AddressFormat(mask: 0xffff_ffff_c000), leafAddress: AddressFormat(mask: 0xffff_ffff_c000),
      tableReserved: 1 << 8, rights: .everything)
    let scheme = PagingScheme(
      name: "large", title: "16 KiB", virtualAddressBits: 36, isSignExtended: false, rootRegister: "ROOT",
      rootAddress: format.tableAddress, rootAlignment: 1 << 14,
      levels: [25, 14].map { shift in
        var format = format
        if shift == 14 { format.pointsAtTable = .never }
        return PagingLevel(
          name: "T", shift: shift, indexBits: 11, format: format, tableFields: [], leafFields: [])
      })
    var memory = TableMemory()
    for page in stride(from: UInt64(0), to: 0x4_0000, by: 4096) { memory.addPage(page) }
    let root = PhysicalAddress(0x1_0000)
    func could(_ memory: TableMemory) -> Bool {
      MemoryImage(memory: memory, format: "test", name: "test").couldBeRoot(root, scheme)
    }
    #expect(!could(memory))
    memory.set(table: 0x1_3000, slot: 511, to: 0x2_0001)
    #expect(could(memory))
    memory.set(table: 0x1_2000, slot: 7, to: 0x2_0101)
    #expect(!could(memory))
  }
}
