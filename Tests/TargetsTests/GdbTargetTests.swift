import Glibc
import MemoryImages
import PageTables
import Testing

@testable import Targets

@Suite struct GdbTargetTests {
  private func open(_ server: FakeServer) throws -> any Target {
    try #require(try Targets.open("gdb:" + server.path))
  }

  @Test func memoryIsReadByTheStub() throws {
    let qemu = FakeQemu()
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    #expect(target.access == "gdbstub")
    #expect(target.machine == .x86_64)
    try target.stop()
    expectMemoryOfFakeQemu(target.memory)
    expectNothingOutsideRam(target.memory, qemu)
    #expect(try target.registers().first?.cr3 == 0x299a000)
    target.close()
  }

  @Test func aGuestThatRanRunsOnAfterEachRequest() throws {
    let qemu = FakeQemu()
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    #expect(try target.isRunning())
    #expect(qemu.runsSoon())
    expectMemoryOfFakeQemu(target.memory)
    #expect(qemu.runsSoon())
    try target.stop()
    #expect(!qemu.isRunning)
    try target.resume()
    #expect(qemu.runsSoon())
    #expect(try !target.waitUntilStopped(seconds: 0.05))
  }

  @Test func theStubIsSetBackAndTheGuestLetGo() throws {
    let qemu = FakeQemu()
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    try target.stop()
    expectMemoryOfFakeQemu(target.memory)
    #expect(qemu.state.withLock { $0.isPhysical })
    target.close()
    #expect(!qemu.state.withLock { $0.isPhysical })
    #expect(qemu.log.suffix(2) == ["Qqemu.PhyMemMode:0", "D;1"])
    #expect(qemu.isRunning)
  }

  @Test func aGuestThatStoodIsNotDetachedFrom() throws {
    let qemu = FakeQemu()
    qemu.update { $0.isRunning = false }
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    #expect(try !target.isRunning())
    try target.stop()
    try target.resume()
    target.close()
    #expect(qemu.log.last == "Qqemu.PhyMemMode:0")
    #expect(!qemu.log.contains { $0.hasPrefix("D") || $0 == "c" })
    #expect(!qemu.isRunning)
  }

  @Test func aGuestThatSomebodyElseLetGoIsReadAndRunsOn() throws {
    let qemu = FakeQemu()
    qemu.update { $0.isRunning = false }
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    // By a monitor: no stub tells its client.
    qemu.update { $0.isRunning = true }
    #expect(try target.isRunning())
    #expect(qemu.runsSoon())
    target.close()
    #expect(qemu.runsSoon())
  }

  @Test func whatSomebodyElseLetGoIsStoppedForAMoment() throws {
    let qemu = FakeQemu()
    qemu.update { $0.isRunning = false }
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    qemu.update { $0.isRunning = true }
    try target.stop()
    #expect(!qemu.isRunning)
    expectMemoryOfFakeQemu(target.memory)
    #expect(!qemu.isRunning)
    try target.resume()
    #expect(qemu.runsSoon())
    qemu.update { $0.isRunning = false }
    target.close()
  }

  @Test func whatAPersonStoppedStaysStopped() throws {
    let qemu = FakeQemu()
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    try target.setRunning(false)
    target.close()
    #expect(!qemu.isRunning)
    #expect(qemu.log.last == "Qqemu.PhyMemMode:0")
  }

  @Test(arguments: [("paused", true), ("prelaunch", false), ("debug", false)])
  func newerVersionsAreAskedForTheState(_ reason: String, _ runsAfterwards: Bool) throws {
    let qemu = FakeQemu()
    qemu.update {
      $0.version = "9.1.0"
      $0.isRunning = false
      $0.reason = reason
    }
    let server = qemu.gdbServer()
    defer { server.end() }
    try open(server).close()
    #expect(qemu.isRunning == runsAfterwards)
  }

  @Test func aSecondClientIsToldWithinTwoSeconds() throws {
    let server = FakeQemu().gdbServer()
    defer { server.end() }
    let first = try open(server)
    let start = ContinuousClock.now
    #expect(throws: TargetError.busy("gdb:" + server.path, server: "this gdbstub")) { try open(server) }
    #expect(ContinuousClock.now - start < .seconds(2))
    first.close()
  }

  @Test func aClientThatWasNotServedStopsNoGuestAfterwards() throws {
    let qemu = FakeQemu()
    let server = qemu.gdbServer()
    defer { server.end() }
    let first = try open(server)
    #expect(throws: TargetError.self) { try open(server) }
    let packets = qemu.log.count
    first.close()
    // The second session begins now, and has what was left for it: the first's farewell has two packets, and so has this.
    for _ in 0..<100 where qemu.log.count < packets + 4 { usleep(20_000) }
    #expect(qemu.log.suffix(2) == ["Qqemu.PhyMemMode:0", "D;1"])
    #expect(qemu.runsSoon())
  }

  @Test func aTargetThatGoesAwayIsAnErrorAndNotAHang() throws {
    let qemu = FakeQemu()
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    try target.stop()
    let memory = target.memory
    qemu.update { $0.endsAt = "Qqemu.PhyMemMode:1" }
    #expect(throws: MissingPage.notInDump) { try memory.withPage(at: PhysicalAddress(0)) { _ in } }
    #expect(throws: TargetError.wentAway(target.name)) { try target.isRunning() }
    target.close()
  }
}
