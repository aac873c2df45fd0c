import Explorer
import Guests
import MemoryImages
import PageTables
import Synchronization
import Targets

/// A machine that runs, opened: it gives one moment after the other, and is left as it was found.
final class LiveMachine: Sendable {
  let target: any Target
  private let taker: Mutex<MomentTaker>

  init(_ target: any Target, _ options: SpaceSearchOptions) {
    self.target = target
    taker = Mutex(MomentTaker(options))
  }

  deinit { target.close() }

  /// Takes the next moment; of several threads, one after the other.
  ///
  /// - Parameter perform: runs each step of the search for spaces, to time it and to show its progress.
  func nextMoment(_ perform: @escaping SpaceDiscovery.Performer = { $1 { _ in true } }) throws -> GuestMoment
  {
    try taker.withLock { taker in
      var live = MemoryImage(
        memory: target.memory, format: "\(target.kind), \(target.access)", name: target.name,
        machine: target.machine, cpus: [], vmcoreinfo: target.vmcoreinfo)
      live.spaces = target.spaces
      live.warnings = target.warnings
      let isRunning = try target.isRunning() || !target.canStop
      let moment = try taker.next(of: live, isRunning: isRunning, perform: perform) { work in
        if target.canStop { try target.stop() }
        defer { if target.canStop { try? target.resume() } }
        try work(try target.registers())
      }
      guard let moment else { throw Failure("\(target.name): no moment could be taken") }
      return moment
    }
  }

  /// Prepares for the next moment, while nobody waits for one.
  func prepareNextMoment() { taker.withLock { $0.makeRoom() } }

  /// What the explorer tells of it.
  var source: LiveSource {
    // Of a process alone it is known that it runs, and not whether its guest does.
    LiveSource(
      access: target.access, canStop: target.canStop,
      isRunning: target.canStop ? try? target.isRunning() : nil, lastEvent: target.lastEvent)
  }
}
