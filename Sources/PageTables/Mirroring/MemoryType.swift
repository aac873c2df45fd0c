/// The purpose of a mapping, with the numbers that SunriseOS assigns (`MemoryType` of `sunrise_libkern`).
public enum MemoryType: UInt8, CaseIterable, Hashable, Sendable {
  /// Nothing is mapped; free to use.
  case unmapped
  /// Device registers.
  case io
  /// A range of physical memory assigned to the process.
  case normal
  /// A program's code and read-only data.
  case codeStatic
  /// A program's writable data.
  case codeMutable
  /// The heap, which grows and shrinks.
  case heap
  /// Memory that processes share by name.
  case sharedMemory
  /// A second mapping of a part of the process's memory.
  case alias
  /// A library's code.
  case moduleCodeStatic
  /// A library's data.
  case moduleCodeMutable
  /// A message buffer for communication between processes.
  case ipc
  /// A stack.
  case stack
  /// Thread-local storage.
  case threadLocal
  /// Memory lent to another process; the lender cannot access it meanwhile.
  case transferMemoryIsolated
  /// Memory lent to another process.
  case transferMemory
  /// A part of another process's memory.
  case processMemory
  /// Reserved for the kernel, or not to be mapped by anyone.
  case reserved
  /// A message buffer that need not be in secure memory.
  case nonSecureIpc
  /// A message buffer that no device accesses.
  case nonDeviceIpc
  /// A kernel stack for one of the process's threads.
  case kernelStack
  /// Code written by another process.
  case codeReadOnly
  /// The same code, mapped writable while it is being written.
  case codeWritable

  /// Whether the frames of such a mapping are reference-counted, so that several mappings can hold them
  /// (`IS_REFERENCE_COUNTED`).
  public var isCounted: Bool {
    switch self {
    case .unmapped, .io, .normal, .reserved, .kernelStack: false
    default: true
    }
  }

  /// Whether such a mapping may have no frames.
  public var canBeEmpty: Bool { self == .unmapped || self == .reserved || self == .kernelStack }
}
