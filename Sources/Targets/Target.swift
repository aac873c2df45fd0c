import MemoryImages
import PageTables

/// Access to the memory of something that runs.
///
/// It may be used from several threads; requests are served one after the other.
package protocol Target: AnyObject, Sendable {
  /// As typed: "qmp:/run/x".
  var name: String { get }
  /// What it is: "QEMU by QMP".
  var kind: String { get }
  /// How its memory is reached: "RAM file mapped", "process memory", "pmemsave", "xp", "gdbstub", "kcore".
  var access: String { get }
  /// Its memory now: two reads of one page may differ while the target runs. The extent is its map of RAM; nothing
  /// else is ever read. A page that cannot be read any more is missing.
  var memory: any PhysicalMemory { get }
  /// Its processors, as far as known.
  var machine: Machine? { get }
  /// Whether it can be stopped, so that a moment is consistent.
  var canStop: Bool { get }
  /// The kernel's VMCOREINFO text; nil where it is not to be had without a search.
  var vmcoreinfo: [UInt8]? { get }
  /// The spaces of a machine that the program itself plays; empty for everything else.
  var spaces: [AddressSpace] { get }
  /// What of it cannot be had, a line each.
  var warnings: [String] { get }
  /// What happened before the last stop, in a few words, where the target knows.
  var lastEvent: String? { get }

  func isRunning() throws(TargetError) -> Bool
  /// Stops it. Where it stands already, nothing happens, and `resume` does nothing, either.
  func stop() throws(TargetError)
  /// Lets it run if `stop` stopped it.
  func resume() throws(TargetError)
  /// Lets it run, or stops it, because a person said so: it is left so.
  func setRunning(_ runs: Bool) throws(TargetError)
  /// The CPUs' registers, as a dump at this moment would have them; empty where they are not to be had.
  func registers() throws(TargetError) -> [CPUState]
  /// Waits until somebody else stops it (a breakpoint, a step); false when `seconds` passed before that. Stops that were
  /// not yet waited for count.
  func waitUntilStopped(seconds: Double) throws(TargetError) -> Bool
  /// Leaves it as it was found. Nothing can be asked afterwards.
  func close()
}

extension Target {
  package var spaces: [AddressSpace] { [] }
  package var warnings: [String] { [] }
  package var lastEvent: String? { nil }

  /// One that cannot be stopped cannot be let run, either.
  package func setRunning(_ runs: Bool) throws(TargetError) {
    throw .unsupported(name, feature: "cannot be stopped or let run: that needs QMP or a gdbstub")
  }

  /// The target as an image whose memory goes on changing while the target runs.
  package func image() throws(TargetError) -> MemoryImage {
    MemoryImage(
      memory: memory, format: "\(kind), \(access)", name: name, machine: machine, cpus: try registers(),
      vmcoreinfo: vmcoreinfo)
  }
}
