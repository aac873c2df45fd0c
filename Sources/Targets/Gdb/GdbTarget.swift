import MemoryImages
import PageTables
import Synchronization

/// A guest by QEMU's gdbstub. Each request stops it for a moment, but what reads its process or its RAM file.
final class GdbTarget: Target {
  let name: String
  let kind = "QEMU by gdbstub"
  let machine: Machine?
  let vmcoreinfo: [UInt8]?
  var canStop: Bool { true }

  private let client: GdbClient
  private let reach: QemuReach
  private let isOurs = Mutex(false)

  init(_ address: TargetAddress, name: String, ways: [MemoryWay]) throws(TargetError) {
    self.name = name
    let client = try GdbClient(address, name: name)
    self.client = client
    reach = try QemuReach(
      QemuReach.Means(
        monitor: client, peer: client.peer, ways: ways,
        connection: (
          "gdbstub",
          { ranges in
            TransferredMemory(ranges, stretch: 64 << 10) { range in (try? client.read(range)) ?? nil }
          }
        )), name: name)
    let notes = QemuNotes.take(client, map: reach.map, name: name)
    vmcoreinfo = notes?.vmcoreinfo
    if let known = notes?.machine {
      machine = known
    } else {
      machine = GdbTarget.machine(try client.architecture())
    }
    try client.runAsFound()
  }

  var access: String { reach.access }

  var memory: any PhysicalMemory { reach.memory() }

  func isRunning() throws(TargetError) -> Bool { try client.isRunning }

  func stop() throws(TargetError) {
    try isOurs.withLock { isOurs throws(TargetError) in
      if try client.stop() { isOurs = true }
    }
  }

  func resume() throws(TargetError) {
    try isOurs.withLock { isOurs throws(TargetError) in
      if isOurs { try client.runAsFound() }
      isOurs = false
    }
  }

  func setRunning(_ runs: Bool) throws(TargetError) {
    try isOurs.withLock { isOurs throws(TargetError) in
      if runs { try client.run() } else { try client.stopForGood() }
      isOurs = false
    }
  }

  func registers() throws(TargetError) -> [CPUState] {
    if let notes = QemuNotes.take(client, map: reach.map, name: name), !notes.cpus.isEmpty {
      return notes.cpus
    }
    let cpus = RegisterText.cpus(try client.monitor("info registers -a"), of: machine)
    // What QEMU's monitor leaves out.
    guard machine == .aarch64 else { return cpus }
    let names = ["TTBR0_EL1", "TTBR1_EL1", "TCR_EL1", "MAIR_EL1"]
    let values = try client.registers(names, processors: cpus.count)
    return zip(cpus, values).map { cpu, values in
      let translation = zip(names, values).compactMap { name, value in
        value.map { CPUState.Register(name: name.lowercased(), value: $0) }
      }
      return CPUState(
        translation: translation, instructionPointer: cpu.instructionPointer, general: cpu.general)
    }
  }

  func waitUntilStopped(seconds: Double) throws(TargetError) -> Bool {
    try client.takeStop(Deadline(seconds: seconds))
  }

  func close() { client.close() }

  /// The machine that gdb calls so.
  private static func machine(_ architecture: String?) -> Machine? {
    guard let architecture else { return nil }
    let known: [(prefix: String, machine: Machine)] = [
      ("i386:x86-64", .x86_64), ("i386", .i386), ("aarch64", .aarch64), ("arm", .arm), ("riscv", .riscv),
    ]
    return known.first { architecture.hasPrefix($0.prefix) }?.machine
  }
}
