import PageTables
import Testing

@testable import Targets

/// The machine that the program plays, as a target.
@Suite struct SimulatedTargetTests {
  /// What one moment shows, taken as all moments are: stopped, and let go.
  private func moment(of target: SimulatedTarget) throws -> (spaces: [String], event: String?) {
    try target.stop()
    defer { try? target.resume() }
    return (target.spaces.map(\.name), target.lastEvent)
  }

  @Test func eachMomentShowsOneEvent() throws {
    let target = try SimulatedTarget()
    #expect(try moment(of: target).event == nil)
    #expect(try moment(of: target).event == "shell touches 4 pages of its heap")
    _ = try moment(of: target)
    let fork = try moment(of: target)
    #expect(fork.event == "shell forks" && fork.spaces.contains("child"))
  }

  @Test func aMachineThatAPersonStoppedStays() throws {
    let target = try SimulatedTarget()
    _ = try moment(of: target)
    try target.setRunning(false)
    #expect(try !target.isRunning())
    #expect(try moment(of: target).event != nil)
    #expect(try moment(of: target).event == nil)
    #expect(try !target.isRunning())
    try target.setRunning(true)
    _ = try moment(of: target)
    #expect(try moment(of: target).event == "shell protects its data")
    #expect(try target.isRunning())
  }

  @Test func itsProcessorRunsCodeOfASpace() throws {
    let target = try SimulatedTarget()
    for _ in 0..<12 {
      try target.stop()
      let cpu = try #require(try target.registers().first)
      let space = try #require(target.spaces.first { $0.root.value == cpu.cr3 })
      let page = space.translate(VirtualAddress(cpu.instructionPointer), in: target.memory).page
      #expect(page?.rights.contains(.userExecute) == true)
      try target.resume()
    }
  }

  @Test func itIsOpenedByItsName() throws {
    #expect(try Targets.open("demo-live") is SimulatedTarget)
  }
}
