/// Reads CPU registers from the notes of different programs.
extension CPUState {
  /// The most CPUs in a machine: as many as Linux can be built for on x86 (`MAXSMP` in its `arch/x86/Kconfig`).
  static let most = 8192

  /// Nil where the note is not about a CPU, or in an unknown form.
  init?(note: ElfNote) {
    switch note.name {
    case "QEMU": self.init(qemuNote: note.descriptor)
    case "VBCPU": self.init(virtualBoxNote: note.descriptor)
    default: return nil
    }
  }

  /// Reads QEMU's CPU note, version 1 (`QEMUCPUState` in its `target/i386/arch_dump.c`): version, size, 18
  /// registers of 8 bytes (RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP, R8 to R15, RIP, RFLAGS), 10 segments of 24 bytes with the flags in bytes 8 to 11 and the base
  /// in the last 8 (the first is CS, the 8th TR, the 9th GDT, the 10th IDT), then CR0 to CR4. Nil when it is
  /// another version or too short.
  private init?(qemuNote note: [UInt8]) {
    guard note.count >= 432, note.number(at: 0, size: 4) == 1, note.number(at: 4, size: 4) >= 432 else {
      return nil
    }
    self.init(
      cr0: note.number(at: 392, size: 8), cr3: note.number(at: 416, size: 8),
      cr4: note.number(at: 424, size: 8),
      instructionPointer: note.number(at: 136, size: 8), segmentTable: note.number(at: 360, size: 8),
      interruptTable: note.number(at: 384, size: 8), taskState: note.number(at: 336, size: 8))
    // In the layout of the descriptor's upper half: bit 21 is L.
    runs64BitCode = note.number(at: 160, size: 4) >> 21 & 1 == 1
    general = Self.qemuNames.enumerated().map {
      Register(name: $1, value: note.number(at: 8 + 8 * $0, size: 8))
    }
    general.append(Register(name: "cr2", value: note.number(at: 408, size: 8)))
  }

  /// The note that QEMU would write for such a CPU, as far as it is known: what `init(note:)` reads is the same again,
  /// but for EFER, which the note has no place for. Nil for other processors, whose notes have no such registers.
  var note: ElfNote? {
    guard isOfX86 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 440)
    func put(_ value: UInt64, at offset: Int, size: Int = 8) {
      for index in 0..<size { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
    put(1, at: 0, size: 4)
    put(UInt64(bytes.count), at: 4, size: 4)
    let values = Dictionary(general.map { ($0.name, $0.value) }) { first, _ in first }
    for (index, name) in Self.qemuNames.enumerated() { put(values[name] ?? 0, at: 8 + 8 * index) }
    put(instructionPointer, at: 136)
    put(runs64BitCode ? 1 << 21 : 0, at: 160, size: 4)
    put(taskState, at: 336)
    put(segmentTable, at: 360)
    put(interruptTable, at: 384)
    put(cr0, at: 392)
    put(values["cr2"] ?? 0, at: 408)
    put(cr3, at: 416)
    put(cr4, at: 424)
    return ElfNote(name: "QEMU", type: 0, descriptor: bytes)
  }

  /// The general registers in the order of QEMU's note.
  private static let qemuNames = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
  ]

  /// Reads VirtualBox's CPU note (`DBGFCORECPU` in its `include/VBox/vmm/dbgfcorefmt.h`): 18 registers of 8 bytes
  /// (RAX, RBX, RCX, RDX, RSI, RDI, R8 to R15, RIP, RSP, RBP, RFLAGS), 6 segments of 24 bytes with the attributes in bytes 12 to 15, CR0, CR2, CR3, CR4, 8 debug
  /// registers, GDTR and IDTR of 16 bytes, LDTR and TR of 24, 3 registers of SYSENTER, EFER.
  private init?(virtualBoxNote note: [UInt8]) {
    guard note.count >= VirtualBoxCore.registerBytes else { return nil }
    self.init(
      cr0: note.number(at: 288, size: 8), cr3: note.number(at: 304, size: 8),
      cr4: note.number(at: 312, size: 8),
      instructionPointer: note.number(at: 112, size: 8), segmentTable: note.number(at: 384, size: 8),
      interruptTable: note.number(at: 400, size: 8), taskState: note.number(at: 440, size: 8))
    // The descriptor's upper half, starting at its bit 8: L is bit 13.
    runs64BitCode = note.number(at: 144 + 12, size: 4) >> 13 & 1 == 1
    extendedFeatures = note.number(at: 488, size: 8)
    let names = [
      "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    ]
    general = names.enumerated().map { Register(name: $1, value: note.number(at: 8 * $0, size: 8)) }
    for (name, offset) in [("rsp", 120), ("rbp", 128), ("cr2", 296)] {
      general.append(Register(name: name, value: note.number(at: offset, size: 8)))
    }
  }
}

/// A core of a VirtualBox guest: an ELF core with a note that describes the core, and one note for each CPU
/// (`VMM/VMMR3/DBGFCoreWrite.cpp`).
enum VirtualBoxCore {
  /// Types of the notes `VBCORE` and `VBCPU`.
  static let descriptorType: UInt32 = 0xb00
  static let cpuType: UInt32 = 0xb01
  /// Bytes of a CPU's note up to EFER. The rest, such as vector registers, does not concern paging.
  static let registerBytes = 496

  private static let magic: UInt64 = 0xc01a_c0de
  /// Format versions whose CPU notes have this form; in the first one, 0x10000, they were different.
  private static let versions: ClosedRange<UInt64> = 0x1_0004...0x1_0006

  /// Whether a descriptor (`DBGFCOREDESCRIPTOR`: magic, format version, ..) announces CPU notes that can be read;
  /// nil if it is not one.
  static func hasKnownRegisters(_ descriptor: [UInt8]) -> Bool? {
    guard descriptor.count >= 24, descriptor.number(at: 0, size: 4) == magic else { return nil }
    return versions.contains(descriptor.number(at: 4, size: 4))
  }
}

extension [UInt8] {
  /// A little-endian number, which must lie inside the bytes.
  fileprivate func number(at offset: Int, size: Int) -> UInt64 {
    self[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
