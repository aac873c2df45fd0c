/// The registers of a CPU that matter for paging, and those that may hold an address.
public struct CPUState: Hashable, Sendable {
  /// Whether the code segment holds 64-bit code (CS.L), which runs only in IA-32e mode (Intel SDM Vol. 3A, 3.4.5).
  /// In compatibility mode CS.L is clear, so false proves nothing.
  public var runs64BitCode = false
  /// EFER; nil where the dump does not have it.
  public var extendedFeatures: UInt64?
  /// Tells whether paging is on (bit 31).
  public var cr0: UInt64
  /// The raw register, including PCID or cache bits in the low bits.
  public var cr3: UInt64
  /// Tells which paging mode is on: PSE, PAE, LA57 (bits 4, 5, 12).
  public var cr4: UInt64
  /// A virtual address: tells user mode from kernel mode.
  public var instructionPointer: UInt64
  /// The base of the GDT, a virtual address like the following ones; 0 where no note has them.
  public var segmentTable: UInt64
  /// The base of the IDT.
  public var interruptTable: UInt64
  /// The base of the TSS, which the task register selects.
  public var taskState: UInt64
  /// What else may hold a virtual address, as far as the note has it, in the order of the manual.
  public var general: [Register] = []
  /// What selects the tables of a processor that is none of x86's and says how they read, as far as the source has it:
  /// `ttbr0_el1`, `ttbr1_el1`, `tcr_el1` and `mair_el1`, or `satp`.
  public private(set) var translation: [Register] = []
  /// Whether the registers named here one by one are those of the processor; otherwise they are 0, but for the
  /// instruction pointer.
  public private(set) var isOfX86 = true

  /// A register by its name in the manual, in lower case: `rsp`.
  public struct Register: Hashable, Sendable {
    /// As the manual has it, in lower case.
    public let name: String
    /// What it held when the dump was made.
    public let value: UInt64

    /// A register of a test or another source.
    public init(name: String, value: UInt64) {
      self.name = name
      self.value = value
    }
  }

  /// Registers from a test or another source.
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

  /// Registers of a processor that is none of x86's.
  public init(translation: [Register], instructionPointer: UInt64, general: [Register]) {
    self.init(cr0: 0, cr3: 0, cr4: 0, instructionPointer: instructionPointer)
    self.translation = translation
    self.general = general
    isOfX86 = false
  }
}
