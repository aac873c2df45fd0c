import Guests
import PageTables

/// What the program says of a source that changes while it is shown.
package struct LiveSource: Equatable, Sendable {
  /// How its memory is reached, in a few words.
  package let access: String
  /// Whether it can be stopped; where it cannot, a moment may be torn.
  package let canStop: Bool
  /// Whether it runs; nil where that is not known.
  package var isRunning: Bool?
  /// What happened before the moment that is shown, where the source knows.
  package let lastEvent: String?

  package init(access: String, canStop: Bool, isRunning: Bool?, lastEvent: String? = nil) {
    self.access = access
    self.canStop = canStop
    self.isRunning = isRunning
    self.lastEvent = lastEvent
  }
}

/// A moment that others are compared with.
package struct KeptMoment: Equatable, Sendable {
  /// As the person called it, or which one it was.
  package let name: String
  let memory: any PhysicalMemory
  let spaces: [FoundSpace]
  let names: GuestNames?

  /// A moment of a machine; `memory` must not change any more.
  package init(name: String, memory: any PhysicalMemory, spaces: [FoundSpace], names: GuestNames?) {
    self.name = name
    self.memory = memory
    self.spaces = spaces
    self.names = names
  }

  /// Whether both have the same name and spaces: their memories cannot be told apart without reading them.
  package static func == (left: KeptMoment, right: KeptMoment) -> Bool {
    left.name == right.name && left.spaces == right.spaces
  }
}

/// A moment that was taken, with all that is shown of it, made in the background.
package struct TakenMoment: Sendable {
  let memory: any PhysicalMemory
  let spaces: FoundSpaces
  let names: GuestNames?
  let commandLines: [Int: String]
  let registers: Registers
  let index: ExplorerIndex?
  let changes: MomentChanges?
  let source: LiveSource

  package init(
    memory: any PhysicalMemory, spaces: FoundSpaces, names: GuestNames?, commandLines: [Int: String],
    registers: Registers, index: ExplorerIndex?, changes: MomentChanges?, source: LiveSource
  ) {
    self.memory = memory
    self.spaces = spaces
    self.names = names
    self.commandLines = commandLines
    self.registers = registers
    self.index = index
    self.changes = changes
    self.source = source
  }
}

/// What is known of a source that changes, and what was asked of it.
struct LiveState: Sendable {
  /// Nil for a dump.
  var source: LiveSource?
  /// How many moments were taken, this one included.
  var moment = 1
  /// The number of the moment that is being taken.
  var awaited: Int?
  /// Whether that is one of those that are taken again and again.
  var isAwaitedBySchedule = false
  var number = 0
  /// The number of the comparison that is being made.
  var awaitedChanges: Int?
  /// Where to begin once there are spaces: a machine that has just been started has none.
  var beginning: (space: String?, address: String?)?
  /// Seconds between two moments, where they are taken again and again.
  var watch: Double?
  /// How many moments in a row, of those that nobody asked for one by one, brought nothing since this one.
  var quietMoments = 0
  /// Whether the person stopped it, and has not let it run again.
  var isLeftStopped = false
  /// Whether a moment is taken whenever the target stops.
  var isFollowing = false
  /// The moment that this one is compared with; nil for the first.
  var before: KeptMoment?
  /// What changed since then.
  var changes: MomentChanges?
  /// Moments by the names that the person gave them.
  var kept: [String: KeptMoment] = [:]
  /// The one of them that is compared with; nil for the one before.
  var base: String?
}
