import Canvas
import Guests
import PageTables

/// A space as the tree knows it.
package struct TreeSpace: Sendable {
  /// Survives a new order of the list.
  package let id: SpaceID
  /// What was found, and how.
  package let found: FoundSpace
  /// Of each window; equal where the same scheme reads them.
  let schemeNumbers: [Int]
  /// The name as it may be shown: it comes from a dump.
  package let name: String
  /// The command line of its process, as it may be shown; empty where none is known.
  let commandLine: String

  /// Gives each space its identity, in the order given.
  static func all(_ found: [FoundSpace], commandLines: [Int: String] = [:]) -> [TreeSpace] {
    var seen: [PhysicalAddress: Int] = [:]
    var schemes: [PagingScheme] = []
    return found.map { space in
      let numbers = space.space.windows.map { window in
        let number = schemes.firstIndex(of: window.scheme) ?? schemes.count
        if number == schemes.count { schemes.append(window.scheme) }
        return number
      }
      let ordinal = seen[space.space.root, default: 0]
      seen[space.space.root] = ordinal + 1
      return TreeSpace(
        id: SpaceID(root: space.space.root, ordinal: ordinal), found: space, schemeNumbers: numbers,
        name: CellText.visible(space.space.name),
        commandLine: CellText.visible(space.pid.flatMap { commandLines[$0] } ?? ""))
    }
  }

  var scheme: PagingScheme { found.space.scheme }
  /// The number of the scheme by which an address is translated.
  func schemeNumber(at address: VirtualAddress) -> Int {
    schemeNumbers[window(of: address)]
  }
  /// The scheme by which an address is translated.
  func scheme(at address: VirtualAddress) -> PagingScheme { found.space.scheme(at: address) }
  /// The levels of the window that has most.
  var mostLevels: Int { found.space.windows.map(\.scheme.levels.count).max() ?? 0 }
  /// The number of the window that an address lies in; that of the lowest where it lies in none.
  func window(of address: VirtualAddress) -> Int { found.space.windowOrLowest(of: address) }
  /// The root by which an address is translated.
  func root(at address: VirtualAddress) -> PhysicalAddress {
    found.space.window(of: address).map { found.space.windows[$0].root } ?? root
  }
  /// Whether two addresses have one root.
  func isOneWindow(_ address: VirtualAddress, _ other: VirtualAddress) -> Bool {
    let windows = found.space.windows
    return windows.count == 1 || windows.contains { $0.contains(address) && $0.contains(other) }
  }
  var root: PhysicalAddress { found.space.root }
  var pidText: String { found.pid.map { "\($0)" } ?? "" }

  /// Name and pid: `bpf_array 134`.
  var label: String { pidText.isEmpty ? name : name + " " + pidText }

  /// What a filter or a search looks at.
  var searchTexts: [String] {
    [label, Numbers.hex(root), originText, found.isPossiblyStale ? "stale" : "", commandLine]
      + otherProcesses.map { "\($0.name) \($0.pid)" }
  }

  /// Whether a text in lower case is the whole name of one of its processes, or its own, with or without the pid, or
  /// the pid.
  func isCalled(_ text: String) -> Bool {
    Self.isCalled(text, name, found.pid)
      || found.processes.contains { $0.pid != found.pid && Self.isCalled(text, $0.name, $0.pid) }
  }

  /// Asked of every process at each letter that is typed: most begin otherwise.
  private static func isCalled(_ text: String, _ name: String, _ pid: Int?) -> Bool {
    if let pid, "\(pid)" == text { return true }
    guard let first = name.first, let letter = text.first,
      first == letter || first.lowercased() == String(letter)
    else { return false }
    let name = name.lowercased()
    guard text.hasPrefix(name) else { return false }
    return text.utf8.count == name.utf8.count || pid.map { text == "\(name) \($0)" } ?? false
  }

  /// The processes that use the space besides the one that gave it its name; for the kernel's, its threads.
  var otherProcesses: [SpaceProcess] { found.processes.filter { $0.pid != found.pid } }

  /// Those by name and pid, as far as they are listed: `helper 9, sh 12`.
  func otherProcesses(limit: Int) -> String {
    let others = otherProcesses
    let names = others.prefix(limit).map { "\(CellText.visible($0.name)) \($0.pid)" }
    return names.joined(separator: ", ") + (others.count > limit ? " and \(others.count - limit) more" : "")
  }

  /// How it was found, and which of a pair it is: `cpu 0, kernel copy`.
  var originText: String {
    let found = CellText.visible(found.foundBy)
    return switch self.found.isolation {
    case .none: found
    case .kernelCopy: found + ", kernel copy"
    case .userCopy: found + ", user copy"
    }
  }
}
