import PageTables
import Synchronization

/// A way to the memory of a QEMU guest; the fastest first.
package enum MemoryWay: CaseIterable, Sendable {
  /// By QEMU's own process: its RAM files mapped, the rest read.
  case process
  /// By a file that QEMU writes for us.
  case savedFile
  /// By whatever the connection itself offers.
  case connection
}

/// The ways to the memory of a QEMU guest, and the fastest that works.
final class QemuReach: Sendable {
  /// Asks QEMU to write a range into a file.
  typealias Save = @Sendable (PhysicalRange, String) -> Bool

  /// How a guest can be asked.
  struct Means: Sendable {
    var monitor: any QemuMonitor
    /// The process that is probably QEMU.
    var peer: Int32?
    /// The ways that may be tried.
    var ways = MemoryWay.allCases
    /// Nil where QEMU cannot be asked for that.
    var save: Save?
    /// Memory by the connection itself, which always works, and its name.
    var connection: (name: String, memory: @Sendable (PhysicalRanges) -> any PhysicalMemory)
  }

  private let means: Means
  private let name: String
  private let state: Mutex<State>

  private struct State {
    var map: RamMap
    var memory: any PhysicalMemory
    var access: String
  }

  init(_ means: Means, name: String) throws(TargetError) {
    self.means = means
    self.name = name
    let map = try means.monitor.ramMap(name)
    let found = try Self.reach(map, means, name: name)
    state = Mutex(State(map: map, memory: found.memory, access: found.access))
  }

  var map: RamMap { state.withLock { $0.map } }

  var access: String { state.withLock { $0.access } }

  /// The memory by the map of RAM as it is now: firmware and video cards change it. The last one where QEMU does not
  /// answer any more.
  func memory() -> any PhysicalMemory {
    state.withLock { state in
      guard let map = try? means.monitor.ramMap(name), map != state.map,
        let found = try? Self.reach(map, means, name: name)
      else { return state.memory }
      state = State(map: map, memory: found.memory, access: found.access)
      return state.memory
    }
  }

  private static func reach(
    _ map: RamMap, _ means: Means, name: String
  ) throws(TargetError) -> (memory: any PhysicalMemory, access: String) {
    var parts: [PartedMemory.Part] = []
    var access: String?
    var rest = map.ranges
    if means.ways.contains(.process), let places = try means.monitor.hostPlaces(map),
      let found = try QemuProcesses.memory(places, means.monitor, name: name, peer: means.peer)
    {
      guard !found.forbidden.isEmpty else { return (PartedMemory(found.parts), found.access) }
      parts = found.parts
      access = found.access
      rest = PhysicalRanges(found.forbidden)
    }
    if means.ways.contains(.savedFile), let save = means.save, let first = rest.ranges.first,
      let folder = PrivateFolder(), folder.works(with: save, at: first.start)
    {
      let memory = TransferredMemory(rest, stretch: 1 << 20) { folder.bytes(of: $0, by: save) }
      parts.append(PartedMemory.Part(ranges: rest, memory: memory))
      return (PartedMemory(parts), access ?? "pmemsave")
    }
    parts.append(PartedMemory.Part(ranges: rest, memory: means.connection.memory(rest)))
    return (PartedMemory(parts), access ?? means.connection.name)
  }
}
