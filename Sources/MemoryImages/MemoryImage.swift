import PageTables

/// An opened source: its physical memory, and what its headers tell about the machine.
public struct MemoryImage: Sendable {
  /// The bytes, by physical address.
  public var memory: any PhysicalMemory
  /// The format's name for people, such as "ELF core".
  public var format: String
  /// The path, or "demo".
  public var name: String
  /// What the headers say the machine is; nil when they do not.
  public var machine: Machine?
  /// The CPUs' registers when the dump was made, in the order of the dump; empty when it has none.
  public var cpus: [CPUState]
  /// The kernel's VMCOREINFO text, as it stands in the dump.
  public var vmcoreinfo: [UInt8]?
  /// What a capture says about the dump that it was made from; nil for all other sources.
  public var capture: CaptureContents?
  /// One line each: what the headers promise and the file does not hold.
  public var warnings: [String]
  /// The spaces of a machine that the program made itself, and knows; empty for everything else.
  public var spaces: [AddressSpace] = []
  /// The roots by which the segments of a core without physical addresses found their places; empty for everything
  /// else.
  public var segmentRoots: [AddressSpace] = []
  /// The CPU notes as they stand in the dump, for captures.
  var cpuNotes: [ElfNote]

  /// A source without headers, such as a memory made by a test.
  public init(memory: any PhysicalMemory, format: String, name: String) {
    self.init(memory: memory, format: format, name: name, machine: nil, notes: ElfNotes(), warnings: [])
  }

  init(
    memory: any PhysicalMemory, format: String, name: String, machine: Machine?, notes: ElfNotes,
    warnings: [String]
  ) {
    self.memory = memory
    self.format = format
    self.name = name
    self.machine = machine
    cpuNotes = Array(notes.cpuNotes.prefix(CPUState.most))
    cpus = cpuNotes.compactMap(CPUState.init(note:))
    vmcoreinfo = notes.vmcoreinfo
    capture = nil
    self.warnings = warnings.map(oneLine)
    if notes.cpuNotes.count > CPUState.most {
      self.warnings.append(
        "it has notes of \(notes.cpuNotes.count) CPUs; those after \(CPUState.most) are left out")
    }
  }
}

extension MemoryImage {
  /// One line when the file has become shorter since it was opened, or cannot be read any more: what it lost counts
  /// as missing from then on. Nil while all of it is there.
  public var loss: String? {
    guard let file = memory as? any FileBacked, let loss = file.loss else { return nil }
    return oneLine("\(name): \(loss.description)")
  }
}

/// A memory whose bytes stay in a file.
protocol FileBacked {
  /// What the file has lost since it was opened.
  var loss: FileLoss? { get }
}

/// A processor architecture: the value of `e_machine` in an ELF header (System V ABI, "Machine").
public struct Machine: RawRepresentable, Hashable, Sendable {
  /// The number in the header.
  public let rawValue: UInt16

  /// The machine of that number, known or not.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Intel 80386: all 32-bit x86.
  public static let i386 = Machine(rawValue: 3)
  /// 32-bit ARM.
  public static let arm = Machine(rawValue: 40)
  /// AMD x86-64.
  public static let x86_64 = Machine(rawValue: 62)
  /// 64-bit ARM.
  public static let aarch64 = Machine(rawValue: 183)
  /// RISC-V, 32 and 64 bits.
  public static let riscv = Machine(rawValue: 243)

  /// Whether its page tables are among those that are read.
  public var isX86: Bool { self == .i386 || self == .x86_64 }

  /// For people; a number where the name is not known.
  public var name: String { Machine.names[rawValue] ?? "processors of ELF's number \(rawValue)" }

  private static let names: [UInt16: String] = [
    2: "SPARC", 3: "x86 of 32 bits", 8: "MIPS", 15: "PA-RISC", 18: "SPARC", 20: "PowerPC", 21: "PowerPC64",
    22: "s390", 40: "ARM", 42: "SuperH", 43: "SPARC64", 50: "IA-64", 62: "x86-64", 94: "Xtensa",
    183: "AArch64", 243: "RISC-V", 258: "LoongArch",
  ]
}

/// The registers of one CPU that paging depends on.
public struct CPUState: Hashable, Sendable {
  /// Whether the code segment is one of 64-bit code (CS.L), which runs in IA-32e mode alone (Intel SDM Vol. 3A, 3.4.5).
  /// In compatibility mode it is not, so false says nothing.
  public var runs64BitCode = false
  /// EFER, nil where the dump does not have it.
  public var extendedFeatures: UInt64?
  /// Says whether paging is on (bit 31).
  public var cr0: UInt64
  /// The raw register: PCID or cache bits in the low bits included.
  public var cr3: UInt64
  /// Says which paging mode is on: PSE, PAE, LA57 (bits 4, 5, 12).
  public var cr4: UInt64
  /// A virtual address: tells user mode from kernel mode.
  public var instructionPointer: UInt64
  /// The base of the GDT, a virtual address as those below; 0 where no note has them.
  public var segmentTable: UInt64
  /// The base of the IDT.
  public var interruptTable: UInt64
  /// The base of the TSS, which the task register selects.
  public var taskState: UInt64

  /// A state that a test or another source makes up.
  public init(
    cr0: UInt64, cr3: UInt64, cr4: UInt64, instructionPointer: UInt64,
    segmentTable: UInt64 = 0, interruptTable: UInt64 = 0, taskState: UInt64 = 0
  ) {
    self.cr0 = cr0
    self.cr3 = cr3
    self.cr4 = cr4
    self.instructionPointer = instructionPointer
    self.segmentTable = segmentTable
    self.interruptTable = interruptTable
    self.taskState = taskState
  }
}

/// What a capture carries besides page tables.
public struct CaptureContents: Hashable, Sendable {
  /// The address spaces, one a line; `Guests` defines the lines.
  public var spaceLines: [String]
  /// What the guest calls the addresses of the spaces, a region a line; `Guests` defines these lines, too.
  public var regionLines: [String]

  /// Contents to compare with, or to write: lines without line breaks.
  public init(spaceLines: [String], regionLines: [String] = []) {
    self.spaceLines = spaceLines
    self.regionLines = regionLines
  }
}
