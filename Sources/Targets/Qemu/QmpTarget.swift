import MemoryImages
import PageTables
import Synchronization

/// A QEMU or KVM guest by its QMP socket.
final class QmpTarget: Target {
  let name: String
  let kind = "QEMU by QMP"
  let machine: Machine?
  let vmcoreinfo: [UInt8]?
  var canStop: Bool { true }

  private let client: QmpClient
  private let reach: QemuReach
  private let own = Mutex(OwnStop())

  /// What we stopped, and must let go.
  private struct OwnStop {
    var isOurs = false
    var lastWords: LastWords?
  }

  /// - Parameter ways: the ways to the memory that may be tried, the fastest first.
  init(_ address: TargetAddress, name: String, ways: [MemoryWay]) throws(TargetError) {
    self.name = name
    client = try QmpClient(address, name: name)
    let save: QemuReach.Save = { [client] range, path in
      let arguments =
        "{\"val\":\(range.start.value),\"size\":\(range.length),\"filename\":\(JsonValue.quoted(path))}"
      return (try? client.execute("pmemsave", arguments)) != nil
    }
    reach = try QemuReach(
      QemuReach.Means(
        monitor: client, peer: client.peer, ways: ways, save: save,
        connection: (
          "xp",
          { [client] ranges in
            TransferredMemory(ranges, stretch: 16 << 10) { [client] in (try? client.examine($0)) ?? nil }
          }
        )), name: name)
    let notes = QemuNotes.take(client, map: reach.map, name: name)
    vmcoreinfo = notes?.vmcoreinfo
    if let machine = notes?.machine {
      self.machine = machine
    } else {
      machine = try QmpTarget.machine(client)
    }
  }

  var access: String { reach.access }

  var memory: any PhysicalMemory { reach.memory() }

  func isRunning() throws(TargetError) -> Bool { try status() == "running" }

  func stop() throws(TargetError) {
    try own.withLock { own throws(TargetError) in
      guard !own.isOurs, try status() == "running" else { return }
      own.lastWords = client.lastWords("{\"execute\":\"cont\"}")
      do throws(TargetError) {
        _ = try client.execute("stop", isQuiet: true)
        // A breakpoint may have come first.
        own.isOurs = try status() == "paused"
      } catch {
        own.lastWords?.takeBack()
        throw error
      }
      if !own.isOurs { own.lastWords?.takeBack() }
    }
  }

  func resume() throws(TargetError) {
    try own.withLock { own throws(TargetError) in
      guard own.isOurs else { return }
      // Somebody else may have let it run, and it may have stopped for another reason.
      if try status() == "paused" { _ = try client.execute("cont") }
      own.isOurs = false
      own.lastWords?.takeBack()
    }
  }

  func setRunning(_ runs: Bool) throws(TargetError) {
    try own.withLock { own throws(TargetError) in
      _ = try client.execute(runs ? "cont" : "stop", isQuiet: true)
      own.isOurs = false
      own.lastWords?.takeBack()
    }
  }

  func registers() throws(TargetError) -> [CPUState] {
    // The notes of a dump are exact, but make a running guest stand still.
    if try !isRunning(), let notes = QemuNotes.take(client, map: reach.map, name: name), !notes.cpus.isEmpty {
      return notes.cpus
    }
    return RegisterText.cpus(try client.monitor("info registers -a"), of: machine)
  }

  func waitUntilStopped(seconds: Double) throws(TargetError) -> Bool {
    try client.takeStop(Deadline(seconds: seconds))
  }

  func close() { try? resume() }

  deinit { close() }

  /// QEMU's word for what the guest does: "running", "paused", "debug", ..
  private func status() throws(TargetError) -> String {
    try client.execute("query-status")["status"]?.string ?? ""
  }

  /// As the ELF header of a dump would have it: a processor that does not run in long mode makes it one of 32 bits.
  private static func machine(_ client: QmpClient) throws(TargetError) -> Machine? {
    switch try client.execute("query-target")["arch"]?.string {
    case "i386": return .i386
    case "x86_64":
      let first = X86RegisterText.cpus(try client.monitor("info registers -a")).first
      return first?.isInLongMode == false ? .i386 : .x86_64
    case "aarch64": return .aarch64
    case "arm": return .arm
    case "riscv32", "riscv64": return .riscv
    default: return nil
    }
  }
}
