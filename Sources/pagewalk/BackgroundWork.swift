import Explorer
import Guests
import PageTables
import Synchronization

/// The work that the explorer wants done: on threads of its own, answered with events.
final class BackgroundWork: Sendable {
  private let search: SpaceSearch
  private let post: @Sendable (ExplorerEvent) -> Void
  private let scanNumber = Atomic<Int>(0)
  private let findNumber = Atomic<Int>(0)

  /// `post` may be called from any thread.
  init(_ search: SpaceSearch, post: @escaping @Sendable (ExplorerEvent) -> Void) {
    self.search = search
    self.post = post
  }

  /// Starts what runs in the background; what is for the terminal is not taken, and the answer false.
  func start(_ work: ExplorerWork, known: FoundSpaces) -> Bool {
    switch work {
    case .scan:
      let number = scanNumber.add(1, ordering: .relaxed).newValue
      Task.detached(priority: .utility) { self.scan(known, number) }
    case .cancelScan:
      scanNumber.add(1, ordering: .relaxed)
      post(.scanCancelled)
    case .findPhysical(let request, let space, let address):
      let number = findNumber.add(1, ordering: .relaxed).newValue
      Task.detached(priority: .userInitiated) { self.find(request, space, address, number) }
    case .cancelFindPhysical: findNumber.add(1, ordering: .relaxed)
    case .copy, .exportScreen, .useTheme, .redraw, .suspend, .bell, .quit: return false
    }
    return true
  }

  /// Does the same at once, for a program without a terminal.
  func perform(_ work: ExplorerWork, known: FoundSpaces) {
    switch work {
    case .scan: scan(known, scanNumber.load(ordering: .relaxed))
    case .cancelScan: post(.scanCancelled)
    case .findPhysical(let request, let space, let address):
      find(request, space, address, findNumber.load(ordering: .relaxed))
    default: break
    }
  }

  private func scan(_ known: FoundSpaces, _ number: Int) {
    var reported = -1.0
    let found = search.scan(known: known) { fraction in
      guard self.scanNumber.load(ordering: .relaxed) == number else { return false }
      if fraction - reported >= 0.01 {
        reported = fraction
        self.post(.scanProgress(fraction))
      }
      return true
    }
    guard let found, scanNumber.load(ordering: .relaxed) == number else { return }
    post(.spacesFound(found, isComplete: true))
    countTables(of: found, number)
  }

  /// Counts the tables of spaces that no scan is needed for.
  func startCounting(_ found: FoundSpaces) {
    let number = scanNumber.load(ordering: .relaxed)
    Task.detached(priority: .utility) { self.countTables(of: found, number) }
  }

  /// The title's two numbers; spaces of different schemes have no table in common.
  func countTables(of found: FoundSpaces, _ number: Int = 0) {
    var tables = 0
    var shared = 0
    for (scheme, members) in Dictionary(grouping: found.spaces, by: \.space.scheme) {
      let graph = TableGraph(
        roots: members.map(\.space.root), scheme: scheme, memory: search.image.memory,
        progress: { _, _ in self.scanNumber.load(ordering: .relaxed) == number })
      guard let graph else { return }
      let reaching = TableCounts(graph).spaces
      for node in 0..<graph.count where graph.isReadable(node) {
        tables += 1
        if reaching[node] > 1 { shared += 1 }
      }
    }
    post(.tablesCounted(tables: tables, shared: shared))
  }

  private func find(_ request: Int, _ space: AddressSpace, _ address: PhysicalAddress, _ number: Int) {
    let found = PhysicalSearch.first(mapping: address, in: space, memory: search.image.memory) {
      self.findNumber.load(ordering: .relaxed) != number
    }
    post(.physicalFound(request: request, found))
  }
}
