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
