import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// Raw files that leave out the hole below 4 GiB: the kernel's direct map says what they are.
@Suite struct MemoryBehindHoleTests {
  private static let directMap: UInt64 = 0xffff_8880_0000_0000
  private static let page: UInt64 = 2 << 20

  /// A file of so many bytes whose kernel maps these pieces of memory in pages of 2 MiB.
  private func displaced(
    _ pieces: [Range<UInt64>], fileSize: UInt64, hole: Range<UInt64>? = nil
  ) -> MemoryBehindHole? {
    var memory = TableMemory(firstTable: 0x10_0000)
    let space = memory.makeSpace("kernel", scheme: X86.paging4Level())
    for piece in pieces {
      for address in stride(from: piece.lowerBound, to: piece.upperBound, by: UInt64.Stride(Self.page)) {
        memory.map(Self.directMap + address, to: address, in: space, level: 2, flags: 0x83)
      }
    }
    memory.addPhysical(0, hole?.lowerBound ?? fileSize)
    if let hole { memory.addPhysical(hole.upperBound, hole.upperBound + fileSize - hole.lowerBound) }
    return MemoryBehindHole(
      space, from: space.scheme.usualKernelStart, in: MemoryImage(memory: memory, format: "raw", name: "test")
    )
  }

  @Test func theHoleIsWhatTheFileLacks() throws {
    let found = try #require(
      displaced([0..<8 << 20, 1 << 32..<(1 << 32) + 8 << 20], fileSize: 16 << 20))
    #expect(found.hole == PhysicalRange(PhysicalAddress(8 << 20), PhysicalAddress(1 << 32)))
    #expect(
      found.hint
        == "the kernel maps memory at 0x100000000, the file ends at 0x1000000: "
        + "RAM above a hole is displaced; try --hole 0x800000..0x100000000")
  }

  /// A hole that somebody gave may end, or begin, at the wrong place.
  @Test(arguments: [8 << 20..<8 << 30, 9 << 20..<1 << 32, 8 << 20..<1 << 31] as [Range<UInt64>])
  func aWrongHoleIsCorrected(hole: Range<UInt64>) throws {
    let found = try #require(
      displaced([0..<8 << 20, 1 << 32..<(1 << 32) + 8 << 20], fileSize: 16 << 20, hole: hole))
    #expect(found.hole == PhysicalRange(PhysicalAddress(8 << 20), PhysicalAddress(1 << 32)))
    #expect(found.hint.contains("read with this hole"))
  }

  @Test func theRightHoleIsRight() {
    let pieces: [Range<UInt64>] = [0..<8 << 20, 1 << 32..<(1 << 32) + 8 << 20]
    #expect(displaced(pieces, fileSize: 16 << 20, hole: 8 << 20..<1 << 32) == nil)
    // The kernel may map less than there is.
    #expect(displaced(pieces, fileSize: 20 << 20, hole: 8 << 20..<1 << 32) == nil)
  }

  /// The firmware keeps some memory below the hole, which the kernel does not map.
  @Test func theHoleStartsBehindWhatTheFirmwareKeeps() throws {
    let found = try #require(
      displaced([0..<62 << 20, 1 << 32..<(1 << 32) + 64 << 20], fileSize: 128 << 20))
    #expect(found.hole?.start.value == 64 << 20)
  }

  @Test func aFileThatEndsEarlyHasNoHoleToName() throws {
    let found = try #require(displaced([0..<8 << 20, 1 << 32..<(1 << 32) + 8 << 20], fileSize: 12 << 20))
    #expect(found.hole == nil && found.hint.contains("--layout"))
  }

  @Test func aWholeFileIsRight() {
    #expect(displaced([0..<16 << 20], fileSize: 16 << 20) == nil)
  }

  /// Small kernels map as much as there could be, or a device.
  @Test func aMapOfMoreThanThereIsSaysNothing() {
    #expect(displaced([0..<64 << 20], fileSize: 16 << 20) == nil)
    #expect(displaced([0..<16 << 20, 0xfe00_0000..<0x1_0000_0000], fileSize: 16 << 20) == nil)
  }
}
