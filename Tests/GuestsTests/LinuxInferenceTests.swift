import PageTables
import TestSupport
import Testing

@testable import Guests

/// Kernels that say nothing of their types: what must be true tells where things are.
@Suite struct LinuxInferenceTests {
  /// A system whose type information is gone.
  private func withoutTypes(_ processes: [LinuxSystem.Process]) -> LinuxSystem {
    var system = LinuxSystem(processes)
    system.memory.put([UInt8](repeating: 0xff, count: 8192), at: LinuxSystem.types)
    return system
  }

  @Test func workersAndLongNamesOfThreadsAreRead() throws {
    var system = withoutTypes([
      .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
      .init(pid: 4, name: "kworker/0:0", hasMemory: false),
      .init(pid: 5, name: "kworker/1:0", hasMemory: false),
      .init(pid: 6, name: "rcu_tasks_kthre", hasMemory: false),
    ])
    for index in 1...4 {
      let data = LinuxMemory.directMap + 0x720_0000 + UInt64(index) * 0x1000
      let worker = data + 0x400
      system.memory.memory.addPage(LinuxMemory.physical(data))
      system.memory.put(data, at: LinuxSystem.task(index) + 0x1f0)
      if index == 2 || index == 3 {
        system.memory.put(0x20_0020, at: LinuxSystem.task(index) + 0x10, size: 4)
        system.memory.put(worker, at: data + 8)
        system.memory.put(LinuxSystem.task(index), at: worker + 0x50)
        system.memory.put(data + 0x800, at: worker + 0x58)
        system.memory.put("events", at: worker + 0x70)
      }
      if index == 4 {
        system.memory.put(data + 0x900, at: data + 0x18)
        system.memory.put("rcu_tasks_kthread", at: data + 0x900)
      }
    }
    // The second is at work.
    system.memory.put(LinuxMemory.directMap, at: LinuxMemory.directMap + 0x720_3410)
    let guest = try #require(system.guest)
    #expect(
      guest.tasks?.tasks.map(\.name)
        == ["init", "kthreadd", "kworker/0:0-events", "kworker/1:0+events", "rcu_tasks_kthread"])
  }

  @Test func regionsAreKnownByTheirTree() throws {
    var system = withoutTypes([
      .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
      .init(pid: 9, name: "shell"),
    ])
    for index in [0, 2] {
      let node = LinuxMemory.directMap + 0x600_0000 + UInt64(index) * 0x1000
      let base = UInt64(0x40_0000 + index * 0x10_0000)
      system.memory.memory.addPage(LinuxMemory.physical(node))
      system.memory.put(node | 1 << 3 | 2, at: LinuxSystem.mm(index) + 0x48)
      let regions: [(Range<UInt64>, flags: UInt64)] = [
        (base..<base + 0x2000, 0x75), (base + 0x4000..<base + 0x6000, 0x73),
        (0x7f00_0000..<0x7f00_2000, 0x75), (0x7fff_0000..<0x7fff_8000, 0x173),
      ]
      // A leaf of 64-bit kernels: 15 pivots behind the parent, 16 slots. Gaps have slots of their own.
      var slot = 0
      func put(_ memory: inout LinuxMemory, last: UInt64, _ area: UInt64) {
        memory.put(last, at: node + 8 + UInt64(slot * 8))
        memory.put(area, at: node + 128 + UInt64(slot * 8))
        slot += 1
      }
      for (number, region) in regions.enumerated() {
        let area = node + 0x400 + UInt64(number) * 0x100
        put(&system.memory, last: region.0.lowerBound - 1, 0)
        put(&system.memory, last: region.0.upperBound - 1, area)
        system.memory.put(region.0.lowerBound, at: area + 8)
        system.memory.put(region.0.upperBound, at: area + 0x10)
        system.memory.put(region.flags, at: area + 0x30)
      }
      let special = node + 0x900
      system.memory.put(special, at: node + 0x600 + 0x40)
      system.memory.put(special + 0x10, at: special)
      system.memory.put("[vdso]", at: special + 0x10)
      let layout = [base + 0x4800, base + 0x5000, 0x7fff_4000, 0x7fff_4100, 0x7fff_4110]
      for (number, value) in layout.enumerated() {
        system.memory.put(value, at: LinuxSystem.mm(index) + 0x80 + UInt64(number * 8))
      }
    }
    let guest = try #require(system.guest)
    let regions = guest.regions(of: try #require(guest.tasks?[9]))
    #expect(regions.map(\.range.lowerBound) == [0x60_0000, 0x60_4000, 0x7f00_0000, 0x7fff_0000])
    #expect(regions.map(\.permissions) == ["r-xp", "rw-p", "r-xp", "rw-p"])
    // No files could be inferred: the first may be of one.
    #expect(regions.map(\.name) == ["?", "[heap]", "[vdso]", "[stack]"])
    #expect(guest.notes.contains { $0.hasPrefix("regions: inferred") })
  }

  /// Kernels before 6.1 without type information.
  @Test func regionsAreKnownByTheirList() throws {
    var system = withoutTypes([
      .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
      .init(pid: 9, name: "shell"),
    ])
    for index in [0, 2] {
      let page = LinuxMemory.directMap + 0x600_0000 + UInt64(index) * 0x1000
      let base = UInt64(0x40_0000 + index * 0x10_0000)
      system.memory.memory.addPage(LinuxMemory.physical(page))
      let regions: [(Range<UInt64>, flags: UInt64)] = [
        (base..<base + 0x2000, 0x75), (base + 0x4000..<base + 0x6000, 0x73),
        (0x7fff_0000..<0x7fff_8000, 0x173),
      ]
      let areas = regions.indices.map { page + UInt64($0) * 0x100 }
      system.memory.put(areas[0], at: LinuxSystem.mm(index) + 0x10)
      for (number, region) in regions.enumerated() {
        system.memory.put(region.0.lowerBound, at: areas[number] + 8)
        system.memory.put(region.0.upperBound, at: areas[number] + 0x10)
        system.memory.put(number < 2 ? areas[number + 1] : 0, at: areas[number] + 0x20)
        system.memory.put(number > 0 ? areas[number - 1] : 0, at: areas[number] + 0x28)
        system.memory.put(region.flags, at: areas[number] + 0x48)
      }
    }
    let guest = try #require(system.guest)
    let regions = guest.regions(of: try #require(guest.tasks?[9]))
    #expect(regions.map(\.range.lowerBound) == [0x60_0000, 0x60_4000, 0x7fff_0000])
    #expect(regions.map(\.permissions) == ["r-xp", "rw-p", "rw-p"])
    #expect(guest.notes.contains { $0.hasPrefix("regions: inferred") })
  }

  @Test func aTaskListThatDoesNotCloseIsNotBelieved() {
    var system = withoutTypes([
      .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
    ])
    system.memory.put(LinuxSystem.task(0) + 0x40, at: LinuxSystem.task(1) + 0x40)
    let names = system.guest?.tasks?.tasks.map(\.name)
    #expect(names == nil)
  }

  @Test func aProcessWhoseRootIsNoneIsNotBelieved() {
    var system = withoutTypes([
      .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
      .init(pid: 3, name: "shell"),
    ])
    // The kernel's part of its tables is not the kernel's.
    for slot in [273, 511] { system.memory.memory.set(table: LinuxSystem.root(2), slot: slot, to: 0) }
    let names = system.guest?.tasks?.tasks.map(\.name)
    #expect(names == nil)
  }
}
