import PageTables

/// What a guest says about the processes that use its spaces, besides their names.
package struct SpaceUsers: Sendable {
  private let guest: LinuxGuest
  private let tasks: [Int: GuestTask]

  /// Nil where the guest's tasks are not known.
  package init?(_ guest: LinuxGuest) {
    guard let tasks = guest.tasks?.tasks else { return nil }
    self.guest = guest
    self.tasks = Dictionary(tasks.map { ($0.pid, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The pid of a process's parent; nil where unknown.
  package func parent(of pid: Int) -> Int? { tasks[pid]?.parent }

  /// How many threads a process has; nil where unknown.
  package func threads(of pid: Int) -> Int? { tasks[pid].map { 1 + $0.threads.count } }

  /// The arguments with which the process of a space was started; nil where they cannot be read.
  package func command(of found: FoundSpace) -> [String]? {
    guard let pid = found.pid, let task = tasks[pid], let words = guest.arguments(of: task), !words.isEmpty
    else { return nil }
    return words
  }

  /// The number of threads of all processes of a space, and for the kernel's own space that of the kernel's
  /// threads; nil where no process is known to use it.
  package func threads(of found: FoundSpace) -> Int? {
    guard found.namedBy != nil, !found.processes.isEmpty else { return nil }
    return found.processes.reduce(0) { $0 + (threads(of: $1.pid) ?? 1) }
  }
}
