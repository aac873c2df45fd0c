import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// Two kernels in one memory: one that crashed, and one that it had loaded to save what is left
/// (`Documentation/admin-guide/kdump/kdump.rst` of the kernel).
@Suite struct SecondKernelTests {
  private static let headers = LinuxMemory.image + 0x30_b000
  private static let reserved = LinuxMemory.image + 0x30_b100
  private typealias Process = LinuxSystem.Process

  private func system(_ name: String) -> LinuxSystem {
    var system = LinuxSystem(
      [
        Process(pid: 1, name: "init"), Process(pid: 2, name: "kthreadd", hasMemory: false),
        Process(pid: 9, name: name),
      ],
      variables: [("elfcorehdr_addr", Self.headers), ("crashk_res", Self.reserved)])
    // `ELFCORE_ADDR_MAX`: none.
    system.memory.put(.max, at: Self.headers)
    return system
  }

  private var crashed: LinuxSystem {
    var crashed = system("server")
    crashed.memory.put(LinuxSystem.distance, at: Self.reserved)
    crashed.memory.put(LinuxSystem.distance + 0xfff_ffff, at: Self.reserved + 8)
    return crashed
  }

  private var capturing: LinuxSystem {
    var capturing = system("saver")
    capturing.memory.put(0xc00_0000, at: Self.headers)
    return capturing
  }

  /// A processor whose root is that of a process of the upper system.
  private func processor(_ index: Int) -> CPUState {
    CPUState(
      cr0: 0x8005_0033, cr3: LinuxSystem.root(index) + LinuxSystem.distance, cr4: 0x20,
      instructionPointer: LinuxMemory.image)
  }

  private func named(_ image: MemoryImage) throws -> (guest: LinuxGuest, spaces: [FoundSpace]) {
    let search = SpaceSearch(image)
    let known = try search.known()
    let guest = try #require(search.linuxGuest(known))
    return (guest, search.named(known, by: guest).spaces)
  }

  private func root(_ name: String, _ spaces: [FoundSpace]) -> UInt64? {
    spaces.first { $0.space.name == name }?.space.root.value
  }

  @Test func spacesOfBothAreNamedWhereAProcessorRunsInTheOther() throws {
    var image = crashed.beside(capturing)
    image.vmcoreinfo = Array(crashed.vmcoreinfo.utf8)
    image.cpus = [processor(2)]
    let (guest, spaces) = try named(image)
    #expect(guest.other?.role == .capture)
    #expect(root("server", spaces) == LinuxSystem.root(2))
    #expect(root("kernel", spaces) == LinuxMemory.root)
    #expect(root("saver (capture)", spaces) == LinuxSystem.root(2) + LinuxSystem.distance)
    #expect(root("capture kernel", spaces) == LinuxMemory.root + LinuxSystem.distance)
    #expect(spaces.allSatisfy { !$0.isUnowned })
    // What the guest says of addresses is not said of the other one's.
    #expect(spaces.allSatisfy { guest.mayOwn($0) == ($0.otherKernel == nil) })
  }

  @Test func aKernelThatCapturesLeadsToTheOneThatCrashed() throws {
    var image = capturing.beside(crashed)
    image.vmcoreinfo = Array(capturing.vmcoreinfo.utf8)
    let (guest, spaces) = try named(image)
    #expect(guest.other?.role == .crashed)
    #expect(root("saver", spaces) == LinuxSystem.root(2))
    #expect(root("server (crashed)", spaces) == LinuxSystem.root(2) + LinuxSystem.distance)
  }

  /// `crash_save_vmcoreinfo` of the kernel adds the line when it crashes.
  @Test func withoutProcessorsAKernelThatCrashedLeadsToTheOneThatCaptures() throws {
    var image = crashed.beside(capturing)
    image.vmcoreinfo = Array((crashed.vmcoreinfo + "CRASHTIME=1700000000\n").utf8)
    #expect(try named(image).guest.other?.role == .capture)
  }

  @Test func aKernelThatIsOnlyLoadedIsNoSecondOne() throws {
    var image = crashed.beside(capturing)
    image.vmcoreinfo = Array(crashed.vmcoreinfo.utf8)
    let (guest, spaces) = try named(image)
    #expect(guest.other == nil && spaces.allSatisfy { $0.otherKernel == nil })
  }
}
