import MemoryImages
import PageTables

/// What a machine was like at one moment: its memory, and the spaces and names in it.
package struct GuestMoment: Sendable {
  /// The memory of the moment, with the registers that the CPUs had.
  package let image: MemoryImage
  /// The same memory.
  package let memory: HeldMoment
  /// Finds the spaces of the moment; all that it needs was read while the machine stood still, where it could.
  package let discovery: SpaceDiscovery
  /// What has to be copied at the next moment: tables, and what leads to the processes. Ascending.
  fileprivate(set) var frames: [Frame]
}

/// Takes one moment of a machine after the other.
package struct MomentTaker: Sendable {
  private let options: SpaceSearchOptions
  /// The last moment that was taken.
  package private(set) var last: GuestMoment?
  /// Room for the pages of the next moment, where `makeRoom` was called.
  private var room: HeldMoment.Room?

  package init(_ options: SpaceSearchOptions) {
    self.options = options
  }

  /// Takes the next moment; the one before is over then.
  ///
  /// What is known of the machine is read while it runs, where this is the first moment; then, while it stands still,
  /// the tables that are known are copied, and what they lead to, with the names of the kernel's parts and of processes that
  /// are new. Those of the others, of which most was copied, too, are read afterwards.
  ///
  /// - Parameters:
  ///   - isRunning: whether the machine runs; in one that stands still nothing need be done beforehand.
  ///   - live: the machine's memory now.
  ///   - perform: runs each step of the search for spaces, to time it and to show its progress.
  ///   - standing: has the work done while the machine stands still; gives the registers to it.
  package mutating func next<Failure: Error>(
    of live: MemoryImage, isRunning: Bool, perform: @escaping SpaceDiscovery.Performer = { $1 { _ in true } },
    standing: (_ work: ([CPUState]) throws(SpaceSearchError) -> Void) throws(Failure) -> Void
  ) throws(Failure) -> GuestMoment? {
    var known = last
    if known == nil, isRunning {
      var room = HeldMoment.room(for: [])
      known = try? taken(live, after: nil, room: &room, perform)
      known?.readNames(of: known?.users ?? [])
    }
    var room = room.take() ?? HeldMoment.room(for: known?.frames ?? [])
    var moment: GuestMoment?
    // What was read while it ran may be half of one thing and half of another: at first, nothing counts as known.
    let named = last
    try standing { registers throws(SpaceSearchError) in
      var image = live
      image.cpus = registers
      moment = try taken(image, after: known, room: &room, perform)
      moment?.readNames(of: moment?.users(after: named).new ?? [])
    }
    guard let moment else { return nil }
    moment.readNames(of: moment.users(after: named).old)
    last?.memory.end()
    last = moment
    last?.frames = moment.memory.frames
    return last
  }

  /// Makes room for the pages of the next moment, while nobody waits: memory that is written for the first time costs more than
  /// all else about a moment.
  package mutating func makeRoom() {
    guard room == nil, let last else { return }
    room = HeldMoment.room(for: last.frames)
  }

  private func taken(
    _ live: MemoryImage, after earlier: GuestMoment?, room: inout HeldMoment.Room,
    _ perform: SpaceDiscovery.Performer
  ) throws(SpaceSearchError) -> GuestMoment {
    let memory = HeldMoment(of: live.memory)
    memory.hold(earlier?.frames ?? [], in: &room)
    var image = live
    image.memory = memory
    let search = SpaceSearch(image, options)
    let discovery = earlier.map { SpaceDiscovery(search, after: $0.discovery) } ?? SpaceDiscovery(search)
    let found = try discovery.all(perform)
    found.spaces.map(\.space).readTables(in: memory)
    return GuestMoment(image: image, memory: memory, discovery: discovery, frames: memory.frames)
  }
}

extension GuestMoment {
  /// The most processes whose regions and command lines are read at once: a tenth of a millisecond each. The rest is read
  /// when it is asked for.
  private static let namedAtOnce = 64

  /// The spaces of processes.
  fileprivate var users: [FoundSpace] {
    discovery.spaces.spaces.filter { !$0.processes.isEmpty && !$0.isPossiblyStale }
  }

  /// The same, those apart that were not there before.
  fileprivate func users(after earlier: GuestMoment?) -> (new: [FoundSpace], old: [FoundSpace]) {
    let known = Set(earlier?.discovery.spaces.spaces.map(\.space.root) ?? [])
    let users = users
    return (
      users.filter { !known.contains($0.space.root) }, users.filter { known.contains($0.space.root) }
    )
  }

  /// Reads what names the addresses of spaces.
  fileprivate func readNames(of spaces: [FoundSpace]) {
    guard let names = discovery.names else { return }
    // All spaces have these; they change with each process that comes or goes.
    _ = names.kernelParts
    for found in spaces.prefix(Self.namedAtOnce) {
      _ = names.region(at: VirtualAddress(0), in: found)
      if let guest = names.guest, let task = guest.owner(of: found) { _ = guest.arguments(of: task) }
    }
  }
}
