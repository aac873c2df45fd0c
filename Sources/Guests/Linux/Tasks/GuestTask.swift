import PageTables

/// A thread of a process.
package struct GuestThread: Hashable, Sendable {
  package let pid: Int
  /// Untrusted text.
  package let name: String
}

/// A process of the guest, or a thread of its kernel: what `/proc` lists under a single number.
package struct GuestTask: Hashable, Sendable {
  package let pid: Int
  /// As in `/proc/PID/comm`: at most 15 bytes; for kernel workers followed by what they work on. Untrusted text.
  package let name: String
  /// The kernel's `task_struct`, a virtual address.
  package let address: UInt64
  /// The parent's pid; nil where unknown.
  package let parent: Int?
  /// A thread of the kernel, without user memory of its own.
  package let isKernelThread: Bool
  /// The kernel's `mm_struct`, a virtual address; nil without user memory (kernel threads, zombies). If the main
  /// thread has ended, that of the threads still alive.
  package let memory: UInt64?
  /// The root of its tables; nil without user memory, or where unknown.
  package let root: PhysicalAddress?
  /// The root used in user mode, under kernel page-table isolation.
  package var userRoot: PhysicalAddress?
  /// All other threads of the process, in ascending pid.
  package var threads: [GuestThread] = []
}

/// All processes of a guest, and how they were found.
package struct GuestTasks: Hashable, Sendable {
  /// In ascending pid; without the idle tasks (pid 0).
  package internal(set) var tasks: [GuestTask] = []
  /// Pids in the list of tasks but not in the tree of pids.
  package internal(set) var missingInTree: [Int] = []
  /// Pids in the tree of pids but not in the list of tasks.
  package internal(set) var missingInList: [Int] = []
  /// Whether the tree of pids could be read at all; if not, no pid counts as missing.
  package internal(set) var hasTree = false
  /// Whether the list led back to its start.
  package internal(set) var isListClosed = false
  /// Whether the layout of tasks was inferred, because the kernel's own description is missing.
  package internal(set) var isInferred = false

  /// The task with that pid.
  package subscript(pid: Int) -> GuestTask? { tasks.first { $0.pid == pid } }
}
