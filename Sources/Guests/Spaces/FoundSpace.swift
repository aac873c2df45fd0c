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
    case capture(String)
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

  package var space: AddressSpace
  package var pid: Int?
  package var origin: Origin
  package var isolation: Isolation = .none
  /// The page looks like a root, yet maps no user memory and is not the kernel's own: most likely freed.
  package var isPossiblyStale = false
  /// The guest's processes are known, and none of them uses it, nor does the kernel: a root that is freed, of a
  /// process that is just ending, or of firmware.
  package var isUnowned = false
  /// Which kernel it belongs to, where that is not the guest's own but another one in the same memory.
  package var otherKernel: OtherKernel.Role?
  /// What the name, the pid and the processes come from; nil where no guest told them.
  package var namedBy: NameOrigin?
  /// Who uses the space, in ascending pid: the first one gave it its name. For the kernel's own, its threads.
  package var processes: [SpaceProcess] = []

  package init(space: AddressSpace, pid: Int? = nil, origin: Origin) {
    self.space = space
    self.pid = pid
    self.origin = origin
  }

  /// Takes over whose it is, as a guest told of the same space earlier.
  mutating func takeOwner(from earlier: FoundSpace) {
    pid = earlier.pid
    processes = earlier.processes
    namedBy = earlier.namedBy
    otherKernel = earlier.otherKernel
    isPossiblyStale = earlier.isPossiblyStale
    if earlier.isolation != .none { isolation = earlier.isolation }
  }

  /// Whether a CPU used it when the memory was taken; a capture says it, too.
  package var isOnCPU: Bool { foundBy.hasPrefix("cpu ") }

  /// For people and for `foundBy`: `cpu 0`, `scan`, `given`, `pair`, `task list`,
  /// `kernel symbol`.
  package var foundBy: String {
    switch origin {
    case .given: "given"
    case .cpu(let number): "cpu \(number)"
    case .capture(let original): original
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
