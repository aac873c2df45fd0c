import PageTables
import TestSupport
import Testing

@testable import Guests

/// Processes that are easily overlooked.
@Suite struct LinuxProcessTests {
  private static let signal = LinuxMemory.directMap + 0x700_0000
  private static let thread = LinuxSystem.task(40)

  /// `prctl(PR_SET_NAME, "")`: the kernel takes it, and ends the old name in its first byte.
  private func unnamed(_ index: Int, of system: LinuxSystem) -> LinuxSystem {
    var system = system
    system.memory.put([0], at: LinuxSystem.task(index) + 0x80)
    return system
  }

  @Test func aProcessMayCallItselfNothing() throws {
    let tasks = try #require(unnamed(3, of: .usual).guest?.tasks)
    let shell = try #require(tasks[17])
    #expect(shell.name == "" && shell.root?.value == LinuxSystem.root(3))
    #expect(tasks.missingInList.isEmpty && tasks.missingInTree.isEmpty)
  }

  @Test func withoutTypesAProcessMayCallItselfNothing() throws {
    var system = unnamed(3, of: .usual)
    system.memory.put([UInt8](repeating: 0xff, count: 8192), at: LinuxSystem.types)
    let tasks = try #require(system.guest?.tasks)
    #expect(tasks.isInferred && tasks[17]?.name == "" && tasks[17]?.root?.value == LinuxSystem.root(3))
  }

  @Test func aSpaceWithoutAProcesssNameIsCalledByItsCommand() throws {
    var system = unnamed(3, of: .usual)
    let space = AddressSpace(
      name: "", root: PhysicalAddress(LinuxSystem.root(3)), scheme: system.memory.space.scheme)
    system.memory.memory.map(0x40_0000, to: 0x700_0000, in: space)
    system.memory.put(Array("/usr/bin/perl\0-w\0".utf8), at: LinuxMemory.directMap + 0x700_0000)
    system.memory.put(0x40_0000, at: LinuxSystem.mm(3) + 0x98)
    system.memory.put(0x40_0011, at: LinuxSystem.mm(3) + 0xa0)
    let search = SpaceSearch(system.opened)
    let guest = try #require(search.linuxGuest(FoundSpaces()))
    let found = search.named(FoundSpaces(), by: guest).spaces.first { $0.pid == 17 }
    #expect(found?.space.name == "perl")
    #expect(found?.processes == [SpaceProcess(pid: 17, name: "")])
  }

  /// The main thread has ended: its task waits, without memory, for the other threads, one of which lives.
  private func mainEnded(_ system: LinuxSystem) -> LinuxSystem {
    var system = system
    let main = LinuxSystem.task(3)
    system.memory.memory.addPage(LinuxMemory.physical(Self.thread))
    system.memory.put(0, at: main + 0x98)
    system.memory.put(0, at: main + 0x10, size: 4)
    system.memory.put(18, at: Self.thread + 0x20, size: 4)
    system.memory.put(17, at: Self.thread + 0x24, size: 4)
    system.memory.put("worker", at: Self.thread + 0x80)
    system.memory.put(LinuxSystem.mm(3), at: Self.thread + 0x98)
    for task in [main, Self.thread] { system.memory.put(Self.signal, at: task + 0xb0) }
    system.memory.putList(head: Self.signal + 8, nodes: [main + 0xc0, Self.thread + 0xc0])
    return system
  }

  @Test func aProcessLivesOnWhenItsMainThreadHasEnded() throws {
    let task = try #require(mainEnded(.usual).guest?.tasks?[17])
    #expect(task.name == "shell" && !task.isKernelThread)
    #expect(task.memory == LinuxSystem.mm(3) && task.root?.value == LinuxSystem.root(3))
    #expect(task.threads == [GuestThread(pid: 18, name: "worker")])
  }

  @Test func withoutTypesAProcessLivesOnWhenItsMainThreadHasEnded() throws {
    var system = mainEnded(.usual)
    // All others are alone in their groups.
    for index in 0...2 {
      let signal = Self.signal + UInt64(index + 1) * 0x100
      system.memory.put(signal, at: LinuxSystem.task(index) + 0xb0)
      system.memory.putList(head: signal + 8, nodes: [LinuxSystem.task(index) + 0xc0])
    }
    system.memory.put([UInt8](repeating: 0xff, count: 8192), at: LinuxSystem.types)
    let tasks = try #require(system.guest?.tasks)
    #expect(tasks.isInferred && tasks[2]?.isKernelThread == true)
    #expect(tasks[17]?.root?.value == LinuxSystem.root(3) && tasks[17]?.isKernelThread == false)
    #expect(tasks[17]?.threads == [GuestThread(pid: 18, name: "worker")])
  }

  @Test func aProcessThatHasEndedHasNoMemory() throws {
    var system = mainEnded(.usual)
    system.memory.put(0, at: Self.thread + 0x98)
    let task = try #require(system.guest?.tasks?[17])
    #expect(task.memory == nil && task.root == nil)
  }

  /// Arguments `first` and `a`, the environment `HOME=/` right behind them, and in its memory what a process wrote
  /// over them.
  private func command(
    _ text: String, environment: Range<UInt64>? = 0x40_0018..<0x40_0038
  ) throws -> [String]? {
    var system = LinuxSystem.usual
    let space = AddressSpace(
      name: "", root: PhysicalAddress(LinuxSystem.root(3)), scheme: system.memory.space.scheme)
    system.memory.memory.map(0x40_0000, to: 0x700_0000, in: space)
    system.memory.put(Array("first\0a\0HOME=/\0".utf8), at: LinuxMemory.directMap + 0x700_0010)
    system.memory.put(Array(text.utf8), at: LinuxMemory.directMap + 0x700_0010)
    system.memory.put(0x40_0010, at: LinuxSystem.mm(3) + 0x98)
    system.memory.put(0x40_0018, at: LinuxSystem.mm(3) + 0xa0)
    system.memory.put(environment?.lowerBound ?? 0, at: LinuxSystem.mm(3) + 0xa8)
    system.memory.put(environment?.upperBound ?? 0, at: LinuxSystem.mm(3) + 0xb0)
    let guest = try #require(system.guest)
    return guest.arguments(of: try #require(guest.tasks?[17]))
  }

  // `get_mm_cmdline` of the kernel's `fs/proc/base.c`.

  @Test func aTitleThatRunsOnIntoTheEnvironmentIsWhole() throws {
    #expect(try command("server: all of it\0") == ["server: all of it"])
  }

  @Test func aTitleThatEndsWithinTheArgumentsIsOne() throws {
    #expect(try command("srv\0\0\0\0\0") == ["srv", "", "", "", ""])
  }

  @Test func aTitleEndsWithTheEnvironment() throws {
    let title = String(repeating: "t", count: 0x100)
    #expect(try command(title) == [String(repeating: "t", count: 0x28)])
  }

  @Test func whereTheEnvironmentLiesElsewhereATitleEndsWithTheArguments() throws {
    #expect(try command("server: all of it\0", environment: 0x40_0100..<0x40_0200) == ["server: "])
  }

  @Test func ordinaryArgumentsStayApart() throws {
    #expect(try command("") == ["first", "a"])
  }

  /// `text_poke_mm` has been the name of what was called `poking_mm` since 6.16.
  @Test(arguments: ["poking_mm", "text_poke_mm"]) func theSpaceThatPatchesTextHasItsName(_ name: String)
    throws
  {
    let place = LinuxMemory.image + 0x30_b000
    var system = LinuxSystem(LinuxSystem.usual.processes, variables: [(name, place)])
    let (memory, root) = (LinuxSystem.mm(30), LinuxSystem.root(30))
    system.memory.memory.addPage(LinuxMemory.physical(memory))
    system.memory.memory.addPage(root)
    system.memory.put(memory, at: place)
    system.memory.put(LinuxMemory.directMap + root, at: memory + 0x68)
    let guest = try #require(system.guest)
    #expect(guest.kernelRoots() == [PhysicalAddress(root): name])
  }
}
