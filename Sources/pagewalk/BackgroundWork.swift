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
  private let isEnded = Atomic<Bool>(false)
  private let progress = Mutex(Progress())
  /// What the explorer shows: the source, and what was changed over it.
  private let memory: any PhysicalMemory

  /// What is known so far, of spaces and of the guest: whoever finds more shows both.
  private struct Progress {
    var found = FoundSpaces()
    var isComplete = false
    var guest: LinuxGuest?
    /// The roots that are shown, by their places: what comes later comes behind them.
    var shown: [PhysicalAddress: Int] = [:]
    /// Whether the guest was looked for by the spaces that need no search, in vain.
    var isMissed = false
  }

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
    case .readNames(let request, let search):
      Task.detached(priority: .userInitiated) { self.post(.namesRead(request: request, search.run())) }
    case .proceed: post(.proceed)
    case .openSource, .endScript, .copy, .exportScreen, .useTheme, .redraw, .suspend, .bell, .quit:
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
  }

  /// Reads the guest, by the spaces that need no search, beside the search for others.
  func startNaming(_ known: FoundSpaces) {
    progress.withLock {
      $0.found = known
      $0.isComplete = !known.canScan
    }
    guard search.mayHoldGuest || !capturedLines.isEmpty else { return }
    namings.add(1, ordering: .acquiringAndReleasing)
    Task.detached(priority: .userInitiated) {
      if self.search.mayHoldGuest { self.readGuest(known) } else { self.takeCapture() }
      self.endNaming()
    }
  }

  private var capturedLines: [String] { search.image.capture?.regionLines ?? [] }

  /// A capture has names of regions, and none of the memory that a guest would be read from.
  private func takeCapture() {
    if !capturedLines.isEmpty { post(.captureRead(CapturedRegions(lines: capturedLines))) }
  }

  private func readGuest(_ known: FoundSpaces) {
    if takeGuest(by: known) { return }
    // The spaces that the search found may lead to it; whoever of both ends later sees to that.
    let found = progress.withLock { progress in
      progress.isMissed = true
      return progress.isComplete && progress.found.spaces != known.spaces ? progress.found : nil
    }
    if let found { _ = takeGuest(by: found) }
  }

  /// Whether there is a guest; its names are shown at once, then what else it tells.
  private func takeGuest(by spaces: FoundSpaces) -> Bool {
    let guest = search.linuxGuest(spaces) { _ in !self.isEnded.load(ordering: .relaxed) }
    guard let guest else { return false }
    progress.withLock { progress in
      progress.guest = guest
      postFound(&progress)
    }
    postKnowledge(of: guest)
    return true
  }

  private func postKnowledge(of guest: LinuxGuest) {
    let knowledge = GuestKnowledge(guest)
    post(.guestRead(knowledge))
    post(.commandLinesRead(knowledge.commandLines()))
  }

  /// Shows the spaces, those that were shown before in the order that they had.
  private func postFound(_ progress: inout Progress) {
    var found = progress.found
    if let guest = progress.guest { found = search.named(found, by: guest) }
    let shown = progress.shown
    func rank(_ place: Int) -> (Int, Int, Int) {
      let space = found.spaces[place]
      return (space.isPossiblyStale ? 1 : 0, shown[space.space.root] ?? .max, place)
    }
    found.spaces = found.spaces.indices.sorted { rank($0) < rank($1) }.map { found.spaces[$0] }
    progress.shown = Dictionary(
      found.spaces.enumerated().map { ($1.space.root, $0) }, uniquingKeysWith: { first, _ in first })
    post(.spacesFound(found, isComplete: progress.isComplete))
  }

  /// Whoever waits for names looks again.
  private func endNaming() {
    namings.subtract(1, ordering: .acquiringAndReleasing)
    post(.proceed)
  }

  /// Does the same at once, for a program without a terminal.
  func perform(_ work: ExplorerWork, known: FoundSpaces) {
    switch work {
    case .scan:
      let guest = search.linuxGuest(known)
      let first = guest.map { search.named(known, by: $0) } ?? known
      showAtOnce(search.scan(known: first) { _ in true } ?? first, of: guest)
    case .cancelScan: post(.scanCancelled)
    case .findPhysical(let request, let space, let address):
      find(request, space, address, findNumber.load(ordering: .relaxed))
    case .index(let request, let spaces, let stale):
      index(request, spaces, stale, indexNumber.load(ordering: .relaxed))
    case .findSharers(let request, let search): post(.sharersFound(request: request, search.run()))
    case .readNames(let request, let search): post(.namesRead(request: request, search.run()))
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
    let isMissed = progress.withLock { progress in
      progress.found = found
      progress.isComplete = true
      postFound(&progress)
      return progress.isMissed && progress.guest == nil
    }
    if isMissed, found.spaces != known.spaces { _ = takeGuest(by: found) }
    endNaming()
  }

  /// Shows spaces by the names of their processes, for a program without a terminal: nobody watches.
  func showAtOnce(_ found: FoundSpaces, of known: LinuxGuest? = nil) {
    let guest = known ?? search.linuxGuest(found)
    post(.spacesFound(guest.map { search.named(found, by: $0) } ?? found, isComplete: true))
    if let guest { postKnowledge(of: guest) } else { takeCapture() }
  }

  private func index(_ request: Int, _ spaces: [AddressSpace], _ stale: Set<Int>, _ number: Int) {
    var reported = -1.0
    let isLinux = progress.withLock { $0.guest != nil }
    let live = spaces.indices.filter { !stale.contains($0) }.map { spaces[$0] }
    let index = ExplorerIndex(
      spaces, stale: stale, memory: memory,
      kernelStart: { self.search.kernelStart(of: live, $0, isLinux: isLinux) }
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
