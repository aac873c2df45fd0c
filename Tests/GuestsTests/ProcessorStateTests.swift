import Guests
import MemoryImages
import PageTables
import TestSupport
import Testing

/// What registers and notes say of a machine's paging.
@Suite struct ProcessorStateTests {
  private static let root: UInt64 = 0x10_0000

  /// A memory of 4 MiB with a root of 4 levels that maps its upper half alone: read as a PAE root, it has no entry.
  private static let memory: TableMemory = {
    var memory = TableMemory(firstTable: root)
    for page in stride(from: 0, to: UInt64(4 << 20), by: 4096) where page < root { memory.addPage(page) }
    let space = memory.makeSpace("", scheme: X86.paging4Level())
    memory.map(0xffff_ffff_8000_0000, to: 0x1000, in: space, flags: 1)
    return memory
  }()

  private func image(_ machine: Machine?, _ cpus: [CPUState]) -> MemoryImage {
    var image = MemoryImage(memory: Self.memory, format: "test", name: "test")
    image.machine = machine
    image.cpus = cpus
    return image
  }

  private func cpu(cr0: UInt64 = 0x8005_0033, cr3: UInt64 = root, cr4: UInt64 = 0x6b0) -> CPUState {
    CPUState(cr0: cr0, cr3: cr3, cr4: cr4, instructionPointer: 0xffff_ffff_8000_0010)
  }

  private func known(_ image: MemoryImage, _ options: SpaceSearchOptions = SpaceSearchOptions()) throws
    -> [FoundSpace]
  {
    try SpaceSearch(image, options).known().spaces
  }

  // Intel SDM Vol. 3A, 3.4.5 and 4.1.1: CS.L in a CPU that pages with PAE is IA-32e mode. The header speaks of the
  // first CPU, which does not page.
  @Test func aCPUThatRuns64BitCodeIsInLongModeWhateverTheHeaderSays() throws {
    let parked = cpu(cr0: 0x6000_0010, cr3: 0, cr4: 0)
    var long = cpu()
    long.runs64BitCode = true
    let found = try known(image(.i386, [parked, long]))
    #expect(found.map(\.space.root.value) == [Self.root])
    #expect(found.map(\.space.scheme.name) == ["x86-64"])
    #expect(found.map(\.foundBy) == ["cpu 1"])
  }

  // A 32-bit program under a 64-bit kernel has CS.L clear.
  @Test func withoutThatTheTablesDecide() throws {
    #expect(try known(image(.i386, [cpu()])).map(\.space.scheme.name) == ["x86-64"])
    #expect(try known(image(.x86_64, [cpu()])).map(\.space.scheme.name) == ["x86-64"])
  }

  // EFER.LMA is bit 10, EFER.NXE bit 11.
  @Test func efersBitsDecideWhereTheyAreKnown() throws {
    var long = cpu()
    long.extendedFeatures = 0xd01
    #expect(try known(image(.i386, [long])).map(\.space.scheme.name) == ["x86-64"])
    #expect(try known(image(.i386, [long])).first?.space.scheme.canForbidExecution == true)
    long.extendedFeatures = 0x501
    #expect(try known(image(.i386, [long])).first?.space.scheme.canForbidExecution == false)
    var legacy = cpu()
    legacy.extendedFeatures = 0
    #expect(try known(image(.x86_64, [legacy])).isEmpty, "a PAE root without an entry")
  }

  // CR0.WP is bit 16. What is the machine's is said by all CPUs that page.
  @Test func theSupervisorIsBoundWhereAnyCPUsWriteProtectIsSet() throws {
    let off: UInt64 = 0x8000_0011
    func binds(_ cpus: [CPUState]) throws -> Bool? {
      try known(image(.x86_64, cpus)).first.map { !$0.space.scheme.supervisorWritesReadOnly }
    }
    #expect(try binds([cpu()]) == true)
    #expect(try binds([cpu(cr0: off)]) == false)
    #expect(try binds([cpu(cr0: off), cpu()]) == true)
    // One that does not page says nothing.
    #expect(try binds([cpu(cr0: off), cpu(cr0: 0x1_0011)]) == false)
    var options = SpaceSearchOptions()
    options.features.writeProtect = false
    #expect(try known(image(.x86_64, [cpu()]), options).first?.space.scheme.supervisorWritesReadOnly == true)
  }

  // MARK: Virtual machines

  /// The fields of a VMCB (AMD APM Vol. 2, Appendix B): EFER, CR4, CR3, CR0, RIP of the saved state.
  private func block(efer: UInt64 = 0x1d01, cr3: UInt64 = 0x7777_7000) -> [(offset: UInt64, value: UInt64)] {
    [(0x4d0, efer), (0x548, 0x6b0), (0x550, cr3), (0x558, 0x8005_0033), (0x578, 0xffff_ffff_8123_4567)]
  }

  private func warnings(_ block: [(offset: UInt64, value: UInt64)]) throws -> [String] {
    var memory = Self.memory
    for field in block { memory.set(table: 0x8000 + field.offset, slot: 0, to: field.value) }
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = .x86_64
    // The second CPU has a root that is nowhere in this memory.
    image.cpus = [cpu(), cpu(cr3: 0x7777_7000)]
    let search = SpaceSearch(image)
    let known = try search.known()
    #expect(known.warnings.count == 1)
    return try #require(search.scan(known: known) { _ in true }).warnings.filter {
      !known.warnings.contains($0)
    }
  }

  @Test func aCPUWhoseStateAVirtualMachinesBlockHoldsRanThatMachine() throws {
    let found = try warnings(block())
    #expect(found.count == 1)
    #expect(found.first?.contains("cpu 1") == true && found.first?.contains("VMCB at 0x8000") == true)
  }

  @Test func aPageThatIsNoSuchBlockSaysNothing() throws {
    // Without EFER.SVME no virtual machine runs; and this one is another's.
    #expect(try warnings(block(efer: 0xd01)).isEmpty)
    #expect(try warnings(block(cr3: 0x1000)).isEmpty)
  }
}
