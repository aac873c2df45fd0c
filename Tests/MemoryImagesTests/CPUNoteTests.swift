import PageTables
import TestSupport
import Testing

@testable import MemoryImages

/// What the notes of different programs tell of CPUs.
@Suite struct CPUNoteTests {
  private func opened(_ notes: [(name: String, type: UInt32, descriptor: [UInt8])]) throws -> MemoryImage {
    var elf = ImageElfBuilder(loads: [.init(physical: 0, bytes: imagePages(at: 0, pages: 2))])
    elf.notes = notes
    let file = ImageFile(elf.build())
    return try withExtendedLifetime(file) { try MemoryImage.open(file.path) }
  }

  /// Linux on x86 has 8192 CPUs at the most (`MAXSMP`).
  @Test func moreCPUsThanAMachineHasAreLeftOut() throws {
    let note = imageQemuNote(cr0: 1, cr3: 0x1000, cr4: 0x20, instructionPointer: 4)
    let image = try opened(Array(repeating: ("QEMU", 0, note), count: 8200))
    #expect(image.cpus.count == 8192)
    #expect(image.warnings.contains { $0.contains("8200 CPUs") })
  }

  // QEMU's `QEMUCPUSegment`: selector, limit, flags, 4 bytes of padding, base; CS is the first, 152 bytes into the
  // note. Its flags are the descriptor's upper half: bit 21 is L.
  @Test(arguments: [(UInt32(0x00af_9b00), true), (UInt32(0x00cf_9b00), false)])
  func qemusCodeSegmentSaysWhether64BitCodeRuns(flags: UInt32, isLong: Bool) throws {
    let note = imageQemuNote(cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4).patched(flags, at: 160)
    let image = try opened([("QEMU", 0, note)])
    #expect(image.cpus.map(\.runs64BitCode) == [isLong])
    #expect(image.cpus.map(\.extendedFeatures) == [nil])
  }

  /// `DBGFCOREDESCRIPTOR`: magic, format version, own size, VirtualBox's version and revision, CPUs.
  private static func descriptor(version: UInt32) -> [UInt8] {
    var bytes = ImageBytes()
    for word in [0xc01a_c0de, version, 24, 0x0700_0000, 150_000, 1] as [UInt32] { bytes.little(word) }
    return bytes.bytes
  }

  /// `DBGFCORECPU`, field by field; the registers that nobody reads hold values of their own.
  private static let registers: [UInt8] = {
    var bytes = ImageBytes()
    for register in 0..<14 { bytes.little(UInt64(0x1000 + register)) }  // rax to r15
    for register in [0xffff_8000_1234_5678, 0xffff_8000_0000_ff00, 0x77, 0x202] as [UInt64] {
      bytes.little(register)  // rip, rsp, rbp, rflags
    }
    for segment in 0..<6 {  // cs, ds, es, fs, gs, ss
      bytes.little(UInt64(0))
      bytes.little(UInt32.max)
      // Code, present, granular; L is bit 13.
      bytes.little(UInt32(segment == 0 ? 0xa09b : 0xc093))
      bytes.little(UInt64(0x10))
    }
    for register in [0x8005_0033, 0xdead, 0x12_3000, 0x6f0] as [UInt64] { bytes.little(register) }
    for register in 0..<8 { bytes.little(UInt64(0xd0 + register)) }
    for table in [0xffff_8000_0000_1000, 0xffff_8000_0000_2000] as [UInt64] {  // gdtr, idtr
      bytes.little(table)
      bytes.little(UInt64(0xfff))
    }
    for _ in 0..<2 { bytes.bytes += [UInt8](repeating: 0x44, count: 24) }  // ldtr, tr
    for register in 0..<3 { bytes.little(UInt64(0x5e + register)) }  // sysenter
    bytes.little(UInt64(0xd01))  // EFER: SCE, LME, LMA, NXE
    bytes.bytes += [UInt8](repeating: 0x99, count: 8 * 10)  // STAR and on
    bytes.bytes += [UInt8](repeating: 0xee, count: 8192)  // XSAVE area
    return bytes.bytes
  }()

  @Test func virtualBoxsNoteGivesTheRegisters() throws {
    let image = try opened([
      ("VBCORE", 0xb00, Self.descriptor(version: 0x1_0006)), ("VBCPU", 0xb01, Self.registers),
    ])
    let cpu = try #require(image.cpus.first)
    #expect(image.cpus.count == 1)
    #expect(cpu.cr0 == 0x8005_0033 && cpu.cr3 == 0x12_3000 && cpu.cr4 == 0x6f0)
    #expect(cpu.instructionPointer == 0xffff_8000_1234_5678)
    #expect(cpu.runs64BitCode)
    let general = Dictionary(uniqueKeysWithValues: cpu.general.map { ($0.name, $0.value) })
    #expect(general["rax"] == 0x1000 && general["rdi"] == 0x1005 && general["r15"] == 0x100d)
    #expect(general["rsp"] == 0xffff_8000_0000_ff00 && general["rbp"] == 0x77 && general["cr2"] == 0xdead)
    #expect(cpu.extendedFeatures == 0xd01)
    #expect(image.warnings.isEmpty)
  }

  // The first format had the program's own CPUMCTX in its notes.
  @Test func registersOfAnotherFormatVersionAreLeftOutWithAWarning() throws {
    let image = try opened([
      ("VBCORE", 0xb00, Self.descriptor(version: 0x1_0000)), ("VBCPU", 0xb01, Self.registers),
    ])
    #expect(image.cpus.isEmpty)
    #expect(image.warnings.contains { $0.contains("VirtualBox") })
  }

  @Test func aNoteWithoutItsDescriptorOrCutShortIsNoCPU() throws {
    #expect(try opened([("VBCPU", 0xb01, Self.registers)]).cpus.isEmpty)
    let cut = try opened([
      ("VBCORE", 0xb00, Self.descriptor(version: 0x1_0006)),
      ("VBCPU", 0xb01, Array(Self.registers.prefix(492))),
    ])
    #expect(cut.cpus.isEmpty)
  }

  @Test func aCaptureKeepsWhatPagingNeedsAndNoVectorRegisters() throws {
    let image = try opened([
      ("VBCORE", 0xb00, Self.descriptor(version: 0x1_0005)), ("VBCPU", 0xb01, Self.registers),
    ])
    let output = ImageFile([])
    try CaptureWriter.write(
      frames: [Frame(1)], from: image.memory, image: image, contents: CaptureContents(spaceLines: []),
      to: output.path, force: true)
    #expect(try MemoryImage.open(output.path).cpus == image.cpus)
    let bytes = try #require(ImageFile.read(output.path))
    #expect(!bytes.split(separator: 0).contains { $0.count > 64 && $0.allSatisfy { $0 == 0xee } })
  }
}
