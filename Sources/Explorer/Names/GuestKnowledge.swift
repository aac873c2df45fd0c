import Guests
import PageTables

/// A Linux guest, and what all its spaces have in common: read in the background, handed over in one event.
package struct GuestKnowledge: Sendable {
  let guest: LinuxGuest
  let kernelParts: RegionTable

  /// Reads the parts of the kernel: a matter of milliseconds.
  package init(_ guest: LinuxGuest) {
    self.guest = guest
    kernelParts = guest.kernelParts()
  }

  /// Bytes of a command line that are kept.
  private static let commandLineLimit = 1000

  /// The command lines of all processes by pid, as far as their memory is there.
  package func commandLines() -> [Int: String] {
    var lines: [Int: String] = [:]
    for task in guest.tasks?.tasks ?? [] where !task.isKernelThread {
      let line = guest.arguments(of: task)?.joined(separator: " ") ?? ""
      if !line.isEmpty { lines[task.pid] = String(line.prefix(Self.commandLineLimit)) }
    }
    return lines
  }
}

/// Who tells what the addresses of spaces are called.
enum NameSource: Sendable {
  case guest(GuestKnowledge)
  case capture(CapturedRegions)

  /// Whether it may know something of a space.
  func knows(_ space: FoundSpace) -> Bool {
    switch self {
    case .guest(let knowledge): knowledge.guest.mayOwn(space)
    case .capture: true
    }
  }
}

/// The question what the guest calls the addresses of one space; the program answers it in the background.
package struct NamesSearch: Equatable, Sendable {
  let space: FoundSpace
  private let source: NameSource
  private let memory: any PhysicalMemory

  init(_ space: FoundSpace, _ source: NameSource, _ memory: any PhysicalMemory) {
    self.space = space
    self.source = source
    self.memory = memory
  }

  /// Reads the process's regions, and what of them is there.
  package func run() -> SpaceNames {
    let names: AddressNames
    var guest: LinuxGuest?
    switch source {
    case .guest(let knowledge):
      names = knowledge.guest.addressNames(of: space, kernelParts: knowledge.kernelParts)
      guest = knowledge.guest
    case .capture(let captured):
      let start = space.space.scheme.usualKernelStart
      names =
        captured.names(of: space)
        ?? AddressNames(user: [], kernel: RegionTable(), symbols: nil, firstKernelAddress: start)
    }
    return SpaceNames(
      addresses: names,
      counted: space.space.countedRegions(names, user: true, kernel: true, in: memory, guest: guest),
      task: guest?.owner(of: space))
  }

  package static func == (left: NamesSearch, right: NamesSearch) -> Bool { left.space == right.space }
}
