import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// Spaces by the names of the processes that own them.
@Suite struct SpaceNamingTests {
  private let scheme = LinuxMemory().space.scheme

  private func found(_ root: UInt64, origin: FoundSpace.Origin = .scan, name: String? = nil) -> FoundSpace {
    FoundSpace(
      space: AddressSpace(
        name: name ?? AddressText.hex(root), root: PhysicalAddress(root), scheme: scheme),
      role: name == "kernel" ? .kernel : .unknown, origin: origin)
  }

  private func named(
    _ system: LinuxSystem, _ spaces: [FoundSpace], _ options: SpaceSearchOptions = SpaceSearchOptions()
  ) throws -> [FoundSpace] {
    let search = SpaceSearch(system.opened, options)
    var found = FoundSpaces()
    found.spaces = spaces
    let guest = try #require(search.linuxGuest(found))
    return search.named(found, by: guest).spaces
  }

  @Test func aRootIsNamedByTheProcessThatOwnsIt() throws {
    let spaces = try named(
      .usual, [found(LinuxMemory.root), found(LinuxSystem.root(3)), found(LinuxSystem.root(0))])
    #expect(spaces.map(\.space.name) == ["kernel", "shell", "init"])
    #expect(spaces.map(\.pid) == [nil, 17, 1])
    #expect(spaces.map(\.namedBy) == [.symbols, .tasks, .tasks])
    // The scan found them, too: what is said does not depend on which of the two came first.
    #expect(spaces.map(\.foundBy) == ["kernel symbol", "task list", "task list"])
    #expect(spaces[1].processes == [SpaceProcess(pid: 17, name: "shell")])
  }

  @Test func theKernelsThreadsAreUnderTheKernelsSpace() throws {
    let spaces = try named(.usual, [found(LinuxMemory.root)])
    #expect(
      spaces.first?.processes == [
        SpaceProcess(pid: 2, name: "kthreadd"), SpaceProcess(pid: 3, name: "kworker/0:0"),
      ])
  }

  /// For a moment a thread of the kernel may work in a process's memory.
  @Test func aThreadThatBorrowedASpaceDoesNotNameIt() throws {
    var system = LinuxSystem.usual
    system.memory.put(LinuxSystem.mm(3), at: LinuxSystem.task(2) + 0x98)
    let spaces = try named(system, [found(LinuxSystem.root(3)), found(LinuxMemory.root)])
    #expect(spaces.first?.space.name == "shell" && spaces.first?.processes.map(\.pid) == [17])
    #expect(spaces.first { $0.space.name == "kernel" }?.processes.map(\.pid) == [2, 3])
  }

  @Test func whereAProcesssRootIsUnknownNoRootIsCalledUnowned() throws {
    var system = LinuxSystem.usual
    system.memory.put(0, at: LinuxSystem.mm(3) + 0x68)
    let spaces = try named(system, [found(LinuxSystem.root(3)), found(LinuxMemory.root)])
    #expect(spaces.allSatisfy { !$0.isUnowned })
  }

  @Test func processesThatNoSearchFoundAreAdded() throws {
    let spaces = try named(.usual, [found(LinuxSystem.root(3), origin: .cpu(1))])
    #expect(spaces.map(\.space.name) == ["shell", "kernel", "init"])
    #expect(spaces.map(\.foundBy) == ["cpu 1", "kernel symbol", "task list"])
    #expect(spaces.map(\.space.root.value) == [LinuxSystem.root(3), LinuxMemory.root, LinuxSystem.root(0)])
  }

  /// A raw file: no note, no register. The kernel's own note in memory is all that leads anywhere.
  @Test func withNothingKnownProcessesAreNamedAllTheSame() throws {
    let search = SpaceSearch(LinuxSystem.usual.withoutNotes)
    let known = try search.known()
    #expect(known.spaces.isEmpty)
    let guest = try #require(search.linuxGuest(known))
    let spaces = search.named(known, by: guest).spaces
    #expect(spaces.map(\.space.name) == ["kernel", "init", "shell"])
    #expect(spaces.map(\.foundBy) == ["kernel symbol", "task list", "task list"])
  }

  @Test func aScanAddsRootsThatNobodyOwnsAndKeepsTheNames() throws {
    var system = LinuxSystem.usual
    let lost: UInt64 = 0x500_0000
    for slot in [273, 511] {
      let entry = system.memory.memory.entry(table: LinuxMemory.root, slot: slot) ?? 0
      system.memory.memory.set(table: lost, slot: slot, to: entry)
    }
    system.memory.memory.set(table: lost, slot: 0, to: 0x501_0067)
    system.memory.memory.addPage(0x501_0000)
    let search = SpaceSearch(system.withoutNotes)
    let known = try search.known()
    let guest = try #require(search.linuxGuest(known))
    let named = search.named(known, by: guest)
    let scanned = try #require(search.scan(known: named) { _ in true })
    #expect(Set(scanned.spaces.filter { $0.namedBy != nil }) == Set(named.spaces))
    let all = search.named(scanned, by: guest).spaces
    #expect(all.filter(\.isUnowned).map(\.space.root.value) == [lost])
    #expect(all.filter { !$0.isUnowned }.map(\.space.name).sorted() == ["init", "kernel", "shell"])
  }

  @Test func givenRootsAreNamedAndNoneIsAdded() throws {
    var options = SpaceSearchOptions()
    options.roots = [GivenRoot("mine", PhysicalAddress(LinuxSystem.root(3)))]
    let spaces = try named(
      .usual,
      [found(LinuxSystem.root(3), origin: .given, name: "mine"), found(LinuxSystem.root(0), origin: .given)],
      options)
    #expect(spaces.map(\.space.name) == ["mine", "init"])
    #expect(spaces.map(\.pid) == [17, 1])
  }

  @Test func severalProcessesOfOneSpaceAreAllThere() throws {
    var system = LinuxSystem([
      .init(pid: 1, name: "init"), .init(pid: 8, name: "a"), .init(pid: 9, name: "b"),
    ])
    system.memory.put(LinuxSystem.mm(1), at: LinuxSystem.task(2) + 0x98)
    let spaces = try named(system, [found(LinuxSystem.root(1))])
    #expect(spaces[0].space.name == "a" && spaces[0].pid == 8)
    #expect(spaces[0].processes == [SpaceProcess(pid: 8, name: "a"), SpaceProcess(pid: 9, name: "b")])
  }

  @Test func aRootThatNobodyOwnsKeepsItsName() throws {
    var stale = found(LinuxSystem.root(9))
    stale.isPossiblyStale = true
    let spaces = try named(.usual, [stale, found(LinuxSystem.root(8)), found(LinuxSystem.root(0))])
    let other = spaces.first { $0.space.root.value == LinuxSystem.root(8) }
    #expect(other?.space.name == AddressText.hex(LinuxSystem.root(8)))
    #expect(other?.namedBy == nil && other?.pid == nil && other?.isPossiblyStale == false)
    #expect(spaces.last?.space.root.value == LinuxSystem.root(9))
    #expect(spaces.last?.isPossiblyStale == true)
  }

  @Test func whatWasTakenForStaleIsNotWhereAProcessOwnsIt() throws {
    var stale = found(LinuxSystem.root(3))
    stale.isPossiblyStale = true
    let spaces = try named(.usual, [found(LinuxSystem.root(8)), stale])
    #expect(spaces.first { $0.pid == 17 }?.isPossiblyStale == false)
  }

  @Test func anotherRootIsNotTheKernelsAnyMore() throws {
    let spaces = try named(.usual, [found(LinuxSystem.root(8), name: "kernel"), found(LinuxMemory.root)])
    #expect(spaces.filter { $0.space.name == "kernel" }.map(\.space.root.value) == [LinuxMemory.root])
    #expect(spaces.last?.space.name == AddressText.hex(LinuxSystem.root(8)))
  }

  @Test func theUsersCopyIsNamedAfterItsProcess() throws {
    let user = LinuxSystem.root(3) + 0x1000
    var kernelCopy = found(LinuxSystem.root(3))
    kernelCopy.isolation = .kernelCopy(userRoot: PhysicalAddress(user))
    var userCopy = found(user, origin: .pair)
    userCopy.isolation = .userCopy(kernelRoot: PhysicalAddress(LinuxSystem.root(3)))
    let spaces = try named(.usual, [kernelCopy, userCopy])
    #expect(spaces.prefix(2).map(\.space.name) == ["shell", "shell user"])
    #expect(spaces.prefix(2).map(\.pid) == [17, 17])
  }

  @Test func aTaskWhoseRootIsNoTableAddsNothing() throws {
    var system = LinuxSystem.usual
    system.memory.put(LinuxMemory.directMap + 0x3f00_0000, at: LinuxSystem.mm(3) + 0x68)
    let spaces = try named(system, [found(LinuxSystem.root(0))])
    #expect(!spaces.contains { $0.pid == 17 })
  }

  @Test func theKernelsOwnRootIsNamedByItsSymbolWhateverTheTasksAre() throws {
    var system = LinuxSystem.usual
    system.memory.put([UInt8](repeating: 0, count: 4096), at: LinuxSystem.types)
    let spaces = try named(system, [found(LinuxMemory.root), found(LinuxSystem.root(3))])
    #expect(spaces.prefix(2).map(\.namedBy) == [.symbols, .inferred])
  }

  @Test func inferredTasksSayThatTheyAre() throws {
    var system = LinuxSystem.usual
    system.memory.put([UInt8](repeating: 0, count: 4096), at: LinuxSystem.types)
    let spaces = try named(system, [found(LinuxSystem.root(3))])
    #expect(spaces[0].space.name == "shell" && spaces[0].namedBy == .inferred)
  }

  @Test func memoryWithoutASignOfLinuxIsNotSearched() throws {
    var system = LinuxSystem.usual
    system.memory.put([UInt8](repeating: 0, count: 16), at: LinuxSystem.start + 0x80)
    var image = system.opened
    image.vmcoreinfo = nil
    var spaces = FoundSpaces()
    spaces.spaces = [found(LinuxMemory.root)]
    var passes = 0
    let guest = SpaceSearch(image).linuxGuest(spaces) { _ in
      passes += 1
      return true
    }
    #expect(guest == nil && passes == 0)
  }

  @Test func aCaptureIsNotAskedForItsGuest() {
    var image = LinuxSystem.usual.opened
    image.capture = CaptureContents(spaceLines: [])
    var spaces = FoundSpaces()
    spaces.spaces = [found(LinuxMemory.root)]
    #expect(SpaceSearch(image).linuxGuest(spaces) == nil)
  }

  @Test(arguments: [FoundSpace.NameOrigin.tasks, .inferred, .symbols])
  func aCapturesListKeepsWhatANameComesFrom(_ origin: FoundSpace.NameOrigin) {
    var one = found(LinuxSystem.root(1), name: "poking_mm")
    one.namedBy = origin
    var list = CaptureList(lines: CaptureList([one]).lines)
    #expect(list.spaces(features: ProcessorFeatures()).map(\.namedBy) == [origin])
  }

  @Test func aCapturesListKeepsNamesAndProcesses() {
    var one = found(LinuxSystem.root(1), name: "a")
    one.pid = 8
    one.namedBy = .inferred
    one.processes = [SpaceProcess(pid: 8, name: "a"), SpaceProcess(pid: 9, name: "b\tc 1")]
    let two = found(LinuxSystem.root(2))
    var list = CaptureList(lines: CaptureList([one, two]).lines)
    let spaces = list.spaces(features: ProcessorFeatures())
    #expect(spaces.map(\.namedBy) == [.inferred, nil])
    #expect(
      spaces.first?.processes == [SpaceProcess(pid: 8, name: "a"), SpaceProcess(pid: 9, name: "b c 1")])
    #expect(list.unreadableLines == 0)
  }
}
