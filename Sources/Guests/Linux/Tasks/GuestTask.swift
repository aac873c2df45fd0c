import PageTables

/// A thread of a process.
package struct GuestThread: Hashable, Sendable {
  package let pid: Int
  /// Untrusted text.
  package let name: String
}

/// A process of the guest, or a thread of its kernel: what `/proc` lists under one number.
package struct GuestTask: Hashable, Sendable {
  package let pid: Int
  /// As `/proc/PID/comm` has it: at most 15 bytes, and for kernel workers what they work on. Untrusted text.
  package let name: String
  /// The kernel's `task_struct`, a virtual address.
  package let address: UInt64
  /// The parent's pid, nil where it is not known.
  package let parent: Int?
  /// A thread of the kernel, without user memory of its own.
  package let isKernelThread: Bool
  /// The kernel's `mm_struct`, a virtual address; nil without user memory (kernel threads, zombies). Where the main
  /// thread has ended it is that of the threads that live.
  package let memory: UInt64?
  /// The root of its tables; nil without user memory, or where it cannot be told.
  package let root: PhysicalAddress?
  /// The copy that is used in user mode, under kernel page-table isolation.
  package var userRoot: PhysicalAddress?
  /// All other threads of the process, in ascending pid.
  package var threads: [GuestThread] = []
}

/// All processes of a guest, and how they were found.
package struct GuestTasks: Hashable, Sendable {
  /// In ascending pid; the idle tasks (pid 0) are not in it.
  package internal(set) var tasks: [GuestTask] = []
  /// Pids that are in the list of tasks, and not in the tree of pids.
  package internal(set) var missingInTree: [Int] = []
  /// Pids that are in the tree of pids, and not in the list of tasks.
  package internal(set) var missingInList: [Int] = []
  /// Whether the tree of pids could be read at all; without it nothing is missing.
  package internal(set) var hasTree = false
  /// Whether the list came back to its start.
  package internal(set) var isListClosed = false
  /// Whether the tasks' layout was inferred, for want of the kernel's own description.
  package internal(set) var isInferred = false

  /// The task of that pid.
  package subscript(pid: Int) -> GuestTask? { tasks.first { $0.pid == pid } }
}
