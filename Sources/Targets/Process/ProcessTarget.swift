import Glibc
import MemoryImages
import PageTables

/// A QEMU or KVM guest by the number of its process alone: it cannot be stopped, and its registers are not to be had.
final class ProcessTarget: Target {
  let name: String
  let kind = "QEMU by process"
  let access: String
  let memory: any PhysicalMemory
  let machine: Machine?
  var canStop: Bool { false }
  var vmcoreinfo: [UInt8]? { nil }
  private let process: Int32

  init(_ process: Int32, name: String) throws(TargetError) {
    self.name = name
    self.process = process
    guard let line = QemuCommandLine(process: process) else {
      throw errno == EACCES || errno == EPERM ? .processForbidden(name) : .noSuchProcess(name)
    }
    guard line.isQemu else {
      throw .notAGuest(name, program: line.program.isEmpty ? "a thread of the kernel" : line.program)
    }
    guard let maps = ProcessMaps(process: process) else {
      throw errno == EACCES || errno == EPERM ? .processForbidden(name) : .noSuchProcess(name)
    }
    let layout = GuestLayout(line)
    var places = try GuestBlocks.find(layout, maps, name: name)
    let found = try ProcessMemory(process: process, places: places, name: name)
    guard found.forbidden.isEmpty else { throw .processForbidden(name) }
    if layout.lowEnd != nil, let firmware = GuestBlocks.firmware(process: process, maps) {
      places.append(firmware)
    }
    let whole = try ProcessMemory(process: process, places: places, name: name)
    memory = PartedMemory(whole.parts)
    access = whole.access
    // A processor of 64 bits may run a kernel of 32: its tables will tell.
    machine =
      switch line.architecture {
      case "i386": .i386
      case "aarch64": .aarch64
      case "arm": .arm
      case "riscv32", "riscv64": .riscv
      default: nil
      }
  }

  /// Whether the process has not been stopped by a signal: whether the guest runs in it, only QEMU knows.
  func isRunning() throws(TargetError) -> Bool {
    guard let text = SystemFiles.text("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
      throw .wentAway(name)
    }
    let status = text[text.index(after: end)...].split(separator: " ").first
    guard status != "Z", status != "X" else { throw .wentAway(name) }
    return status != "T" && status != "t"
  }

  func stop() throws(TargetError) {
    throw .unsupported(name, feature: "cannot be stopped: that needs QMP or a gdbstub")
  }

  func resume() throws(TargetError) {}

  func registers() throws(TargetError) -> [CPUState] { [] }

  func waitUntilStopped(seconds: Double) throws(TargetError) -> Bool {
    throw .unsupported(name, feature: "does not tell when it stops: that needs QMP or a gdbstub")
  }

  func close() {}
}
