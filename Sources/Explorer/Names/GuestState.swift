import Canvas
import Guests
import PageTables

/// What is known of the guest: nothing, until the program has read it.
struct GuestState: Sendable {
  private(set) var names: GuestNames?
  /// As it may be shown.
  private(set) var release: String?
  /// By pid.
  var commandLines: [Int: String] = [:]
  private var spaces: [SpaceID: SpaceNames] = [:]
  /// In the order in which they were read.
  private var order: [SpaceID] = []
  private var awaited: SpaceID?
  private var number = 0
  /// Those whose names are of an earlier moment: they are shown until the new ones are read.
  private var outdated: Set<SpaceID> = []

  /// Spaces whose names are kept, and regions of all of them together.
  private static let limit = 64
  private static let regionLimit = 1 << 20

  /// Whether names of a space are being read.
  var isAwaiting: Bool { awaited != nil }

  /// The guest, where it was read; a capture has names, and no guest.
  var guest: LinuxGuest? { names?.guest }

  subscript(space: SpaceID) -> SpaceNames? { spaces[space] }

  /// The guest, where a space is one of its own.
  func guest(of space: TreeSpace) -> LinuxGuest? {
    names.flatMap { $0.knows(space.found) ? $0.guest : nil }
  }

  /// Whether something may be known of a space's addresses.
  func canName(_ space: TreeSpace) -> Bool { names?.knows(space.found) == true }

  /// - Parameter keepsOld: whether it is the same guest a moment later: its names stay until they are read anew.
  mutating func receive(names: GuestNames, keepsOld: Bool = false) {
    self.names = names
    release = guest?.release.map { CellText.visible(String($0.prefix(40))) }
    awaited = nil
    outdated = keepsOld ? Set(spaces.keys) : []
    guard !keepsOld else { return }
    spaces = [:]
    order = []
  }

  /// What to ask of the program next, if anything: the first of these spaces that is not known, one at a time.
  mutating func question(about wanted: [TreeSpace], _ memory: any PhysicalMemory) -> ExplorerWork? {
    guard let names, awaited == nil else { return nil }
    guard let space = wanted.first(where: { isWanted($0.id) && names.knows($0.found) }) else {
      return nil
    }
    awaited = space.id
    number += 1
    return .readNames(request: number, NamesSearch(space.found, names, memory))
  }

  private func isWanted(_ space: SpaceID) -> Bool { spaces[space] == nil || outdated.contains(space) }

  /// Takes an answer; gives the space that it is about, nil where nobody waits for it any more.
  mutating func receive(names: SpaceNames, request: Int) -> SpaceID? {
    guard request == number, let id = awaited else { return nil }
    awaited = nil
    outdated.remove(id)
    if spaces.updateValue(names, forKey: id) == nil { order.append(id) }
    var regions = order.reduce(0) { $0 + (spaces[$1]?.counted.count ?? 0) }
    while order.count > Self.limit || (order.count > 1 && regions > Self.regionLimit) {
      regions -= spaces.removeValue(forKey: order.removeFirst())?.counted.count ?? 0
    }
    return id
  }
}

extension Explorer {
  /// Asks for the names of what is shown.
  mutating func askForNames() -> ExplorerWork? {
    // A search that is being typed passes by many spaces.
    guard guest.names != nil, prompt?.kind != .search else { return nil }
    let memory = memory
    let awaited = tree.spaces.filter { $0.id == awaitedGoing?.space }
    return guest.question(about: awaited + screen.namedSpaces(self), memory)
  }

  mutating func receive(names: GuestNames) -> [ExplorerWork] {
    guest.receive(names: names)
    let told = guest.guest
    if tree.filter.concernsEntries {
      keepingSelection { $0.setGuest(told) }
    } else {
      tree.setGuest(told)
    }
    follow(.guest)
    // Which mirrors are particular, and what lies on their sides, the guest knows best.
    return index != nil && !indexing.hadNames ? startIndexing() : []
  }

  mutating func receive(names: SpaceNames, request: Int) {
    guard let space = guest.receive(names: names, request: request) else { return }
    follow(.namesOfSpace(space))
    goOn(withNamesOf: space)
  }

  /// Lets spaces be found by the command lines of their processes.
  mutating func receive(commandLines: [Int: String]) {
    guest.commandLines = commandLines
    let found = tree.spaces.map(\.found)
    keepingSelection { $0.setSpaces(found, commandLines: commandLines) }
    follow(.commandLines)
  }
}
