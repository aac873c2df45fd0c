import Explorer
import Glibc
import Guests
import PageTables
import Synchronization

/// What the explorer wants of a machine that runs: done on threads of its own, answered with events.
final class MomentWork: Sendable {
  private let machine: LiveMachine
  private let post: @Sendable (ExplorerEvent) -> Void
  /// The number of the last request to watch, and to follow: what runs for an older one ends.
  private let watchNumber = Atomic<Int>(0)
  private let followNumber = Atomic<Int>(0)
  /// The last moment that was taken, for what works with it from then on.
  private let last = Mutex<SpaceDiscovery?>(nil)

  /// `post` may be called from any thread.
  init(_ machine: LiveMachine, post: @escaping @Sendable (ExplorerEvent) -> Void) {
    self.machine = machine
    self.post = post
  }

  /// The spaces and names of the last moment that was taken; nil once it was asked for, and before there is one.
  func takeDiscovery() -> SpaceDiscovery? {
    last.withLock { last in
      defer { last = nil }
      return last
    }
  }

  /// Prepares for the next moment, while nobody waits for one.
  func prepareNext() { machine.prepareNextMoment() }

  /// Starts what is about the machine; of other work the answer is false.
  func start(_ work: ExplorerWork) -> Bool {
    take(work) { job in Task.detached(priority: .userInitiated) { job() } }
  }

  /// Does the same at once, for a program without a terminal; what goes on and on is left out.
  func perform(_ work: ExplorerWork) {
    switch work {
    case .watch, .followStops: break
    default: _ = take(work) { $0() }
    }
  }

  private func take(_ work: ExplorerWork, _ run: (@escaping @Sendable () -> Void) -> Void) -> Bool {
    switch work {
    case .takeMoment(let request, let base): run { self.takeMoment(request, base) }
    case .setRunning(let isRunning): run { self.setRunning(isRunning) }
    case .watch(let seconds):
      let number = watchNumber.add(1, ordering: .relaxed).newValue
      if let seconds { watch(every: seconds, number) }
    case .followStops(let isOn):
      let number = followNumber.add(1, ordering: .relaxed).newValue
      if isOn { run { self.follow(number) } }
    default: return false
    }
    return true
  }

  /// Ends all that goes on.
  func end() {
    watchNumber.add(1, ordering: .relaxed)
    followNumber.add(1, ordering: .relaxed)
  }

  private func takeMoment(_ request: Int, _ base: KeptMoment) {
    do {
      let moment = try machine.nextMoment()
      let spaces = moment.discovery.spaces
      let names = moment.discovery.names
      let live = spaces.spaces.filter { !$0.isPossiblyStale && !$0.isUnowned }.map(\.space)
      // What all spaces have in common is read here, and not when a key asks for it.
      _ = names?.kernelParts
      let now = KeptMoment(name: "", memory: moment.memory, spaces: spaces.spaces, names: names)
      let (changes, index) = alongside {
        MomentChanges(from: base, to: now)
      } work: {
        ExplorerIndex(
          spaces.spaces.map(\.space), SpaceCensus(spaces.spaces), memory: moment.memory,
          kernelStart: { moment.discovery.kernelStart(of: live, $0) }, names: names)
      }
      last.withLock { $0 = moment.discovery }
      post(
        .momentTaken(
          request: request,
          TakenMoment(
            memory: moment.memory, spaces: spaces, names: names, commandLines: names?.commandLines() ?? [:],
            registers: Registers(moment.image.cpus), index: index, changes: changes, source: machine.source)))
      // What is said of this moment later needs its names.
      names?.readRegions(of: spaces.spaces)
      prepareNext()
    } catch {
      post(.momentFailed(request: request, "\(error); the last moment stays"))
    }
  }

  private func setRunning(_ isRunning: Bool) {
    do {
      try machine.target.setRunning(isRunning)
      post(.liveSource(machine.source))
      post(.notice(isRunning ? "the machine runs" : "the machine is stopped"))
    } catch { post(.failure("\(error)")) }
  }

  private func watch(every seconds: Double, _ number: Int) {
    Task.detached(priority: .utility) { [weak self] in
      while let self, self.watchNumber.load(ordering: .relaxed) == number {
        self.post(.momentDue)
        try? await Task.sleep(for: .seconds(seconds))
      }
    }
  }

  private func follow(_ number: Int) {
    while followNumber.load(ordering: .relaxed) == number {
      do {
        guard try machine.target.waitUntilStopped(seconds: 0.2) else { continue }
        // A debugger stops a guest on its way, too, as to step over a breakpoint: one that runs again is let alone.
        usleep(60_000)
        guard followNumber.load(ordering: .relaxed) == number else { return }
        if try !machine.target.isRunning() { post(.momentDue) }
      } catch {
        post(.failure("\(error)"))
        return
      }
    }
  }
}
