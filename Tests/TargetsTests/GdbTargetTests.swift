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

  /// QEMU's monitor shows no system registers of AArch64; its gdbstub describes and reads them.
  @Test func anAArch64ProcessorHasItsRoots() throws {
    let qemu = FakeQemu()
    qemu.update {
      $0.registers = RegisterTexts.aarch64
      $0.description = [
        "target.xml":
          "<target><architecture>aarch64</architecture><xi:include href=\"core.xml\"/><xi:include href=\"system.xml\"/></target>",
        "core.xml": (0..<31).map { "<reg name=\"x\($0)\" bitsize=\"64\"/>" }.joined(),
        "system.xml":
          "<reg name=\"TCR_EL1\" bitsize=\"64\" regnum=\"100\"/><reg name=\"TTBR0_EL1\" bitsize=\"64\" regnum=\"120\"/><reg name=\"TTBR1_EL1\" bitsize=\"64\" regnum=\"121\"/><reg name=\"MAIR_EL1\" bitsize=\"64\" regnum=\"130\"/>",
      ]
      $0.values = [
        1: [
          100: "103550b5f5015001", 120: "01d0094800000000", 121: "01f0584100000400", 130: "ffff440004000000",
        ],
        2: [100: "103550b5f5015001", 120: "01c00a4800000000"],
      ]
    }
    let server = qemu.gdbServer()
    defer { server.end() }
    let target = try open(server)
    defer { target.close() }
    #expect(target.machine == .aarch64)
    let cpus = try target.registers()
    #expect(cpus.map(\.instructionPointer) == [0xffff_c81a_143a_f4fc, 0x6000_2d58])
    #expect(
      cpus[0].translation == [
        CPUState.Register(name: "ttbr0_el1", value: 0x4809_d001),
        CPUState.Register(name: "ttbr1_el1", value: 0x4_0000_4158_f001),
        CPUState.Register(name: "tcr_el1", value: 0x0150_01f5_b550_3510),
        CPUState.Register(name: "mair_el1", value: 0x0000_0004_0044_ffff),
      ])
    // What a stub does not tell is missing.
    #expect(cpus[1].translation.map(\.name) == ["ttbr0_el1", "tcr_el1"])
    #expect(qemu.runsSoon())
    // The description is read once.
    let described = qemu.log.count { $0.hasPrefix("qXfer:features:read:system.xml") }
    _ = try target.registers()
    #expect(qemu.log.count { $0.hasPrefix("qXfer:features:read:system.xml") } == described)
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
