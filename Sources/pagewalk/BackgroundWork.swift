import Explorer
import Guests
import PageTables
import Synchronization

/// The work that the explorer wants done: on threads of its own, answered with events.
final class BackgroundWork: Sendable {
  /// How the source was opened, as options of the command line.
  private let options: [String]
  private let post: @Sendable (ExplorerEvent) -> Void
  private let scanNumber = Atomic<Int>(0)
  private let findNumber = Atomic<Int>(0)
  private let indexNumber = Atomic<Int>(0)
  private let namings = Atomic<Int>(0)
  private let isEnded = Atomic<Bool>(false)
  /// Held while the explorer is told of spaces: of two threads that found something, the last tells what is known in
  /// the end. Holds whether it was told of names.
  private let areNamesTold = Mutex(false)
  /// What the source is now: at each moment of a machine that runs, another one.
  private let now: Mutex<Source>
  /// Takes the moments of a machine that runs; nil for a dump.
  private let moments: MomentWork?

  private struct Source {
    var discovery: SpaceDiscovery
    /// What the explorer shows: the source, and what was changed over it.
    var memory: any PhysicalMemory
  }

  private var discovery: SpaceDiscovery { now.withLock { $0.discovery } }
  private var memory: any PhysicalMemory { now.withLock { $0.memory } }

  /// `post` may be called from any thread.
  init(
    _ source: OpenedSource, memory: any PhysicalMemory, post: @escaping @Sendable (ExplorerEvent) -> Void
  ) {
    now = Mutex(Source(discovery: source.discovery, memory: memory))
    options = source.options
    moments = source.machine.map { MomentWork($0, post: post) }
    self.post = post
  }

  /// Whether names are still to come; their event is posted before this is false.
  var isNaming: Bool { namings.load(ordering: .acquiring) > 0 }

  /// Starts what runs in the background; what is for the terminal is not taken, and the answer false.
  func start(_ work: ExplorerWork) -> Bool {
    if moments?.start(work) == true { return true }
    return take(work) { priority, job in Task.detached(priority: priority) { job() } }
  }

  /// Does the same at once, for a program without a terminal.
  func perform(_ work: ExplorerWork) {
    moments?.perform(work)
    if case .scan = work { showAtOnce() } else { _ = take(work) { _, job in job() } }
  }

  /// Goes on with the moment that the explorer shows now.
  ///
  /// - Parameter memory: what the explorer shows.
  func goOn(with memory: any PhysicalMemory) {
    guard let discovery = moments?.takeDiscovery() else { return }
    now.withLock { $0 = Source(discovery: discovery, memory: memory) }
  }

  /// Has each job run by `run`.
  private func take(
    _ work: ExplorerWork, _ run: (TaskPriority, @escaping @Sendable () -> Void) -> Void
  ) -> Bool {
    switch work {
    case .scan:
      let number = scanNumber.add(1, ordering: .relaxed).newValue
      run(.utility) { self.scan(number) }
    case .cancelScan:
      scanNumber.add(1, ordering: .relaxed)
      post(.scanCancelled)
    case .findPhysical(let request, let space, let address):
      let number = findNumber.add(1, ordering: .relaxed).newValue
      run(.userInitiated) { self.find(request, space, address, number) }
    case .cancelFindPhysical: findNumber.add(1, ordering: .relaxed)
    case .index(let request, let spaces, let census):
      let number = indexNumber.add(1, ordering: .relaxed).newValue
      run(.utility) { self.index(request, spaces, census, number) }
    case .cancelIndex: indexNumber.add(1, ordering: .relaxed)
    case .findSharers(let request, let search):
      run(.userInitiated) { self.post(.sharersFound(request: request, search.run())) }
    case .readNames(let request, let search):
      run(.userInitiated) { self.post(.namesRead(request: request, search.run())) }
    case .gatherRegions(let request, let gathering):
      run(.userInitiated) { self.post(.regionsGathered(request: request, gathering.run())) }
    case .copyWalk(let walk):
      run(.userInitiated) { self.post(.walkWritten(walk.text(in: self.memory, options: self.options))) }
    case .compareMoments(let request, let comparison):
      run(.userInitiated) { self.post(.momentsCompared(request: request, comparison.run())) }
    case .proceed: post(.proceed)
    case .takeMoment, .watch, .followStops, .setRunning, .openSource, .endScript, .copy, .exportScreen,
      .useTheme, .useStyle, .redraw, .suspend,
      .bell, .quit:
      return false
    }
    return true
  }

  /// Ends all that runs: nobody opens its mail any more.
  func end() {
    isEnded.store(true, ordering: .relaxed)
    scanNumber.add(1, ordering: .relaxed)
    findNumber.add(1, ordering: .relaxed)
    indexNumber.add(1, ordering: .relaxed)
    moments?.end()
  }

  /// Reads the guest, by the spaces that need no search, beside the search for others.
  func startNaming() {
    namings.add(1, ordering: .acquiringAndReleasing)
    Task.detached(priority: .userInitiated) {
      self.readGuest()
      self.endNaming()
    }
  }

  /// Shows the names of spaces as soon as there are some, then what else the guest tells.
  private func readGuest() {
    let names = discovery.readGuest { _ in !self.isEnded.load(ordering: .relaxed) }
    guard let names else { return }
    let isNews = areNamesTold.withLock { areTold in
      defer { areTold = true }
      return !areTold
    }
    guard isNews else { return }
    if names.guest != nil { postFound() }
    // What all spaces have in common is read here, and not when a key asks for it.
    _ = names.kernelParts
    post(.guestRead(names))
    if names.guest != nil { post(.commandLinesRead(names.commandLines())) }
    // A machine goes on; what is said of this moment later needs its names.
    guard let moments else { return }
    names.readRegions(of: discovery.spaces.spaces)
    moments.prepareNext()
  }

  /// Shows the spaces.
  private func postFound() {
    areNamesTold.withLock { _ in
      post(.spacesFound(discovery.spaces, isComplete: discovery.isComplete))
    }
  }

  /// Whoever waits for names looks again.
  private func endNaming() {
    namings.subtract(1, ordering: .acquiringAndReleasing)
    post(.proceed)
  }

  private func scan(_ number: Int) {
    var reported = -1.0
    let isDone = discovery.scan { fraction in
      guard self.scanNumber.load(ordering: .relaxed) == number else { return false }
      if fraction - reported >= 0.01 {
        reported = fraction
        self.post(.scanProgress(fraction))
      }
      return true
    }
    guard isDone, scanNumber.load(ordering: .relaxed) == number else { return }
    namings.add(1, ordering: .acquiringAndReleasing)
    postFound()
    // What the search found may lead to the guest.
    readGuest()
    endNaming()
  }

  /// Shows all spaces by the names of their processes, for a program without a terminal: nobody watches.
  func showAtOnce() {
    _ = try? discovery.all()
    postFound()
    readGuest()
  }

  private func index(_ request: Int, _ spaces: [AddressSpace], _ census: SpaceCensus, _ number: Int) {
    var reported = -1.0
    let live = spaces.indices.filter(census.isOrdinary).map { spaces[$0] }
    let index = ExplorerIndex(
      spaces, census, memory: memory,
      kernelStart: { self.discovery.kernelStart(of: live, $0) }, names: discovery.names
    ) { fraction in
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
