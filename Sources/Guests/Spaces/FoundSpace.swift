import PageTables

/// An address space, and how it was found.
package struct FoundSpace: Hashable, Sendable {
  /// What led to a space.
  package enum Origin: Hashable, Sendable {
    /// `--root` on the command line.
    case given
    /// The root register of this CPU, as the dump's notes have it.
    case cpu(Int)
    /// The list that a capture carries, with what it said there.
    case capture(String, isOnCPU: Bool)
    /// The scan of physical memory.
    case scan
    /// The other copy of a root found otherwise, under kernel page-table isolation.
    case pair
    /// The segments of a core without physical addresses: this root translates them.
    case segments
    /// A process's root that the guest's list of tasks names, and nothing else led to but a scan.
    case tasks
    /// The kernel's own root, by the symbol that the guest's VMCOREINFO or its symbol table has for it, and
    /// nothing else led to but a scan.
    case kernelSymbol
  }

  /// What a name comes from.
  package enum NameOrigin: String, Hashable, Sendable, Codable {
    /// The guest's tasks, which its own description led to.
    case tasks
    /// The guest's tasks, where their layout had to be inferred.
    case inferred
    /// The kernel's own symbols: its root, and others that no process has.
    case symbols
  }

  /// Which of a pair of roots it is, under kernel page-table isolation.
  package enum Isolation: Hashable, Sendable {
    case none
    /// Maps everything; used while the kernel runs.
    case kernelCopy(userRoot: PhysicalAddress)
    /// Maps user memory and the kernel's entry code; used while the process runs.
    case userCopy(kernelRoot: PhysicalAddress)
  }

  /// What a space is to the system.
  package enum Role: Hashable, Sendable {
    /// Nobody told yet, or nobody can.
    case unknown
    /// The kernel's own, or the copy of it that isolation keeps.
    case kernel
    /// A process's.
    case process
    /// One that the kernel keeps for something special, such as booting or firmware.
    case special
    /// The guest's processes are known, and none of them uses it, nor does the kernel: a root that is freed, of a
    /// process that is just ending, or of firmware.
    case unowned

    /// What a person, or a list, means by a name.
    init(ofListed name: String, pid: Int? = nil) {
      self = pid != nil ? .process : name == Role.kernelName ? .kernel : .unknown
    }

    /// What the kernel's own space is called.
    static let kernelName = "kernel"
  }

  package var space: AddressSpace
  package var role = Role.unknown
  package var pid: Int?
  package var origin: Origin
  package var isolation: Isolation = .none
  /// The page looks like a root, yet maps no user memory and is not the kernel's own: most likely freed.
  package var isPossiblyStale = false
  /// Which kernel it belongs to, where that is not the guest's own but another one in the same memory.
  package var otherKernel: OtherKernel.Role?
  /// What the name, the pid and the processes come from; nil where no guest told them.
  package var namedBy: NameOrigin?
  /// Who uses the space, in ascending pid: the first one gave it its name. For the kernel's own, its threads.
  package var processes: [SpaceProcess] = []

  package init(space: AddressSpace, role: Role = .unknown, pid: Int? = nil, origin: Origin) {
    self.space = space
    self.role = role
    self.pid = pid
    self.origin = origin
  }

  /// Whether it is the kernel's own, in whole.
  package var isKernelsOwn: Bool { role == .kernel && !isUserCopy }

  /// Whether it is the user's copy of an isolated pair.
  package var isUserCopy: Bool { if case .userCopy = isolation { true } else { false } }

  package var isUnowned: Bool { role == .unowned }

  /// Takes over whose it is, as a guest told of the same space earlier.
  mutating func takeOwner(from earlier: FoundSpace) {
    role = earlier.role
    pid = earlier.pid
    processes = earlier.processes
    namedBy = earlier.namedBy
    otherKernel = earlier.otherKernel
    isPossiblyStale = earlier.isPossiblyStale
    if earlier.isolation != .none { isolation = earlier.isolation }
  }

  /// Whether a CPU used it when the memory was taken; a capture says it, too.
  package var isOnCPU: Bool {
    switch origin {
    case .cpu, .capture(_, isOnCPU: true): true
    default: false
    }
  }

  /// For people and for `foundBy`: `cpu 0`, `scan`, `given`, `pair`, `task list`,
  /// `kernel symbol`.
  package var foundBy: String {
    switch origin {
    case .given: "given"
    case .cpu(let number): "cpu \(number)"
    case .capture(let original, _): original
    case .scan: "scan"
    case .pair: "pair"
    case .segments: "segments"
    case .tasks: "task list"
    case .kernelSymbol: "kernel symbol"
    }
  }
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
