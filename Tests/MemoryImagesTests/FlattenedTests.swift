import Glibc
import MemoryImages
import PageTables
import TestSupport
import Testing

@Suite struct FlattenedTests {
  private static let page = imagePages(at: 0x4000, pages: 1)
  private static let elf = ImageElfBuilder(loads: [.init(physical: 0x4000, bytes: page)]).build()

  @Test func recordsArePutInOrder() throws {
    let file = ImageFile(imageFlattened(Self.elf, recordSize: 700))
    let image = try MemoryImage.open(file.path)
    #expect(image.format == "ELF core (flattened)")
    #expect(answer(image, 0x4000) == .success(Self.page))
    #expect(image.warnings.isEmpty)
  }

  @Test(arguments: [0, 8])
  func anImpossibleRecordIsRefused(field: Int) {
    for value in [UInt64(1) << 63, UInt64(1) << 44, UInt64.max - 1] {
      let file = ImageFile(imageFlattened(Self.elf).patched(value.byteSwapped, at: 4096 + field))
      #expect(openingError(file.path)?.corruption?.offset == 4096)
    }
  }

  @Test func scatteredBytesDoNotTakeMemoryOutOfProportion() {
    var bytes = ImageBytes()
    bytes.bytes = Array(imageFlattened([])[..<4096])
    for record in 0..<UInt64(20000) {
      bytes.big(record << 20)
      bytes.big(UInt64(1))
      bytes.bytes.append(1)
    }
    let file = ImageFile(bytes.bytes)
    #expect(openingError(file.path)?.corruption?.problem.contains("impossible place") == true)
  }

  @Test func aMissingEndMarkIsAWarning() throws {
    let file = ImageFile(Array(imageFlattened(Self.elf).dropLast(16)))
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings == ["the file ends early: its flattened form has no end mark"])
    #expect(answer(image, 0x4000) == .success(Self.page))
  }

  @Test func aFileThatEndsBeforeTheFirstRecordSaysSo() {
    let file = ImageFile(Array(imageFlattened(Self.elf)[..<3000]))
    #expect(openingError(file.path)?.corruption?.problem.contains("the file ends early") == true)
  }

  @Test func aFileThatEndsWithinARecordIsAWarning() throws {
    // The last record holds the first bytes: the headers are there, and of it the last byte is not.
    let file = ImageFile(Array(imageFlattened(Self.elf, recordSize: 700).dropLast(17)))
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings == ["the file ends early: within a record of its flattened form"])
  }

  @Test func zeroesThatAreWrittenLaterReplaceWhatWasThere() throws {
    var bytes = imageFlattened(Self.elf)
    bytes.removeLast(16)
    var image = ImageBytes()
    image.bytes = bytes
    image.big(UInt64(Self.elf.count - 4096))
    image.big(UInt64(4096))
    image.bytes += [UInt8](repeating: 0, count: 4096)
    for _ in 0..<2 { image.big(UInt64.max) }
    let file = ImageFile(image.bytes)
    #expect(answer(try MemoryImage.open(file.path), 0x4000) == .success([UInt8](repeating: 0, count: 4096)))
  }

  @Test func holesOfTheFileTakeNoRoom() throws {
    // One record of 256 GiB, more than there is room for: the core, and a hole behind it.
    let size = 256 << 30
    var image = ImageBytes()
    image.bytes = Array(imageFlattened([])[..<4096])
    image.big(UInt64(0))
    image.big(UInt64(size))
    image.bytes += Self.elf
    let file = ImageFile(image.bytes)
    try #require(truncate(file.path, off_t(4096 + 16 + size)) == 0)
    let opened = try MemoryImage.open(file.path)
    #expect(answer(opened, 0x4000) == .success(Self.page))
  }

  @Test func flattenedTwiceIsRefused() {
    let file = ImageFile(imageFlattened(imageFlattened(Self.elf)))
    #expect(openingError(file.path)?.corruption != nil)
  }
}
