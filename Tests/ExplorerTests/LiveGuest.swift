import Guests
import PageTables
import TestSupport

@testable import Explorer

/// The small guest as a machine that runs. A moment later, of `init`:
///
/// | address | |
/// |---|---|
/// | 400000 | is gone |
/// | 402000 | lost the right to write |
/// | 600000 | is new, below a table of its own |
///
/// and `shell 2` is gone, `child 3` is new, with one page at 700000.
enum LiveGuest {
  static let later: (memory: TableMemory, spaces: [FoundSpace]) = {
    var memory = SmallGuest.memory
    let first = SmallGuest.spaces[0].space
    memory.map(0x40_0000, to: 0, in: first, flags: 0)
    memory.map(0x40_2000, to: 0x20_2000, in: first, flags: 0x65)
    memory.map(0x60_0000, to: 0x50_0000, in: first)
    let child = memory.makeSpace("child", scheme: SmallGuest.scheme)
    memory.map(0x70_0000, to: 0x51_0000, in: child)
    return (memory, [SmallGuest.spaces[0], FoundSpace(space: child, pid: 3, origin: .scan)])
  }()

  static func driver(width: Int = 80, height: Int = 24, canStop: Bool = true) -> ExplorerDriver {
    var driver = ExplorerDriver(width: width, height: height)
    driver.explorer.live.source = LiveSource(access: "RAM file mapped", canStop: canStop, isRunning: true)
    driver.nextMoment = later
    return driver
  }

  /// At its second moment.
  static func changed(width: Int = 80, height: Int = 24) -> ExplorerDriver {
    var driver = driver(width: width, height: height)
    driver.press(.character("r"))
    return driver
  }
}
