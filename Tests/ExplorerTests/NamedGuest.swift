import Guests
import MemoryImages
import PageTables
import TestSupport

@testable import Explorer

/// A small Linux of our own: `init 1`, the kernel's thread `kthreadd 2`, `shell 8`, and `helper 9`, which runs in the
/// space of 8.
///
/// `shell` was started as `sh -c true`, and has these regions:
///
/// | addresses | asked | |
/// |---|---|---|
/// | 400000 to 403fff | r-x | all 4 pages there |
/// | 600000 to 607fff | rw- | `[heap]`: 2 pages there, one marked as PROT_NONE, the others absent |
/// | 7f000000 to 7f00ffff | rw- | `[stack]`: the last page there, which holds the arguments |
///
/// The kernel has 5 pages at ffffc900_00000000, of which 4 are there: vmalloc, asked for by `caller_of_areas`.
enum NamedGuest {
  static let image = system.opened
  static let names: GuestNames? = system.guest.map { GuestNames($0) }

  /// All spaces of it, by the names of their processes.
  static let spaces: FoundSpaces = {
    let kernel = LinuxMemory().space
    var found = FoundSpaces()
    found.spaces = [FoundSpace(space: kernel, origin: .scan)]
    return names?.guest.map { SpaceSearch(image).named(found, by: $0) } ?? found
  }()

  /// The spaces as a search finds them, without their names.
  static let unnamed: FoundSpaces = {
    var found = spaces
    for index in found.spaces.indices {
      let old = found.spaces[index].space
      found.spaces[index] = FoundSpace(
        space: AddressSpace(name: AddressText.hex(old.root.value), root: old.root, scheme: old.scheme),
        origin: found.spaces[index].origin)
    }
    return found
  }()

  /// The explorer once everything is known.
  static func driver(width: Int = 80, height: Int = 24) -> ExplorerDriver {
    var driver = ExplorerDriver(
      memory: image.memory, spaces: spaces.spaces, width: width, height: height)
    driver.tell()
    return driver
  }

  private static let shell = AddressSpace(
    name: "shell", root: PhysicalAddress(LinuxSystem.root(2)), scheme: X86.paging4Level())

  private static let system: LinuxSystem = {
    var system = LinuxSystem([
      .init(pid: 1, name: "init"), .init(pid: 2, name: "kthreadd", hasMemory: false),
      .init(pid: 8, name: "shell"), .init(pid: 9, name: "helper"),
    ])
    system.memory.put(LinuxSystem.mm(2), at: LinuxSystem.task(3) + 0x98)
    system.putRegions(
      [
        (0x40_0000..<0x40_4000, flags: 5), (0x60_0000..<0x60_8000, flags: 3),
        (0x7f00_0000..<0x7f01_0000, flags: 3),
      ], process: 2)
    let fields: [(UInt64, UInt64)] = [
      (0x80, 0x60_0000), (0x88, 0x60_8000), (0x90, 0x7f00_f800), (0x98, 0x7f00_f000), (0xa0, 0x7f00_f00b),
    ]
    for (offset, value) in fields { system.memory.put(value, at: LinuxSystem.mm(2) + offset) }
    putPages(in: &system)
    putArea(in: &system)
    return system
  }()

  private static func putPages(in system: inout LinuxSystem) {
    func map(_ virtual: UInt64, _ frame: UInt64, _ flags: UInt64) {
      system.memory.memory.addPage(frame)
      system.memory.memory.map(virtual, to: frame, in: shell, flags: flags)
    }
    for page in 0..<UInt64(4) { map(0x40_0000 + page * 0x1000, 0x800_0000 + page * 0x1000, 0x25) }
    for page in 0..<UInt64(2) { map(0x60_0000 + page * 0x1000, 0x810_0000 + page * 0x1000, 1 << 63 | 0x67) }
    // Linux, arch/x86/include/asm/pgtable-invert.h: the frame's bits of an entry without P are inverted.
    system.memory.memory.addPage(0x810_2000)
    system.memory.memory.map(0x60_2000, to: ~0x810_2000 & 0xF_FFFF_FFFF_F000, in: shell, flags: 0x100)
    map(0x7f00_f000, 0x820_0000, 1 << 63 | 0x67)
    for (index, byte) in Array("sh\0-c\0true\0".utf8).enumerated() {
      system.memory.memory.set(table: 0x820_0000, slot: index, to: UInt64(byte), size: 1)
    }
  }

  private static func putArea(in system: inout LinuxSystem) {
    let start: UInt64 = 0xffff_c900_0000_0000
    for page in 0..<UInt64(4) {
      system.memory.memory.addPage(0x830_0000 + page * 0x1000)
      system.memory.memory.map(
        start + page * 0x1000, to: 0x830_0000 + page * 0x1000, in: system.memory.space,
        flags: 1 << 63 | 0x163, tableFlags: 3)
    }
    let entry = system.memory.memory.entry(table: LinuxMemory.root, slot: 402) ?? 0
    for process in [0, 2] {
      system.memory.memory.set(table: LinuxSystem.root(process), slot: 402, to: entry)
    }
    let area = LinuxMemory.directMap + 0x710_0000
    system.memory.memory.addPage(LinuxMemory.physical(area))
    system.memory.put(start, at: area)
    system.memory.put(start + 0x5000, at: area + 8)
    system.memory.putList(head: LinuxSystem.areaList, nodes: [area + 0x18])
    let owner = area + 0x100
    system.memory.put(owner, at: area + 0x30)
    system.memory.put(start, at: owner + 8)
    system.memory.put(0x5000, at: owner + 0x10)
    system.memory.put(2, at: owner + 0x18)
    system.memory.put(LinuxMemory.image + 0x2040, at: owner + 0x38)
  }
}

extension ExplorerDriver {
  /// Hands over what the named guest tells, as the program does.
  mutating func tell() {
    guard let names = NamedGuest.names else { return }
    send(.guestRead(names))
    send(.commandLinesRead(names.commandLines()))
  }
}
