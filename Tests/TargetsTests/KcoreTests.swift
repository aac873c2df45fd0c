import Foundation
import MemoryImages
import PageTables
import Testing

@testable import Targets

/// A file of the shape of `/proc/kcore` on Linux 6.1: a segment each for vmalloc space, the kernel's text, and pieces of
/// the direct map; those that are not RAM have all ones for `p_paddr`.
@Suite struct KcoreTests {
  private static let ram: [UInt8] = (0..<0x4000).map { UInt8(truncatingIfNeeded: $0 / 4096 + 1) }

  private func file(withPlaces: Bool = true) throws -> String {
    func bytes(_ value: UInt64, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    let note =
      bytes(11, 4) + bytes(16, 4) + bytes(0, 4) + Array("VMCOREINFO\0\0".utf8)
      + Array("OSRELEASE=6.1.0\n".utf8)
    let segments: [(type: UInt64, virtual: UInt64, physical: UInt64, offset: UInt64, size: UInt64)] = [
      (4, 0, 0, 0x1000, UInt64(note.count)),
      (1, 0xffff_c900_0000_0000, .max, 0x7fff_0000_0000, 0x1000_0000),
      (1, 0xffff_ffff_8100_0000, withPlaces ? 0x10_1000 : .max, 0x5000, 0x1000),
      (1, 0xffff_8880_0000_1000, withPlaces ? 0x1000 : .max, 0x3000, 0x1000),
      (1, 0xffff_8880_0010_0000, withPlaces ? 0x10_0000 : .max, 0x4000, 0x3000),
    ]
    var all: [UInt8] = [0x7f] + Array("ELF".utf8) + [2, 1, 1] + [UInt8](repeating: 0, count: 9)
    all += bytes(4, 2) + bytes(62, 2) + bytes(1, 4) + bytes(0, 8) + bytes(64, 8) + bytes(0, 8) + bytes(0, 4)
    all += bytes(64, 2) + bytes(56, 2) + bytes(UInt64(segments.count), 2) + bytes(0, 6)
    for segment in segments {
      all += bytes(segment.type, 4) + bytes(7, 4) + bytes(segment.offset, 8) + bytes(segment.virtual, 8)
      all += bytes(segment.physical, 8) + bytes(segment.size, 8) + bytes(segment.size, 8) + bytes(4096, 8)
    }
    all += [UInt8](repeating: 0, count: 0x1000 - all.count) + note
    all += [UInt8](repeating: 0, count: 0x3000 - all.count) + Self.ram
    let path = NSTemporaryDirectory() + "/pw-kcore-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    try Data(all).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func segmentsThatAreRamLieWhereTheySay() throws {
    let path = try file()
    defer { unlink(path) }
    let target = try #require(try Targets.open(path))
    #expect(target.access == "kcore")
    #expect(target.machine == .x86_64)
    #expect(target.vmcoreinfo.map { String(decoding: $0, as: UTF8.self) } == "OSRELEASE=6.1.0\n")
    #expect(!target.canStop)
    #expect(try target.registers().isEmpty)
    let memory = target.memory
    #expect(memory.extent.readable == ranges((0x1000, 0x1000), (0x10_0000, 0x3000)))
    var found: [UInt64: UInt8] = [:]
    memory.forEachPage(in: PhysicalRange(PhysicalAddress(0), PhysicalAddress(.max))) { address, page in
      found[address.value] = page.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
    }
    #expect(found == [0x1000: 1, 0x10_0000: 2, 0x10_1000: 3, 0x10_2000: 4])
    #expect(throws: MissingPage.outsidePhysicalMemory) {
      try memory.withPage(at: PhysicalAddress(0x3000)) { _ in }
    }
  }

  @Test func aFileThatEndsEarlyHasMissingPages() throws {
    let path = try file()
    defer { unlink(path) }
    truncate(path, 0x5000)
    let memory = try #require(try Targets.open(path)).memory
    #expect(throws: MissingPage.notInDump) { try memory.withPage(at: PhysicalAddress(0x10_2000)) { _ in } }
    #expect(try memory.withPage(at: PhysicalAddress(0x1000)) { $0.byteCount } == 4096)
  }

  @Test func withoutPhysicalAddressesItIsNoTarget() throws {
    let path = try file(withPlaces: false)
    defer { unlink(path) }
    #expect(try Targets.open(path) == nil)
  }

  @Test func otherFilesAreNoTargets() throws {
    #expect(try Targets.open("/etc/passwd") == nil)
    #expect(try Targets.open("/nowhere/at/all") == nil)
    #expect(try Targets.open("dump.elf") == nil)
  }
}
