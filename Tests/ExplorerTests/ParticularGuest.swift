import Guests
import PageTables
import TestSupport

@testable import Explorer

/// A guest with shares that not everybody has.
enum ParticularGuest {
  /// Where the first two processes have the table that they share.
  private static let firstPlace: UInt64 = 0x40_0000_0000
  private static let secondPlace: UInt64 = 0x80_0000_0000
  /// Where the third one has a table of its own, and again.
  private static let twice: UInt64 = 0x4000_0000
  private static let kernel: UInt64 = 0xffff_8000_0000_0000

  /// A kernel, three processes, a copy of the first one as isolation makes it, and a root that nobody uses.
  ///
  /// The first two share a PD, at different addresses; the third has a PT twice; all share the kernel's half.
  private static func guest() -> (memory: TableMemory, spaces: [FoundSpace]) {
    let scheme = X86.paging4Level()
    var memory = TableMemory()
    let spaces = ["kernel", "one", "two", "three", "old", "one"].map { memory.makeSpace($0, scheme: scheme) }
    memory.map(kernel, to: 0x90_0000, in: spaces[0], flags: 3, tableFlags: 3)
    for space in spaces.dropFirst() {
      memory.set(
        table: space.root.value, slot: 256, to: memory.entry(table: spaces[0].root.value, slot: 256) ?? 0)
    }
    for (number, space) in spaces[1...3].enumerated() {
      memory.map(0x1000, to: 0x80_0000 + UInt64(number) << 12, in: space)
    }
    func below(_ table: UInt64, _ slot: Int) -> UInt64 {
      (memory.entry(table: table, slot: slot) ?? 0) & ~0xfff
    }
    memory.map(firstPlace, to: 0xa0_0000, in: spaces[1])
    memory.map(secondPlace + 1 << 30, to: 0xb0_0000, in: spaces[2])
    let shared = memory.entry(table: below(spaces[1].root.value, 0), slot: 256) ?? 0
    memory.set(table: below(spaces[2].root.value, 1), slot: 0, to: shared)
    memory.map(twice, to: 0xc0_0000, in: spaces[3])
    let directory = below(below(spaces[3].root.value, 0), 1)
    memory.set(table: directory, slot: 5, to: memory.entry(table: directory, slot: 0) ?? 0)
    memory.set(
      table: spaces[5].root.value, slot: 0, to: memory.entry(table: spaces[1].root.value, slot: 0) ?? 0)
    memory.addPhysical(0, 0x200_0000)
    var found = spaces.enumerated().map { number, space in
      FoundSpace(
        space: space, role: number == 0 ? .kernel : .process, pid: (1...3).contains(number) ? number : nil,
        origin: .scan)
    }
    found[4].isPossiblyStale = true
    found[5].isolation = .userCopy(kernelRoot: spaces[1].root)
    return (memory, found)
  }

  static func driver(width: Int = 80, height: Int = 24) -> ExplorerDriver {
    let guest = guest()
    return ExplorerDriver(memory: guest.memory, spaces: guest.spaces, width: width, height: height)
  }
}
