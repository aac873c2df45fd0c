import MemoryImages
import PageTables
import TestSupport
import Testing

#if LibKdumpfile
  /// LKCD files, version 8 (its `dump.h`).
  @Suite struct LkcdTests {
    private static let pages = [
      (address: UInt64(0x5000), bytes: imagePages(at: 0x5000, pages: 1)),
      (address: UInt64(0x2000), bytes: imagePages(at: 0x2000, pages: 1)),
    ]

    private static func dump() -> [UInt8] {
      var image = ImageBytes()
      image.little(UInt64(0xa819_0173_618f_23ed))
      for value in [8, 742, 4, 4096] as [UInt32] { image.little(value) }
      for value in [0x6000, 0, 0x6000] as [UInt64] { image.little(value) }
      image.little(UInt32(pages.count))
      image.text("panic", size: 256)
      for _ in 0..<2 { image.little(UInt64(0)) }
      for name in ["Linux", "test", "2.4.21", "#1", "i686", "(none)"] { image.text(name, size: 65) }
      image.text("", size: 65536 - image.bytes.count)
      for page in pages {
        image.little(page.address)
        image.little(UInt32(4096))
        image.little(UInt32(1))
        image.bytes += page.bytes
      }
      image.little(UInt64(0))
      image.little(UInt32(0))
      image.little(UInt32(4))
      return image.bytes
    }

    @Test func pagesComeThroughTheLibrary() throws {
      let file = ImageFile(Self.dump())
      let image = try MemoryImage.open(file.path)
      #expect(image.format == "LKCD")
      #expect(image.machine == .i386)
      #expect(image.warnings.isEmpty)
      #expect(image.memory.extent.readable.ranges == [range(0x2000, 0x3000), range(0x5000, 0x6000)])
      for page in Self.pages { #expect(answer(image, page.address) == .success(page.bytes)) }
    }

    @Test func aFileThatEndsEarlyHasWhatStandsBefore() throws {
      let file = ImageFile(Array(Self.dump().dropLast(100)))
      let image = try MemoryImage.open(file.path)
      #expect(image.warnings == ["the file ends early: within a page"])
      #expect(image.memory.extent.readable.ranges == [range(0x5000, 0x6000)])
    }

    @Test func sizesAreCheckedBeforeTheLibraryReads() throws {
      let second = 65536 + 16 + 4096
      let file = ImageFile(
        Self.dump().patched(UInt32(65536), at: second + 8).patched(UInt32(2), at: second + 12))
      let image = try MemoryImage.open(file.path)
      #expect(image.warnings.count == 1)
      #expect(answer(image, 0x2000) == .failure(.outsidePhysicalMemory))
      for size in [0, 1, 4097, 1 << 30] as [UInt32] {
        file.replace(with: Self.dump().patched(size, at: 20))
        #expect(openingError(file.path)?.corruption?.problem.contains("dh_page_size") == true)
      }
    }
  }
#endif
