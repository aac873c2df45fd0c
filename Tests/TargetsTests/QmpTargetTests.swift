import MemoryImages
import PageTables
import Testing

@testable import Targets

@Suite struct QmpTargetTests {
  private func open(_ server: FakeServer) throws -> any Target {
    try #require(try Targets.open("qmp:" + server.path))
  }

  @Test func aRISCVProcessorsRegistersAreRead() throws {
    let qemu = FakeQemu()
    qemu.update { ($0.architecture, $0.registers) = ("riscv64", RegisterTexts.riscv) }
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try #require(try Targets.open("qmp:" + server.path))
    #expect(target.machine == .riscv)
    try target.stop()
    #expect(try target.registers().map(\.rootRegisters) == [[0xa001_8000_0008_3226]])
    target.close()
  }

  @Test func memoryIsReadByTheMonitorWhereNothingElseWorks() throws {
    let qemu = FakeQemu()
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    #expect(target.access == "xp")
    #expect(target.machine == .x86_64)
    #expect(target.memory.extent.readable == ranges((0, 0x10000), (0x100000, 0x10000)))
    expectMemoryOfFakeQemu(target.memory)
    #expect(try target.registers().first?.cr3 == 0x299a000)
    let image = try target.image()
    #expect(image.format == "QEMU by QMP, xp")
    #expect(image.cpus.count == 1)
  }

  @Test func noAddressOutsideRamIsEverRead() throws {
    let qemu = FakeQemu()
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    expectNothingOutsideRam(target.memory, qemu)
  }

  @Test func whatWeStoppedRunsOn() throws {
    let qemu = FakeQemu()
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    #expect(try target.isRunning())
    try target.stop()
    #expect(!qemu.isRunning)
    try target.stop()
    try target.resume()
    #expect(qemu.isRunning)
    try target.stop()
    target.close()
    #expect(qemu.isRunning)
  }

  @Test func whatTheUserStoppedStaysStopped() throws {
    let qemu = FakeQemu()
    qemu.update { $0.isRunning = false }
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    try target.stop()
    try target.resume()
    target.close()
    #expect(!qemu.isRunning)
    #expect(!qemu.log.contains("cont"))
  }

  @Test func whatABreakpointStoppedMeanwhileStaysStopped() throws {
    let qemu = FakeQemu()
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    try target.stop()
    qemu.update { $0.reason = "debug" }
    try target.resume()
    #expect(!qemu.log.contains("cont"))
  }

  @Test func stopsByOthersAreWaitedForAndOwnOnesAreNot() throws {
    let qemu = FakeQemu()
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    try target.stop()
    try target.resume()
    #expect(try !target.waitUntilStopped(seconds: 0.05))
    qemu.update { $0.events = "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1}}\r\n" }
    _ = try target.isRunning()
    #expect(try target.waitUntilStopped(seconds: 1))
    #expect(try !target.waitUntilStopped(seconds: 0.05))
  }

  @Test func theMapIsTheOneOfNow() throws {
    let qemu = FakeQemu()
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    qemu.update { $0.mtree = $0.mtree.replacing("000000000010ffff", with: "0000000000107fff") }
    #expect(target.memory.extent.readable == ranges((0, 0x10000), (0x100000, 0x8000)))
  }

  @Test func aSecondClientIsToldWithinTwoSeconds() throws {
    let server = FakeQemu().qmpServer()
    defer { server.end() }
    let first = try open(server)
    let start = ContinuousClock.now
    #expect(throws: TargetError.busy("qmp:" + server.path, server: "this QMP socket")) { try open(server) }
    #expect(ContinuousClock.now - start < .seconds(2))
    first.close()
  }

  @Test func aTargetThatGoesAwayIsAnErrorAndNotAHang() throws {
    let qemu = FakeQemu()
    let server = qemu.qmpServer()
    defer { server.end() }
    let target = try open(server)
    qemu.update { $0.endsAt = "human-monitor-command" }
    let memory = target.memory
    #expect(throws: MissingPage.notInDump) { try memory.withPage(at: PhysicalAddress(0)) { _ in } }
    #expect(throws: TargetError.wentAway(target.name)) { try target.isRunning() }
    #expect(throws: TargetError.wentAway(target.name)) { try target.waitUntilStopped(seconds: 5) }
  }

  @Test func aMachineWithoutRamIsAnError() throws {
    let qemu = FakeQemu()
    qemu.update { $0.mtree = "unknown command\n" }
    let server = qemu.qmpServer()
    defer { server.end() }
    #expect(throws: TargetError.self) { try open(server) }
  }

  @Test func whatIsNoQmpIsSaid() {
    let server = FakeServer(greeting: { Array("SSH-2.0\r\n".utf8) }) { _ in [] }
    defer { server.end() }
    #expect(throws: TargetError.notSpoken("qmp:" + server.path, language: "QMP")) { try open(server) }
  }

  @Test func namesThatLeadNowhereAreErrors() {
    #expect(throws: TargetError.noSuchSocket("qmp:/nowhere/at/all")) {
      try Targets.open("qmp:/nowhere/at/all")
    }
    #expect(throws: TargetError.refused("qmp:127.0.0.1:1")) { try Targets.open("qmp:127.0.0.1:1") }
    for name in ["qmp:", "qmp:host", "qmp:host:0", "qmp:host:99999", "gdb:x", "qmp:a:b:1", "pid:x", "pid:-1"]
    {
      #expect(throws: TargetError.self) { try Targets.open(name) }
    }
  }
}

func expectMemoryOfFakeQemu(_ memory: any PhysicalMemory) {
  for start: UInt64 in [0, 0xf000, 0x100000, 0x10f000] {
    let page = try? memory.withPage(at: PhysicalAddress(start + 8)) { page in
      (0..<page.byteCount).map { page.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }
    #expect(page == (start..<start + 4096).map(FakeQemu.byte), "at \(start)")
  }
}

func expectNothingOutsideRam(_ memory: any PhysicalMemory, _ qemu: FakeQemu) {
  var pages: [UInt64] = []
  memory.forEachPage(in: PhysicalRange(PhysicalAddress(0), PhysicalAddress(.max))) { address, page in
    pages.append(address.value)
    #expect(page.unsafeLoad(fromByteOffset: 9, as: UInt8.self) == FakeQemu.byte(address.value + 9))
  }
  #expect(
    pages == Array(stride(from: 0, to: 0x10000, by: 4096))
      + Array(stride(from: 0x100000, to: 0x110000, by: 4096)))
  for address: UInt64 in [0x10000, 0xff000, 0x110000, .max] {
    #expect(throws: MissingPage.outsidePhysicalMemory) {
      try memory.withPage(at: PhysicalAddress(address)) { _ in }
    }
  }
  let touched = qemu.state.withLock { $0.touched }
  #expect(!touched.isEmpty)
  #expect(touched.allSatisfy { $0 < 0x10000 || (0x100000..<0x110000).contains($0) })
}
