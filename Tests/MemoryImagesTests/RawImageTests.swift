import MemoryImages
import PageTables
import TestSupport
import Testing

@Suite struct RawImageTests {
  private static let bytes = imagePages(at: 0, pages: 32)

  private func page(_ number: Int) -> Result<[UInt8], MissingPage> {
    .success(Array(Self.bytes[number * 4096..<(number + 1) * 4096]))
  }

  @Test func fileOffsetsArePhysicalAddresses() throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    #expect(answer(image, 0x1f000) == page(31))
    #expect(answer(image, 0x20000) == .failure(.outsidePhysicalMemory))
    #expect(image.warnings.isEmpty)
  }

  @Test func theBaseMovesIt() throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw, base: 0x4000_0000))
    #expect(answer(image, 0x4000_1000) == page(1))
    #expect(answer(image, 0x1000) == .failure(.outsidePhysicalMemory))
  }

  @Test func theFileGoesOnAfterEachHole() throws {
    let file = ImageFile(Self.bytes)
    let options = SourceOptions(format: .raw, holes: [range(0x10000, 0x20000), range(0x2000, 0x3000)])
    let image = try MemoryImage.open(file.path, options: options)
    #expect(answer(image, 0x1000) == page(1))
    #expect(answer(image, 0x2000) == .failure(.outsidePhysicalMemory))
    #expect(answer(image, 0x3000) == page(2))
    #expect(answer(image, 0xf000) == page(14))
    #expect(answer(image, 0x10000) == .failure(.outsidePhysicalMemory))
    #expect(answer(image, 0x20000) == page(15))
    #expect(image.memory.extent.readable.length == 32 * 4096)
  }

  @Test func thePcLayoutPutsTheRestAtFourGigabytes() throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw, layoutPC: 0x10000))
    #expect(answer(image, 0xf000) == page(15))
    #expect(answer(image, 0x10000) == .failure(.outsidePhysicalMemory))
    #expect(answer(image, 0x1_0000_0000) == page(16))
  }

  @Test(arguments: [
    SourceOptions(format: .raw, base: 0x123), SourceOptions(format: .raw, layoutPC: 0),
    SourceOptions(format: .raw, layoutPC: 5 << 30), SourceOptions(format: .lime),
    SourceOptions(format: .elf, base: 0x1000),
  ])
  func optionsThatCannotBeTrueAreRefused(options: SourceOptions) {
    let file = ImageFile(Self.bytes)
    #expect(openingError(file.path, options: options) != nil)
  }

  @Test func aBaseNearTheTopCutsTheFile() throws {
    let file = ImageFile(Self.bytes)
    let options = SourceOptions(format: .raw, base: .max - 0x2fff)
    let image = try MemoryImage.open(file.path, options: options)
    #expect(answer(image, .max - 0x2fff) == page(0))
    #expect(!image.warnings.isEmpty)
  }

  @Test func unknownContentIsTakenForRawMemoryWithAWarning() throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path)
    #expect(image.format == "raw")
    #expect(image.warnings.count == 1)
    #expect(image.warnings.first?.contains("--format raw") == true)
  }

  @Test(arguments: [32 * 4096 - 1, 15 * 4096, 10])
  func whatHasNotTheSizeOfMemoryIsAnUnknownFormat(size: Int) throws {
    let file = ImageFile(Array(Self.bytes[..<size]))
    #expect(openingError(file.path) == .unknownFormat(file.path))
    let text = ImageError.unknownFormat(file.path).description
    for word in ["ELF", "LiME", "AVML", "kdump", "--format raw"] { #expect(text.contains(word)) }
  }

  @Test func theLastPartOfAPageIsLeftOut() throws {
    let file = ImageFile(Array(Self.bytes[..<5000]))
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    #expect(answer(image, 0) == page(0))
    #expect(answer(image, 0x1000) == .failure(.notInDump))
    #expect(image.warnings == ["the file ends within a page; its last 904 bytes are left out"])
  }

  @Test(
    "A hole begins and ends with a page",
    arguments: [(0x1800, 0x3000), (0x1000, 0x3800)] as [(UInt64, UInt64)])
  func unalignedHoles(_ start: UInt64, _ end: UInt64) throws {
    let file = ImageFile(Self.bytes)
    let hole = PhysicalRange(PhysicalAddress(start), PhysicalAddress(end))
    #expect(throws: ImageError.self) {
      try MemoryImage.open(file.path, options: SourceOptions(format: .raw, holes: [hole]))
    }
  }
}
