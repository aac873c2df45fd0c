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
  private let indexNumber = Atomic<Int>(0)
  private let namings = Atomic<Int>(0)
  /// What the explorer shows: the source, and what was changed over it.
  private let memory: any PhysicalMemory

  /// `post` may be called from any thread.
  init(
    _ search: SpaceSearch, memory: any PhysicalMemory, post: @escaping @Sendable (ExplorerEvent) -> Void
  ) {
    self.search = search
    self.memory = memory
    self.post = post
  }

  /// Whether names are still to come; their event is posted before this is false.
  var isNaming: Bool { namings.load(ordering: .acquiring) > 0 }

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
    case .index(let request, let spaces, let stale):
      let number = indexNumber.add(1, ordering: .relaxed).newValue
      Task.detached(priority: .utility) { self.index(request, spaces, stale, number) }
    case .cancelIndex: indexNumber.add(1, ordering: .relaxed)
    case .findSharers(let request, let search):
      Task.detached(priority: .userInitiated) { self.post(.sharersFound(request: request, search.run())) }
    case .proceed: post(.proceed)
    case .openSource, .endScript, .copy, .exportScreen, .useTheme, .redraw, .suspend, .bell, .quit:
      return false
    }
    return true
  }

  /// Names spaces that are known without a search.
  func startNaming(_ known: FoundSpaces) {
    guard search.mayHoldGuest, !known.spaces.isEmpty else { return }
    let number = scanNumber.load(ordering: .relaxed)
    namings.add(1, ordering: .acquiringAndReleasing)
    Task.detached(priority: .utility) { self.postNames(of: known, number) }
  }

  /// Does the same at once, for a program without a terminal.
  func perform(_ work: ExplorerWork, known: FoundSpaces) {
    switch work {
    case .scan:
      // Nobody watches: the spaces come with their names.
      let found = search.scan(known: known) { _ in true } ?? known
      post(.spacesFound(named(found), isComplete: true))
    case .cancelScan: post(.scanCancelled)
    case .findPhysical(let request, let space, let address):
      find(request, space, address, findNumber.load(ordering: .relaxed))
    case .index(let request, let spaces, let stale):
      index(request, spaces, stale, indexNumber.load(ordering: .relaxed))
    case .findSharers(let request, let search): post(.sharersFound(request: request, search.run()))
    case .proceed: post(.proceed)
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
    namings.add(1, ordering: .acquiringAndReleasing)
    post(.spacesFound(found, isComplete: true))
    postNames(of: found, number)
  }

  /// Names come after the spaces: nothing waits for them.
  private func postNames(of found: FoundSpaces, _ number: Int) {
    let named = named(found) { self.scanNumber.load(ordering: .relaxed) == number }
    if named != found, scanNumber.load(ordering: .relaxed) == number {
      post(.spacesFound(named, isComplete: true))
    }
    namings.subtract(1, ordering: .acquiringAndReleasing)
    // Whoever waits for names looks again.
    post(.proceed)
  }

  /// The spaces by the names of their processes, at once.
  func named(_ found: FoundSpaces, goesOn: @escaping () -> Bool = { true }) -> FoundSpaces {
    search.linuxGuest(found) { _ in goesOn() }.map { search.named(found, by: $0) } ?? found
  }

  private func index(_ request: Int, _ spaces: [AddressSpace], _ stale: Set<Int>, _ number: Int) {
    var reported = -1.0
    let index = ExplorerIndex(spaces, stale: stale, memory: memory) { fraction in
      guard self.indexNumber.load(ordering: .relaxed) == number else { return false }
      if fraction - reported >= 0.01 {
        reported = fraction
        self.post(.indexProgress(request: request, fraction))
      }
      return true
    }
    guard let index, indexNumber.load(ordering: .relaxed) == number else { return }
    post(.indexed(request: request, index))
  }

  private func find(_ request: Int, _ space: AddressSpace, _ address: PhysicalAddress, _ number: Int) {
    let found = PhysicalSearch.first(mapping: address, in: space, memory: memory) {
      self.findNumber.load(ordering: .relaxed) != number
    }
    post(.physicalFound(request: request, found))
  }
}
