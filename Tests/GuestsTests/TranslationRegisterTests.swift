import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// What the registers of AArch64's and RISC-V's processors say of their tables.
@Suite struct TranslationRegisterTests {
  /// Arm ARM, TCR_EL1: T0SZ 5:0, EPD0 7, TG0 15:14 (0b00 4K, 0b01 64K, 0b10 16K), T1SZ 21:16, EPD1 23, TG1 31:30
  /// (0b01 16K, 0b10 4K, 0b11 64K), IPS 34:32, DS 59. The first and the second value are Linux's, in QEMU.
  @Test(arguments: [
    (0x0150_01f5_b550_3510 as UInt64, "aarch64-4k", "aarch64-4k"),
    (0x0950_01f6_754c_b50c, "aarch64-16k-lpa2", "aarch64-16k-lpa2"),
    (0x0000_0002_8019_0010, "aarch64-4k", "aarch64-4k-39"),
    (0x0000_0005_c016_4016, "aarch64-64k-42", "aarch64-64k-42"),
    (0x0000_0006_c010_400c, "aarch64-64k-lpa", "aarch64-64k-lpa-48"),
    // FEAT_LVA with physical addresses of 48 bits; FEAT_TTST.
    (0x0000_0005_c00c_400c, "aarch64-64k-52", "aarch64-64k-52"),
    (0x0000_0000_8030_0030, "aarch64-4k-16", "aarch64-4k-16"),
  ])
  func theControlRegisterChoosesTheSchemes(_ raw: UInt64, _ lower: String, _ upper: String) {
    let control = TranslationControl(raw)
    #expect(control.lower(ProcessorFeatures())?.name == lower)
    #expect(control.upper(ProcessorFeatures())?.name == upper)
  }

  @Test func aWindowThatIsSwitchedOffIsNone() {
    let disabled = TranslationControl(0x0150_01f5_b550_3510 | 1 << 7 | 1 << 23)
    #expect(disabled.lower(ProcessorFeatures()) == nil)
    #expect(disabled.upper(ProcessorFeatures()) == nil)
    // TG0 0b11 and TG1 0b00 are reserved.
    #expect(TranslationControl(0xc010_c010).lower(ProcessorFeatures()) == nil)
    #expect(TranslationControl(0x0010_0010).upper(ProcessorFeatures()) == nil)
  }

  private func image(_ machine: Machine, _ cpus: [CPUState], _ fill: (inout TableMemory) -> Void)
    -> MemoryImage
  {
    var memory = TableMemory()
    fill(&memory)
    memory.addPhysical(0, 0x100_0000)
    var image = MemoryImage(memory: memory, format: "test", name: "test")
    image.machine = machine
    image.cpus = cpus
    return image
  }

  private func cpu(_ values: KeyValuePairs<String, UInt64>, at pc: UInt64 = 0xffff_0000_0020_0000) -> CPUState
  {
    CPUState(
      translation: values.map { CPUState.Register(name: $0.key, value: $0.value) }, instructionPointer: pc,
      general: [])
  }

  private func known(_ image: MemoryImage) throws -> [FoundSpace] {
    try SpaceSearch(image, SpaceSearchOptions()).known().spaces
  }

  /// A root with a block of 2 MiB at 2 MiB.
  private static func put(root: UInt64, in memory: inout TableMemory) {
    memory.set(table: root, slot: 0, to: root + 0x1000 | 3)
    memory.set(table: root + 0x1000, slot: 0, to: root + 0x2000 | 3)
    memory.set(table: root + 0x2000, slot: 1, to: 0x20_0701)
  }

  private static let control: UInt64 = 0x0150_01f5_b550_3510

  /// Linux's MAIR_EL1; a processor that has not started has 0 there.
  @Test(arguments: [([0x4_0044_ffff, 0], "Device-nGnRE"), ([0x4_0044_ffff, 0xff_0044_ffff], "AttrIndx=4")])
  func memoryTypesHaveTheNamesThatTheirRegisterGives(_ attributes: [UInt64], _ name: String) throws {
    let cpus = attributes.map {
      cpu(["ttbr0_el1": 0x1000, "ttbr1_el1": 0x8000, "tcr_el1": Self.control, "mair_el1": $0])
    }
    let found = try known(
      image(.aarch64, cpus) {
        Self.put(root: 0x1000, in: &$0)
        Self.put(root: 0x8000, in: &$0)
      })
    let schemes = try #require(found.first?.space.windows.map(\.scheme))
    let fields = schemes.compactMap { $0.levels[3].leafFields.first { $0.name == "AttrIndx" } }
    #expect(fields.map { $0.flag(of: 4) } == [name, name])
  }

  @Test func aProcessorOfTwoRootsHasBothWindows() throws {
    // With an ASID and CnP, as registers have them.
    let cpu = cpu(["ttbr0_el1": 0x1001, "ttbr1_el1": 0x4_0000_0000_8001, "tcr_el1": Self.control])
    let found = try known(
      image(.aarch64, [cpu]) {
        Self.put(root: 0x1000, in: &$0)
        Self.put(root: 0x8000, in: &$0)
      })
    #expect(found.map(\.foundBy) == ["cpu 0"])
    #expect(found.first?.space.windows.map(\.root.value) == [0x1000, 0x8000])
    #expect(found.first?.space.windows.map(\.rootRegister) == ["TTBR0_EL1", "TTBR1_EL1"])
  }

  /// The fields of all spaces tell memory types by name where all processors name them alike.
  @Test(arguments: [(0x0000_0004_0044_ffff as UInt64, "Normal-NC"), (0x0000_0004_00bb_ffff, nil)])
  func memoryTypesHaveTheNamesOfTheRegister(_ other: UInt64, _ name: String?) throws {
    let cpus = [0x0000_0004_0044_ffff, other].map { attributes in
      cpu(["ttbr0_el1": 0x1000, "ttbr1_el1": 0x8000, "tcr_el1": Self.control, "mair_el1": attributes])
    }
    let found = try known(
      image(.aarch64, cpus) {
        Self.put(root: 0x1000, in: &$0)
        Self.put(root: 0x8000, in: &$0)
      })
    let windows = try #require(found.first).space.windows
    for window in windows {
      let field = try #require(window.scheme.levels[3].leafFields.first { $0.name == "AttrIndx" })
      #expect(field.flag(of: 2) == name ?? "AttrIndx=2")
    }
    #expect(windows.count == 2)
  }

  /// Linux's idle task has an empty table below TTBR0.
  @Test func aProcessorThatRunsTheKernelAloneHasItsSpace() throws {
    let cpu = cpu(["ttbr0_el1": 0x1000, "ttbr1_el1": 0x8000, "tcr_el1": Self.control])
    let found = try known(
      image(.aarch64, [cpu]) {
        $0.addPage(0x1000)
        Self.put(root: 0x8000, in: &$0)
      })
    #expect(found.map(\.space.windows).map { $0.map(\.root.value) } == [[0x8000]])
    #expect(found.first?.role == .kernel)
  }

  /// While a process runs, its page-table isolation leaves the kernel's entry code alone.
  @Test func theEntryCodesRootIsNotTheKernels() throws {
    let values: KeyValuePairs<String, UInt64> = [
      "ttbr0_el1": 0x1000, "ttbr1_el1": 0x8000, "tcr_el1": Self.control,
    ]
    let found = try known(
      image(.aarch64, [cpu(values, at: 0x20_0000)]) {
        Self.put(root: 0x1000, in: &$0)
        Self.put(root: 0x8000, in: &$0)
      })
    #expect(found.map(\.space.windows).map { $0.map(\.root.value) } == [[0x1000]])
  }

  /// Privileged specification, satp: MODE 63:60 (8 is Sv39), ASID 59:44, PPN 43:0.
  @Test func satpHasRootAndScheme() throws {
    let found = try known(
      image(
        .riscv,
        [cpu(["satp": 0x8001_8000_0000_0001]), cpu(["satp": 0]), cpu(["satp": 0x8002_0000_0000_0001])]
      ) {
        // A leaf of 1 GiB: V, R, W, X, A and D.
        $0.set(table: 0x1000, slot: 2, to: 0x2000_00cf)
      })
    #expect(found.map(\.space.root.value) == [0x1000])
    #expect(found.map(\.space.scheme.name) == ["riscv-sv39"])
    #expect(found.map(\.foundBy) == ["cpu 0"])
  }

  @Test func registersThatAreNotKnownAreNoSpace() throws {
    let cpus = [
      cpu([:]), cpu(["ttbr0_el1": 0x1000]), cpu(["ttbr0_el1": 0xff_f000, "tcr_el1": Self.control]),
    ]
    #expect(try known(image(.aarch64, cpus) { Self.put(root: 0x1000, in: &$0) }).isEmpty)
  }
}
