import Canvas
import Guests
import PageTables

/// A page about the guest: what it is, and how each part of that was known.
enum GuestPage {
  /// Modules and pids that are named at most.
  private static let nameLimit = 200

  static func make(_ guest: LinuxGuest, kernelParts: RegionTable, width: Int) -> TextPage {
    var lines: [StyledLine] = []
    func fact(_ name: String, _ text: String, _ role: Role = .text) {
      lines.append(StyledLine(Numbers.left(name, 14), .dim).adding(CellText.visible(text), role))
    }
    fact("release", guest.release.map { "Linux \($0)" } ?? "Linux, its release is not known")
    fact("scheme", guest.kernel.scheme.title)
    fact("kernel root", Numbers.hex(guest.kernel.root), .address)
    if let tasks = guest.tasks {
      let threads = tasks.tasks.filter(\.isKernelThread).count
      fact(
        "processes",
        "\(tasks.tasks.count - threads), and \(threads) \(threads == 1 ? "thread" : "threads") of the kernel")
      differences(tasks).forEach { fact($0.name, $0.text, $0.role) }
    } else {
      fact("processes", "not known", .warning)
    }
    fact("symbols", guest.symbols.map { "\($0.count)" } ?? "not known")
    fact("regions", "\(kernelParts.regions.count) parts of the kernel")
    if !guest.modules.isEmpty {
      let names = guest.modules.prefix(nameLimit).map(\.name).joined(separator: " ")
      let more = guest.modules.count > nameLimit ? " .." : ""
      fact("modules", "\(guest.modules.count): \(names)\(more)")
    }
    lines.append(StyledLine())
    lines.append(StyledLine("How each part became known", .header))
    for note in guest.notes {
      let parts = note.split(separator: ":", maxSplits: 1)
      if parts.count == 2 {
        fact(String(parts[0]), String(parts[1].drop { $0 == " " }))
      } else {
        fact("", note)
      }
    }
    let wrapped = lines.flatMap { $0.wrapped(to: max(20, width - 4), indent: 14) }
    return TextPage(title: "the guest", lines: wrapped)
  }

  /// What the list of tasks and the tree of pids have not in common: a hidden process, or one that came or went
  /// while memory was dumped.
  private static func differences(_ tasks: GuestTasks) -> [(name: String, text: String, role: Role)] {
    var lines: [(name: String, text: String, role: Role)] = []
    if !tasks.isListClosed {
      lines.append(("list of tasks", "does not lead back to its start: some tasks may be missing", .warning))
    }
    guard tasks.hasTree else {
      lines.append(("tree of pids", "cannot be read: nothing to compare the list of tasks with", .dim))
      return lines
    }
    if tasks.missingInTree.isEmpty, tasks.missingInList.isEmpty {
      lines.append(("tree of pids", "agrees with the list of tasks", .text))
    }
    func names(_ pids: [Int]) -> String {
      let named = pids.prefix(nameLimit).map { pid in "\(pid)" + (tasks[pid].map { " \($0.name)" } ?? "") }
      return named.joined(separator: ", ") + (pids.count > nameLimit ? " .." : "")
    }
    if !tasks.missingInTree.isEmpty {
      lines.append(("only in list", "\(names(tasks.missingInTree))", .warning))
    }
    if !tasks.missingInList.isEmpty {
      lines.append(("only in tree", "\(names(tasks.missingInList))", .warning))
    }
    return lines
  }
}
