import Glibc
import MemoryImages
import PageTables
import TestSupport
import Testing

/// A file with holes: what lies in them is memory of zeroes, and no pass over all of memory looks at it.
@Suite struct SparseFileTests {
  private static let page = imagePages(at: 0x5000, pages: 1)

  /// A file of a tebibyte with a page of data at some places.
  private func sparse(_ offsets: [UInt64], behind head: [UInt8] = []) -> ImageFile {
    let file = ImageFile(head.isEmpty ? [0] : head)
    #expect(truncate(file.path, 1 << 40) == 0)
    let descriptor = open(file.path, O_WRONLY)
    defer { close(descriptor) }
    for offset in offsets { #expect(pwrite(descriptor, Self.page, 4096, off_t(offset)) == 4096) }
    return file
  }

  @Test func onlyWhatHoldsDataIsPopulated() throws {
    let file = sparse([64 << 30, 800 << 30])
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    let populated = image.memory.populated
    for address in [0, 64 << 30, 800 << 30] as [UInt64] {
      #expect(populated.contains(PhysicalAddress(address)), "\(address)")
    }
    // File systems keep data in blocks that may be larger than a page.
    #expect(populated.length < 64 << 20)
    #expect(image.memory.extent.readable.length == 1 << 40)
    #expect(answer(image, 800 << 30) == .success(Self.page))
    #expect(answer(image, 800 << 30 - 1 << 30) == .success([UInt8](repeating: 0, count: 4096)))
  }

  @Test func theRangesOfAnElfCoreAreSpokenOfByPhysicalAddress() throws {
    let size: UInt64 = 1 << 38
    var elf = ImageElfBuilder(loads: [.init(physical: 1 << 44, bytes: [])])
    elf.notes = [("QEMU", 0, imageQemuNote(cr0: 1, cr3: 2, cr4: 3, instructionPointer: 4))]
    let head = elf.build()
    let header = elf.segmentOffset(1)
    let file = sparse(
      [(1 << 37) + 4096],
      behind: head.patched(UInt64(4096), at: header + 8).patched(size, at: header + 32)
        .patched(size, at: header + 40))
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 1 << 44 + 1 << 37) == .success(Self.page))
    #expect(image.memory.populated.contains(PhysicalAddress(1 << 44 + 1 << 37)))
    #expect(image.memory.populated.length < 64 << 20)
  }
}
