import Glibc
import MemoryImages
import PageTables
import Synchronization

/// A machine that the program itself plays: whenever it is let run on, the next event of its story takes place, and it
/// waits. So each moment shows one event, however fast moments are taken.
package final class SimulatedTarget: Target {
  /// As typed.
  package static let sourceName = "demo-live"

  package let name = SimulatedTarget.sourceName
  package let kind = "simulated machine"
  package let access = "in the program"
  package let machine: Machine? = .x86_64
  package var canStop: Bool { true }
  package var vmcoreinfo: [UInt8]? { nil }
  private let state: Mutex<State>

  private struct State {
    var machine: ChangingMachine
    var isRunning = true
    /// Whether `stop` stopped it.
    var isHeld = false
    /// The event that the last moment shows; nil where nothing happened.
    var shown: String?
    /// Whether an event took place since then.
    var hasNews = false
    /// Why it cannot go on; nil while it can.
    var failure: SimulationError?
  }

  package init() throws(TargetError) {
    do throws(SimulationError) {
      state = Mutex(State(machine: try ChangingMachine()))
    } catch {
      throw .system(Self.sourceName, operation: "build the machine", reason: error.description)
    }
  }

  /// A moment of its own each time.
  package var memory: any PhysicalMemory { state.withLock { $0.machine.moment() } }
  package var spaces: [AddressSpace] { state.withLock { $0.machine.spaces } }
  package var lastEvent: String? { state.withLock { $0.shown } }

  package func isRunning() throws(TargetError) -> Bool { state.withLock { $0.isRunning } }

  package func stop() throws(TargetError) {
    try state.withLock { state throws(TargetError) in
      if let failure = state.failure {
        throw .system(name, operation: "go on", reason: failure.description)
      }
      state.isHeld = state.isRunning
      state.isRunning = false
      state.shown = state.hasNews ? state.machine.lastEvent : nil
      state.hasNews = false
    }
  }

  package func resume() throws(TargetError) {
    state.withLock { state in
      guard state.isHeld else { return }
      state.isHeld = false
      state.isRunning = true
      do throws(SimulationError) {
        try state.machine.advance()
        state.hasNews = true
      } catch {
        state.failure = error
      }
    }
  }

  package func setRunning(_ runs: Bool) throws(TargetError) { state.withLock { $0.isRunning = runs } }

  package func registers() throws(TargetError) -> [CPUState] {
    let processor = state.withLock { $0.machine.processor }
    // Paging and write protection are on, as are PAE, global pages, and long mode.
    var cpu = CPUState(
      cr0: 0x8001_0033, cr3: processor.root.value, cr4: 0xa0,
      instructionPointer: processor.instruction.value)
    cpu.extendedFeatures = 0xd01
    cpu.runs64BitCode = true
    cpu.general = [CPUState.Register(name: "rsp", value: processor.stack.value)]
    return [cpu]
  }

  /// Nothing but a person stops it.
  package func waitUntilStopped(seconds: Double) throws(TargetError) -> Bool {
    usleep(UInt32(max(0, min(seconds, 1)) * 1_000_000))
    return false
  }

  package func close() {}
}
