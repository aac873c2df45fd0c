import Guests
import PageTables
import TestSupport

@testable import Explorer

/// The small guest with what only a look at all spaces finds, all in the kernel's half that both processes have:
///
/// | address | |
/// |---|---|
/// | ffffc000_00000000 | 3 pages of the supervisor: frames 200000 to 202000, which `init` maps at 400000: a mirror |
/// | ffffc000_00003000 | a page of the supervisor: frame 300000, which `init` maps at 409000: another mirror |
/// | ffffc000_00005000 | a page of the supervisor: frame 500000, which nobody else maps |
///
/// The frame 200000 has these ways to it: 400000 in `init`, 500000 in `shell`, and ffffc000_00000000 in both.
enum SharingGuest {
  static let mirror: UInt64 = 0xffff_c000_0000_0000
  static let memory: TableMemory = {
    var memory = SmallGuest.memory
    let (first, second) = (SmallGuest.spaces[0].space, SmallGuest.spaces[1].space)
    let kernel: [(page: UInt64, frame: UInt64)] = [
      (0, 0x20_0000), (1, 0x20_1000), (2, 0x20_2000), (3, 0x30_0000), (5, 0x50_0000),
    ]
    for (page, frame) in kernel {
      memory.map(mirror + page * 0x1000, to: frame, in: first, flags: 1 << 63 | 0x163, tableFlags: 3)
    }
    let entry = memory.entry(table: first.root.value, slot: 384) ?? 0
    memory.set(table: second.root.value, slot: 384, to: entry)
    return memory
  }()

  static func driver(width: Int = 80, height: Int = 24) -> ExplorerDriver {
    ExplorerDriver(memory: memory, spaces: SmallGuest.spaces, width: width, height: height)
  }

  /// An explorer that knows no space yet, and whose index comes when it is sent.
  static func driverBeforeSpaces() -> ExplorerDriver {
    var driver = driver(width: 120)
    driver.indexesAtOnce = false
    driver.explorer = Explorer(memory: memory, sourceName: "guest.elf", formatName: "ELF core", warnings: [])
    driver.send(.input(.resize(width: 120, height: 24)))
    return driver
  }
}
