import Guests
import PageTables

/// What is known of the guest in a memory, as `pagewalk guest` shows it.
package struct GuestRecord: Record {
  package struct Module: Codable, Hashable, Sendable {
    package let name: String
    package let va: Hex
    package let length: UInt64
  }

  /// Another kernel in the memory.
  package struct Other: Codable, Hashable, Sendable {
    /// `capture kernel`, `crashed kernel` or `second kernel`.
    package let role: String
    package let release: String?
    package let kernelRoot: Hex
    /// Nil where no tasks are known.
    package let processes: Int?

    init(_ other: OtherKernel) {
      role = other.role.rawValue
      release = other.guest.release
      kernelRoot = Hex(other.guest.kernel.root)
      processes = other.guest.tasks.map { $0.tasks.count { !$0.isKernelThread } }
    }

    /// One line for people.
    package var summary: String {
      "\(role): Linux \(printable(release ?? "(release not known)")), kernel's root \(kernelRoot)"
        + (processes.map { ", \($0) processes" } ?? "")
    }
  }

  /// `linux`.
  package let system: String
  /// `uname -r`.
  package let release: String?
  package let scheme: String
  /// The root through which the kernel's memory is read.
  package let kernelRoot: Hex
  /// The number of processes, of all their threads, and of the kernel's threads; nil where no tasks are known.
  package let processes: Int?
  package let threads: Int?
  package let kernelThreads: Int?
  package let symbols: Int
  /// Loaded modules, by name.
  package let modules: [Module]
  /// Other kernels in the same memory, such as a crashed one if the guest captures its memory.
  package let otherKernels: [Other]
  /// How each part became known, or why it is missing.
  package let notes: [String]
  /// Whether the layout of tasks was inferred.
  package let inferred: Bool
  /// Whether the list of tasks leads back to its start; nil where no tasks are known.
  package let listClosed: Bool?
  /// Whether the tree of pids could be read in addition to the list, and the pids found in only one of the two.
  package let treeRead: Bool
  package let missingInTree: [Int]
  package let missingInList: [Int]
  /// Roots that seem to be in use but belong neither to a process nor to the kernel.
  package let unownedRoots: [Hex]

  /// - Parameter isMemoryDisplaced: whether memory lies elsewhere than its source says; lists that break off are
  ///   then no disagreement.
  package init(_ guest: LinuxGuest, spaces: [FoundSpace], isMemoryDisplaced: Bool = false) {
    let tasks = guest.tasks
    let users = tasks?.tasks.filter { !$0.isKernelThread }
    system = "linux"
    release = guest.release
    scheme = guest.kernel.scheme.name
    kernelRoot = Hex(guest.kernel.root)
    processes = users?.count
    threads = users.map { $0.reduce(0) { $0 + 1 + $1.threads.count } }
    kernelThreads = tasks.map { $0.tasks.count { $0.isKernelThread } }
    symbols = guest.symbols?.count ?? 0
    modules = guest.modules.sorted { $0.name < $1.name }.map {
      Module(name: $0.name, va: Hex($0.parts.first?.lowerBound ?? 0), length: $0.size)
    }
    otherKernels = guest.other.map { [Other($0)] } ?? []
    notes = guest.notes
    inferred = tasks?.isInferred == true
    listClosed = isMemoryDisplaced ? nil : tasks?.isListClosed
    treeRead = !isMemoryDisplaced && tasks?.hasTree == true
    missingInTree = treeRead ? tasks?.missingInTree ?? [] : []
    missingInList = treeRead ? tasks?.missingInList ?? [] : []
    unownedRoots = spaces.filter { $0.isUnowned && !$0.isPossiblyStale }.map { Hex($0.space.root) }
  }

  package func write(to json: inout JSONLine) {
    json.field("system", system)
    json.field("release", release)
    json.field("scheme", scheme)
    json.field("kernelRoot", kernelRoot)
    json.field("processes", processes)
    json.field("threads", threads)
    json.field("kernelThreads", kernelThreads)
    json.field("symbols", symbols)
    json.field("modules", modules) { json, module in
      json.field("name", module.name)
      json.field("va", module.va)
      json.field("length", module.length)
    }
    json.field("otherKernels", otherKernels) { json, other in
      json.field("role", other.role)
      json.field("release", other.release)
      json.field("kernelRoot", other.kernelRoot)
      json.field("processes", other.processes)
    }
    json.field("notes", notes)
    json.field("inferred", inferred)
    if let listClosed { json.field("listClosed", listClosed) }
    json.field("treeRead", treeRead)
    json.field("missingInTree", missingInTree)
    json.field("missingInList", missingInList)
    json.field("unownedRoots", unownedRoots.map(\.description))
  }

  package static var columns: [Column] { [Column("GUEST", width: 0)] }

  /// Several lines: what the guest is, how that became known, and which of its data disagree.
  package var cells: [String] {
    func line(_ label: String, _ text: String) -> String {
      Column.line([label, text], [Column("", width: 10), Column("", width: 0)])
    }
    var lines = ["Linux " + printable(release ?? "(release not known)")]
    lines.append(line("paging", "\(scheme), kernel's root \(kernelRoot)"))
    if let processes, let threads, let kernelThreads {
      lines.append(line("processes", "\(processes), with \(threads) threads"))
      lines.append(line("kernel", "\(kernelThreads) threads, \(modules.count) modules, \(symbols) symbols"))
    } else {
      lines.append(line("kernel", "\(modules.count) modules, \(symbols) symbols"))
    }
    if !unownedRoots.isEmpty {
      lines.append(line("no process", "uses " + GuestRecord.list(unownedRoots)))
    }
    lines += otherKernels.map { line("beside it", $0.summary) }
    lines.append("known by")
    lines += notes.map { "  " + printable($0) }
    let disagreements = self.disagreements
    if !disagreements.isEmpty {
      lines.append("does not agree")
      lines += disagreements.map { "  " + $0 }
    }
    return [lines.joined(separator: "\n")]
  }

  /// Which of the guest's lists disagree: one line each.
  package var disagreements: [String] {
    var lines: [String] = []
    if listClosed == false { lines.append("the list of tasks does not lead back to its start") }
    if !missingInList.isEmpty {
      lines.append("in the tree of pids, not in the list of tasks: " + GuestRecord.list(missingInList))
    }
    if !missingInTree.isEmpty {
      lines.append("in the list of tasks, not in the tree of pids: " + GuestRecord.list(missingInTree))
    }
    return lines
  }

  private static func list(_ items: [some CustomStringConvertible]) -> String {
    items.prefix(8).map(\.description).joined(separator: " ")
      + (items.count > 8 ? " and \(items.count - 8) more" : "")
  }
}
