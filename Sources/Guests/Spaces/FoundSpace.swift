import PageTables

/// An address space, and how it was found.
package struct FoundSpace: Hashable, Sendable {
  /// How a space was found.
  package enum Origin: Hashable, Sendable {
    /// `--root` on the command line.
    case given
    /// The root register of this CPU, from the dump's notes.
    case cpu(Int)
    /// The list in a capture, with the origin stored there.
    case capture(String, isOnCPU: Bool)
    /// The scan of physical memory.
    case scan
    /// The other copy of a root that was found otherwise, under kernel page-table isolation.
    case pair
    /// The segments of a core without physical addresses, which this root translates.
    case segments
    /// The guest's list of tasks, for a process's root that otherwise only a scan finds.
    case tasks
    /// The kernel's symbol for its own root, from the guest's VMCOREINFO or symbol table, for a root that otherwise
    /// only a scan finds.
    case kernelSymbol
  }

  /// Where a name comes from.
  package enum NameOrigin: String, Hashable, Sendable, Codable {
    /// The guest's tasks, located by the guest's own description.
    case tasks
    /// The guest's tasks, whose layout had to be inferred.
    case inferred
    /// The kernel's symbols: for its own root, and others that no process has.
    case symbols
  }

  /// Which copy of a pair of roots it is, under kernel page-table isolation.
  package enum Isolation: Hashable, Sendable {
    case none
    /// Maps everything; used while the kernel runs.
    case kernelCopy(userRoot: PhysicalAddress)
    /// Maps user memory and the kernel's entry code; used while the process runs.
    case userCopy(kernelRoot: PhysicalAddress)

    /// The root of the other copy; nil where there is none.
    var otherRoot: PhysicalAddress? {
      switch self {
      case .none: nil
      case .kernelCopy(let user): user
      case .userCopy(let kernel): kernel
      }
    }
  }

  /// What the system uses a space for.
  package enum Role: Hashable, Sendable {
    /// Not determined yet, or impossible to determine.
    case unknown
    /// The kernel's own, or its user copy under isolation.
    case kernel
    /// A process's.
    case process
    /// Used by the kernel for a special purpose, such as booting or firmware.
    case special
    /// The guest's processes are known, and neither they nor the kernel use it: a freed root, or that of an exiting
    /// process or of firmware.
    case unowned

    /// The role implied by a name that a person or a list gives.
    init(ofListed name: String, pid: Int? = nil) {
      self = pid != nil ? .process : name == Role.kernelName ? .kernel : .unknown
    }

    /// The name of the kernel's own space.
    static let kernelName = "kernel"
  }

  package var space: AddressSpace
  package var role = Role.unknown
  package var pid: Int?
  package var origin: Origin
  package var isolation: Isolation = .none
  /// The page looks like a root, but maps no user memory and is not the kernel's own: most likely freed.
  package var isPossiblyStale = false
  /// The kernel that it belongs to, if that is a second kernel in the same memory rather than the guest's own.
  package var otherKernel: OtherKernel.Role?
  /// Where the name, the pid and the processes come from; nil where no guest provided them.
  package var namedBy: NameOrigin?
  /// The users of the space, in ascending pid; the first one gave it its name. For the kernel's own space, its
  /// threads.
  package var processes: [SpaceProcess] = []

  package init(space: AddressSpace, role: Role = .unknown, pid: Int? = nil, origin: Origin) {
    self.space = space
    self.role = role
    self.pid = pid
    self.origin = origin
  }

  /// Whether it is the kernel's own space, not its user copy.
  package var isKernelsOwn: Bool { role == .kernel && !isUserCopy }

  /// Whether it is the user copy of an isolated pair.
  package var isUserCopy: Bool { if case .userCopy = isolation { true } else { false } }

  package var isUnowned: Bool { role == .unowned }

  /// Takes over the owner that a guest reported earlier for the same space.
  mutating func takeOwner(from earlier: FoundSpace) {
    role = earlier.role
    pid = earlier.pid
    processes = earlier.processes
    namedBy = earlier.namedBy
    otherKernel = earlier.otherKernel
    isPossiblyStale = earlier.isPossiblyStale
    if earlier.isolation != .none { isolation = earlier.isolation }
  }

  /// Whether a CPU used it when the memory was dumped; captures store this, too.
  package var isOnCPU: Bool {
    switch origin {
    case .cpu, .capture(_, isOnCPU: true): true
    default: false
    }
  }

  /// For people and for `foundBy`: `cpu 0`, `scan`, `given`, `pair`, `task list`, `kernel symbol`.
  package var foundBy: String {
    switch origin {
    case .given: "given"
    case .cpu(let number): "cpu \(number)"
    case .capture(let original, _): original
    case .scan: "scan"
    case .pair: "pair"
    case .segments: "segments"
    case .tasks: Self.taskList
    case .kernelSymbol: "kernel symbol"
    }
  }

  private static let taskList = "task list"

  /// Whether it was found in the guest's list of tasks, now or when a capture was made.
  package var isFromTaskList: Bool { foundBy == Self.taskList }
}

/// A process that uses a space.
package struct SpaceProcess: Hashable, Sendable, Codable {
  package let pid: Int
  /// Untrusted text.
  package let name: String

  package init(pid: Int, name: String) {
    self.pid = pid
    self.name = name
  }
}
