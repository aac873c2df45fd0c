import Glibc
import MemoryImages
import PageTables
import TestSupport
import Testing

@Suite struct ElfCoreTests {
  private static let first = imagePages(at: 0x10_0000, pages: 2)
  private static let second = imagePages(at: 0x1_0000_0000, pages: 1)

  private static func builder(is64: Bool = true) -> ImageElfBuilder {
    var elf = ImageElfBuilder(loads: [
      .init(physical: 0x10_0000, bytes: first, memorySize: 0x4000),
      .init(physical: is64 ? 0x1_0000_0000 : 0x8000_0000, bytes: second),
    ])
    elf.is64 = is64
    return elf
  }

  @Test(arguments: [true, false])
  func pagesAreFoundByPhysicalAddress(is64: Bool) throws {
    let file = ImageFile(Self.builder(is64: is64).build())
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x10_0000) == .success(Array(Self.first[..<4096])))
    #expect(answer(image, 0x10_1fff) == .success(Array(Self.first[4096...])))
    #expect(answer(image, is64 ? 0x1_0000_0000 : 0x8000_0000) == .success(Self.second))
    #expect(image.format == "ELF core")
    #expect(image.warnings.isEmpty)
  }

  @Test func memoryThatTheFileLacksIsNotInTheDump() throws {
    let file = ImageFile(Self.builder().build())
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x10_2000) == .failure(.notInDump))
    #expect(answer(image, 0x10_3fff) == .failure(.notInDump))
    #expect(answer(image, 0x10_4000) == .failure(.outsidePhysicalMemory))
    #expect(answer(image, 0) == .failure(.outsidePhysicalMemory))
    #expect(answer(image, .max) == .failure(.outsidePhysicalMemory))
    #expect(
      image.memory.extent.readable.ranges == [
        range(0x10_0000, 0x10_2000), range(0x1_0000_0000, 0x1_0000_1000),
      ])
    #expect(
      image.memory.extent.physical.ranges == [
        range(0x10_0000, 0x10_4000), range(0x1_0000_0000, 0x1_0000_1000),
      ])
  }

  @Test func aPageMayCrossSegmentsThatContinueEachOther() throws {
    let bytes = imagePages(at: 0x5000, pages: 2)
    let elf = ImageElfBuilder(loads: [
      .init(physical: 0x5800, bytes: Array(bytes[0x800...])),
      .init(physical: 0x5000, bytes: Array(bytes[..<0x300])),
      .init(physical: 0x5300, bytes: Array(bytes[0x300..<0x800])),
    ])
    let file = ImageFile(elf.build())
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x5000) == .success(Array(bytes[..<4096])))
    #expect(answer(image, 0x6000) == .success(Array(bytes[4096...])))
  }

  @Test func aPartOfAPageIsNotInTheDump() throws {
    let bytes = imagePages(at: 0, pages: 2)
    let file = ImageFile(ImageElfBuilder(loads: [.init(physical: 0x5800, bytes: bytes)]).build())
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x5000) == .failure(.notInDump))
    #expect(answer(image, 0x6000) == .success(Array(bytes[0x800..<0x1800])))
    #expect(answer(image, 0x7000) == .failure(.notInDump))
    #expect(answer(image, 0x8000) == .failure(.outsidePhysicalMemory))
    #expect(image.memory.extent.readable.ranges == [range(0x6000, 0x7000)])
  }

  @Test func whereSegmentsOverlapTheLowerStartWins() throws {
    let low = [UInt8](repeating: 1, count: 0x2000)
    let high = [UInt8](repeating: 2, count: 0x2000)
    let file = ImageFile(
      ImageElfBuilder(loads: [.init(physical: 0x2000, bytes: high), .init(physical: 0x1000, bytes: low)])
        .build())
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x2000) == .success([UInt8](repeating: 1, count: 4096)))
    #expect(answer(image, 0x3000) == .success([UInt8](repeating: 2, count: 4096)))
  }

  @Test func qemusNoteGivesTheRegisters() throws {
    var elf = Self.builder()
    elf.machine = 3
    elf.notes = [
      ("CORE", 1, [UInt8](repeating: 9, count: 336)),
      (
        "QEMU", 0,
        imageQemuNote(cr0: 0x8005_0033, cr3: 0x22_1c00_0801, cr4: 0x75_0eb0, instructionPointer: 0x40_1aa0)
      ),
      ("QEMU", 0, imageQemuNote(cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4)),
      ("VMCOREINFO", 0, Array("OSRELEASE=6.1\n".utf8)),
    ]
    let file = ImageFile(elf.build())
    let image = try MemoryImage.open(file.path)
    // `QEMUCPUState`: the registers in QEMU's order, and CR2, which the note has after CR1.
    let general = image.cpus.map(\.general)
    let names = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp"] + (8...15).map { "r\($0)" }
    for registers in general {
      #expect(registers.map(\.name) == names + ["cr2"])
      #expect(registers.map(\.value) == (0..<16).map { 0x1000 + $0 } + [0xbeef])
    }
    #expect(
      image.cpus.map { cpu in
        var cpu = cpu
        cpu.general = []
        return cpu
      } == [
        CPUState(
          cr0: 0x8005_0033, cr3: 0x22_1c00_0801, cr4: 0x75_0eb0, instructionPointer: 0x40_1aa0,
          segmentTable: 0x8000, interruptTable: 0x9000, taskState: 0x7000),
        CPUState(
          cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4, segmentTable: 0x8000,
          interruptTable: 0x9000, taskState: 0x7000),
      ])
    #expect(image.vmcoreinfo == Array("OSRELEASE=6.1\n".utf8))
    #expect(image.machine == .i386)
  }

  @Test(arguments: [(0, UInt32(2)), (4, UInt32(100))])
  func aQemuNoteOfAnotherVersionOrSizeIsNoCPU(field: (offset: Int, value: UInt32)) throws {
    var elf = Self.builder()
    let note = imageQemuNote(cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4)
    elf.notes = [("QEMU", 0, note.patched(field.value, at: field.offset)), ("QEMU", 0, Array(note[..<200]))]
    let file = ImageFile(elf.build())
    #expect(try MemoryImage.open(file.path).cpus.isEmpty)
  }

  @Test func theCountOfManySegmentsStandsInSectionHeaderZero() throws {
    var elf = Self.builder()
    elf.countInSection = true
    let file = ImageFile(elf.build())
    #expect(answer(try MemoryImage.open(file.path), 0x1_0000_0000) == .success(Self.second))
    // e_shoff beyond the file: the count cannot be had.
    file.replace(with: elf.build().patched(UInt64.max - 20, at: 40))
    #expect(openingError(file.path)?.corruption?.offset == 40)
  }

  @Test(arguments: [
    (16, 2, 2, "executable"), (5, 1, 2, "big-endian"), (4, 1, 9, "class"), (5, 1, 7, "byte order"),
    (54, 2, 55, "e_phentsize"), (54, 2, 0, "e_phentsize"), (32, 8, -1, "e_phoff"), (56, 2, 0, "no segment"),
  ])
  func aLyingHeaderIsOneClearError(lie: (offset: Int, size: Int, value: Int, word: String)) throws {
    var bytes = ImageBytes()
    bytes.bytes = Self.builder().build()
    switch lie.size {
    case 1: bytes.patch(UInt8(truncatingIfNeeded: lie.value), at: lie.offset)
    case 2: bytes.patch(UInt16(truncatingIfNeeded: lie.value), at: lie.offset)
    default: bytes.patch(UInt64(truncatingIfNeeded: lie.value), at: lie.offset)
    }
    let file = ImageFile(bytes.bytes)
    let error = try #require(openingError(file.path))
    #expect(error.description.contains(lie.word))
    #expect(error.description.hasPrefix(file.path + ": "))
  }

  @Test func moreProgramHeadersThanTheFileHoldsAreCounted() throws {
    let elf = Self.builder()
    let room = (elf.build().count - 64) / 56
    let file = ImageFile(elf.build().patched(UInt16(40000), at: 56))
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings.contains { $0.hasPrefix("\(40000 - room) of 40000 program headers missing") })
    #expect(answer(image, 0x10_0000) == .success(Array(Self.first[..<4096])))
  }

  @Test(arguments: [UInt64.max, UInt64.max - 100, 1 << 40])
  func aSegmentThatLiesAboutItsPlaceIsLeftOut(offset: UInt64) throws {
    let elf = Self.builder()
    let file = ImageFile(elf.build().patched(offset, at: elf.segmentOffset(1) + 8))
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings == ["the file ends early: 2 pages of its memory missing"])
    #expect(answer(image, 0x10_0000) == .failure(.notInDump))
    #expect(answer(image, 0x1_0000_0000) == .success(Self.second))
  }

  @Test func aSizePastTheEndIsReadAsFarAsTheFileGoes() throws {
    let elf = Self.builder()
    let file = ImageFile(elf.build().patched(UInt64(0x5000), at: elf.segmentOffset(2) + 32))
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings == ["the file ends early: 4 pages of its memory missing"])
    #expect(answer(image, 0x1_0000_0000) == .success(Self.second))
    #expect(answer(image, 0x1_0000_1000) == .failure(.notInDump))
  }

  @Test func aRangePastTheHighestAddressIsCut() throws {
    let elf = ImageElfBuilder(loads: [.init(physical: .max - 0x2fff, bytes: imagePages(at: 0, pages: 4))])
    let file = ImageFile(elf.build())
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings == ["1 of its ranges reach past the highest address; cut there"])
    #expect(answer(image, .max - 0x2fff) == .success(imagePages(at: 0, pages: 1)))
    #expect(answer(image, .max - 1) == .failure(.notInDump))
  }

  @Test func segmentsThatShareTheFilesBytesDoNotMultiplyThem() throws {
    let page = imagePages(at: 0, pages: 1)
    let elf = ImageElfBuilder(loads: (0..<50).map { .init(physical: $0 << 32, bytes: $0 == 0 ? page : []) })
    var bytes = elf.build()
    for index in 1..<50 {
      bytes = bytes.patched(UInt64(elf.dataOffset), at: elf.segmentOffset(index + 1) + 8)
        .patched(UInt64(4096), at: elf.segmentOffset(index + 1) + 32)
    }
    let file = ImageFile(bytes)
    let image = try MemoryImage.open(file.path)
    #expect(image.memory.extent.readable.length <= UInt64(bytes.count))
    #expect(image.warnings.contains { $0.hasPrefix("its ranges share bytes of the file") })
  }

  @Test(arguments: [0, 4])
  func aNoteThatIsLongerThanTheNotesIsLeftOut(field: Int) throws {
    var elf = Self.builder()
    elf.notes = [("VMCOREINFO", 0, Array("A=1\n".utf8)), ("VMCOREINFO", 0, Array("B=2\n".utf8))]
    for size in [UInt32.max, UInt32.max - 3, 200] {
      let file = ImageFile(elf.build().patched(size, at: elf.notesOffset + field))
      let image = try MemoryImage.open(file.path)
      #expect(image.vmcoreinfo == nil)
      #expect(image.warnings.count == 1)
    }
  }

  @Test func theCoreOfAProcessIsRefused() {
    let page = imagePages(at: 0, pages: 1)
    let elf = ImageElfBuilder(loads: [.init(physical: 0, bytes: page), .init(physical: 0, bytes: page)])
    let file = ImageFile(elf.build())
    #expect(openingError(file.path)?.description.contains("no physical addresses") == true)
  }

  @Test func aSingleSegmentElsewhereInVirtualMemoryIsNoMemoryAtZero() {
    let page = imagePages(at: 0, pages: 1)
    var elf = ImageElfBuilder(loads: [.init(physical: 0, bytes: page, virtual: 0x40_0000)])
    elf.notes = [("CORE", 1, [UInt8](repeating: 0, count: 336))]
    let file = ImageFile(elf.build())
    #expect(openingError(file.path)?.description.contains("no physical addresses") == true)
  }

  @Test func aSingleSegmentOfAMachineMayLieAtZero() throws {
    let page = imagePages(at: 0, pages: 1)
    var elf = ImageElfBuilder(loads: [.init(physical: 0, bytes: page, virtual: 0xffff_8880_0000_0000)])
    elf.notes = [("QEMU", 0, imageQemuNote(cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4))]
    let file = ImageFile(elf.build())
    #expect(answer(try MemoryImage.open(file.path), 0) == .success(page))
  }

  @Test func aPhysicalAddressOfAllOnesIsNone() throws {
    let page = imagePages(at: 0, pages: 1)
    let elf = ImageElfBuilder(loads: [
      .init(physical: .max, bytes: page, virtual: 0xffff_c900_0000_0000),
      .init(physical: 0x3000, bytes: page),
    ])
    let file = ImageFile(elf.build())
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings.isEmpty)
    #expect(image.memory.extent.physical.ranges == [range(0x3000, 0x4000)])
  }

  @Test(arguments: [(40, "ARM"), (9999, "9999")] as [(UInt16, String)])
  func anArchitectureThatIsNotReadIsNamed(machine: UInt16, name: String) {
    var elf = Self.builder()
    elf.machine = machine
    let file = ImageFile(elf.build())
    #expect(openingError(file.path) == .unsupportedMachine(file.path, Machine(rawValue: machine)))
    #expect(openingError(file.path)?.description.contains(name) == true)
  }

  @Test func aCoreOfRISCVOpens() throws {
    var elf = Self.builder()
    elf.machine = 243
    let file = ImageFile(elf.build())
    let image = try MemoryImage.open(file.path)
    #expect(image.machine == .riscv)
    // It carries no satp, and no register of another architecture is read into it.
    #expect(image.cpus.isEmpty)
  }

  @Test func aBigEndianCoreIsNamedByItsArchitecture() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    // ELFCLASS64, ELFDATA2MSB; e_type ET_CORE and e_machine EM_S390 from offset 16.
    bytes.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 2, 1])
    bytes.replaceSubrange(16..<20, with: [0, 4, 0, 22])
    let file = ImageFile(bytes)
    #expect(openingError(file.path)?.description.contains("s390") == true)
  }

  @Test func programHeadersWithoutEndAreBounded() throws {
    var elf = ImageElfBuilder(loads: [.init(physical: 0x3000, bytes: imagePages(at: 0x3000, pages: 1))])
    elf.countInSection = true
    let bytes = elf.build()
    // The table of headers goes on in a hole of the file, as empty ones; its count stands behind what there was.
    let count: UInt64 = 3 << 20
    var image = bytes.patched(UInt64(bytes.count), at: 40)
    var section = ImageBytes()
    section.bytes = [UInt8](repeating: 0, count: 44)
    section.little(UInt32(count))
    section.bytes += [UInt8](repeating: 0, count: 16)
    image += section.bytes
    let file = ImageFile(image)
    #expect(truncate(file.path, off_t(64 + count * 56)) == 0)
    let opened = try MemoryImage.open(file.path)
    #expect(opened.warnings.contains { $0.contains("\(count) program headers") })
    #expect(answer(opened, 0x3000) == .success(imagePages(at: 0x3000, pages: 1)))
  }

  @Test(arguments: [true, false])
  func truncationAtEveryByteOpensOrFailsWithOneLine(is64: Bool) {
    var elf = Self.builder(is64: is64)
    elf.notes = [("QEMU", 0, imageQemuNote(cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4))]
    let bytes = elf.build()
    let file = ImageFile(bytes)
    for length in 1..<elf.dataOffset + 4096 {
      file.replace(with: Array(bytes[..<length]))
      #expect(openingError(file.path) != nil, "\(length) bytes hold no page")
    }
    for length in stride(from: elf.dataOffset + 4096, to: bytes.count, by: 97) {
      file.replace(with: Array(bytes[..<length]))
      #expect((try? MemoryImage.open(file.path))?.warnings.isEmpty == false, "\(length) bytes lack some")
    }
  }
}
