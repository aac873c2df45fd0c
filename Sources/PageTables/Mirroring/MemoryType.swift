/// What a mapping was made for, with the numbers that SunriseOS gives it (`MemoryType` of `sunrise_libkern`).
public enum MemoryType: UInt8, CaseIterable, Hashable, Sendable {
  /// Nothing is there; whoever asks may have it.
  case unmapped
  /// Registers of a device.
  case io
  /// A range of physical memory that the process was promised.
  case normal
  /// A program's code, and its data that is never written.
  case codeStatic
  /// A program's data.
  case codeMutable
  /// The heap, which grows and shrinks.
  case heap
  /// Memory that processes share by name.
  case sharedMemory
  /// A part of the process's memory mapped once more.
  case alias
  /// A library's code.
  case moduleCodeStatic
  /// A library's data.
  case moduleCodeMutable
  /// A buffer of a message between processes.
  case ipc
  /// A stack.
  case stack
  /// What each thread has for itself.
  case threadLocal
  /// Memory lent to another process, which the lender cannot reach meanwhile.
  case transferMemoryIsolated
  /// Memory lent to another process.
  case transferMemory
  /// A part of another process's memory.
  case processMemory
  /// The kernel's, or nobody's to map.
  case reserved
  /// A buffer of a message that need not come from the secure world.
  case nonSecureIpc
  /// A buffer of a message that no device reads.
  case nonDeviceIpc
  /// A stack of the kernel for one of the process's threads.
  case kernelStack
  /// Code that another process wrote.
  case codeReadOnly
  /// The same as it is being written.
  case codeWritable

  /// Whether frames of such a mapping are counted, so that several can own them (`IS_REFERENCE_COUNTED`).
  public var isCounted: Bool {
    switch self {
    case .unmapped, .io, .normal, .reserved, .kernelStack: false
    default: true
    }
  }

  /// Whether there can be such a mapping without frames.
  public var canBeEmpty: Bool { self == .unmapped || self == .reserved || self == .kernelStack }
}
