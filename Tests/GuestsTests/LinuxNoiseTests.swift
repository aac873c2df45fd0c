import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// A guest whose knowledge of itself is destroyed piece by piece: what is left is known, nothing is made up.
@Suite struct LinuxNoiseTests {
  private static let names: Set<String> = ["init", "kthreadd", "kworker/0:0", "shell"]

  private func noise(_ system: inout LinuxSystem, at address: UInt64, pages: Int, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let bytes = (0..<pages * 4096).map { _ in UInt8.random(in: 0...255, using: &random) }
    system.memory.put(bytes, at: address)
  }

  /// Spaces as the processor's registers would give them: a process's root.
  private var spaces: FoundSpaces {
    var spaces = FoundSpaces()
    spaces.spaces = [
      FoundSpace(
        space: AddressSpace(
          name: "", root: PhysicalAddress(LinuxSystem.root(0)), scheme: X86.paging4Level()), origin: .cpu(0))
    ]
    return spaces
  }

  @Test func withoutTypesTheOffsetsAreInferred() throws {
    var system = LinuxSystem.usual
    noise(&system, at: LinuxSystem.types, pages: 2, seed: 1)
    let guest = try #require(system.guest)
    let tasks = try #require(guest.tasks)
    #expect(guest.types == nil)
    #expect(tasks.tasks.map(\.name) == ["init", "kthreadd", "kworker/0:0", "shell"])
    #expect(tasks[17]?.root?.value == LinuxSystem.root(3))
    #expect(guest.notes.contains { $0.contains("inferred") })
  }

  @Test func withoutSymbolsTheFirstTaskIsInferred() throws {
    var system = LinuxSystem.usual
    noise(&system, at: LinuxSystem.symbols, pages: 2, seed: 2)
    let guest = try #require(system.guest)
    #expect(guest.symbols == nil && guest.types != nil)
    #expect(guest.tasks?.tasks.map(\.pid) == [1, 2, 3, 17])
  }

  @Test func withNothingButTablesTasksAreStillFound() throws {
    var system = LinuxSystem.usual
    noise(&system, at: LinuxSystem.symbols, pages: 2, seed: 3)
    noise(&system, at: LinuxSystem.types, pages: 2, seed: 4)
    var image = system.opened
    image.vmcoreinfo = nil
    // The direct map is known by its first page.
    system.memory.memory.addPage(0)
    image.memory = system.memory.memory
    let guest = try #require(LinuxGuest.read(image, spaces: spaces))
    #expect(guest.symbols == nil && guest.types == nil && guest.vmcoreinfo == nil)
    #expect(guest.tasks?.tasks.map(\.name) == ["init", "kthreadd", "kworker/0:0", "shell"])
  }

  @Test func noNameIsInventedWhateverIsDestroyed() {
    let places: [(UInt64, Int)] = [
      (LinuxSystem.start, 1), (LinuxSystem.namespace, 1), (LinuxSystem.types, 1), (LinuxSystem.symbols, 1),
      (LinuxSystem.task(0), 1), (LinuxSystem.task(2), 1), (LinuxSystem.mm(0), 1),
      (LinuxMemory.directMap + 0x500_0000, 1), (LinuxSystem.areaList, 1),
    ]
    var survivors = 0
    for (seed, place) in places.enumerated() {
      for round in 0..<4 {
        var system = LinuxSystem.usual
        noise(&system, at: place.0, pages: place.1, seed: UInt64(seed * 10 + round))
        guard let guest = system.guest else { continue }
        survivors += 1
        for task in guest.tasks?.tasks ?? [] {
          #expect(LinuxNoiseTests.names.contains(task.name), "\(task.name) after noise at \(place.0)")
          _ = guest.regions(of: task)
          _ = guest.arguments(of: task)
        }
        _ = guest.kernelRegions()
      }
    }
    #expect(survivors == places.count * 4, "one part destroyed leaves the others")
  }

  @Test func noiseForVmcoreinfoIsNoGuest() {
    var random = SeededRandom(seed: 5)
    var image = LinuxMemory().opened
    image.vmcoreinfo = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }
    #expect(LinuxGuest.read(image, spaces: FoundSpaces()) == nil)
  }

  @Test func aVmcoreinfoOfAnotherMachineIsRefused() throws {
    var system = LinuxSystem.usual
    system.memory.memory.set(table: LinuxMemory.root, slot: 511, to: 0)
    #expect(system.guest == nil)
  }
}
