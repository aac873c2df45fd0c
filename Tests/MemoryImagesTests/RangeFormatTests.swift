import MemoryImages
import PageTables
import TestSupport
import Testing

@Suite struct RangeFormatTests {
  private static let low = imagePages(at: 0x1000, pages: 3)
  private static let high = imagePages(at: 0x1_0000_0000, pages: 2)
  private static let ranges = [
    ImageRange(start: 0x1000, bytes: low), ImageRange(start: 0x1_0000_0000, bytes: high),
  ]

  @Test func limePagesAreFound() throws {
    let file = ImageFile(imageLime(Self.ranges))
    let image = try MemoryImage.open(file.path)
    #expect(image.format == "LiME")
    #expect(answer(image, 0x3000) == .success(Array(Self.low[0x2000...])))
    #expect(answer(image, 0x1_0000_1000) == .success(Array(Self.high[0x1000...])))
    #expect(answer(image, 0) == .failure(.outsidePhysicalMemory))
    #expect(answer(image, 0x4000) == .failure(.outsidePhysicalMemory))
    #expect(image.warnings.isEmpty)
  }

  @Test func aTruncatedLimeRangeShowsWhatIsThere() throws {
    let bytes = imageLime(Self.ranges)
    let file = ImageFile(Array(bytes.dropLast(10)))
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x1_0000_0000) == .success(Array(Self.high[..<0x1000])))
    #expect(answer(image, 0x1_0000_1000) == .failure(.notInDump))
    #expect(image.warnings == ["the file ends early: 1 page of its memory missing"])
  }

  @Test(arguments: [(0, "no LiME header"), (4, "version 255"), (16, "before its start")])
  func aLyingSecondHeaderLeavesTheFirstRange(lie: (field: Int, words: String)) throws {
    let second = 32 + Self.low.count
    let bytes = imageLime(Self.ranges)
    let file = ImageFile(
      lie.field == 16
        ? bytes.patched(UInt64(0xff), at: second + 16) : bytes.patched(UInt32(0xff), at: second + lie.field))
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x1000) == .success(Array(Self.low[..<0x1000])))
    #expect(image.warnings.count == 1)
    #expect(image.warnings[0].contains(lie.words))
    #expect(image.warnings[0].contains("0x\(String(second, radix: 16))"))
  }

  @Test func aLimeFileOfAnotherVersionIsRefused() {
    let file = ImageFile(imageLime(Self.ranges).patched(UInt32(2), at: 4))
    #expect(openingError(file.path)?.corruption?.problem.contains("version 2") == true)
  }

  @Test func aLimeRangeOfAllAddressesDoesNotOverflow() throws {
    let bytes = imageLime(Self.ranges).patched(UInt64(0x1000), at: 8).patched(UInt64.max, at: 16)
    let file = ImageFile(bytes)
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x1000) == .success(Array(Self.low[..<0x1000])))
    #expect(answer(image, 1 << 60) == .failure(.notInDump))
    #expect(!image.warnings.isEmpty)
  }

  @Test(arguments: [65536, 4096, 5000])
  func avmlPagesAreDecompressed(chunkSize: Int) throws {
    let run = [UInt8](repeating: 0x5a, count: 4096) + Self.low
    let file = ImageFile(
      imageAvml([ImageRange(start: 0x1000, bytes: run), Self.ranges[1]], chunkSize: chunkSize))
    let image = try MemoryImage.open(file.path)
    #expect(image.format == "AVML")
    for page in 0..<4 {
      let expected = Array(run[page * 4096..<(page + 1) * 4096])
      #expect(answer(image, 0x1000 + UInt64(page) * 4096) == .success(expected))
    }
    #expect(answer(image, 0x1_0000_1000) == .success(Array(Self.high[0x1000...])))
    #expect(answer(image, 0x5000) == .failure(.outsidePhysicalMemory))
    #expect(image.warnings.isEmpty)
  }

  @Test func aBlockThatAvmlLeftOutIsNotInTheDump() throws {
    let block: UInt64 = 16 << 20
    let zero = [UInt8](repeating: 0, count: Int(block))
    let file = ImageFile(
      imageAvml([ImageRange(start: 0, bytes: zero), ImageRange(start: 2 * block, bytes: Self.low)]))
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, block) == .failure(.notInDump))
    #expect(answer(image, 0) == .success([UInt8](repeating: 0, count: 4096)))
  }

  @Test func aDamagedAvmlChunkIsNotInTheDump() throws {
    var bytes = imageAvml([ImageRange(start: 0, bytes: [UInt8](repeating: 1, count: 0x20000))])
    // The first copy's distance: header 32, identifier 10, chunk header 8, length 3, literal 2, tag 1.
    bytes[56] = 200
    let file = ImageFile(bytes)
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0) == .failure(.notInDump))
    #expect(answer(image, 0x10000) == .success([UInt8](repeating: 1, count: 4096)))
  }

  @Test(arguments: ["LiME", "AVML"])
  func truncationAtEveryByteOpensOrFailsWithOneLine(format: String) {
    let ranges = [ImageRange(start: 0x1000, bytes: Array(Self.low[..<4096])), Self.ranges[1]]
    let bytes = format == "LiME" ? imageLime(ranges) : imageAvml(ranges, chunkSize: 4096)
    let firstRange = (format == "LiME" ? imageLime([ranges[0]]) : imageAvml([ranges[0]], chunkSize: 4096))
      .count
    let file = ImageFile(bytes)
    for length in 1..<bytes.count {
      // Cut between two ranges, it looks like a whole file.
      let isFull = length == firstRange
      guard length < 200 || length % 61 == 0 || (4000..<4300).contains(length) else { continue }
      file.replace(with: Array(bytes[..<length]))
      if let image = try? MemoryImage.open(file.path) {
        #expect(image.warnings.isEmpty == isFull, "\(length) of \(bytes.count) bytes")
      } else {
        #expect(openingError(file.path)?.description.contains("\n") == false)
      }
    }
  }

  /// The examples of the format's own description, put together by hand.
  @Test func snappyElementsOfEveryKind() throws {
    // 9 bytes "abcdabcda": a literal of 4 and a copy of 5 at distance 4, in each of the three forms.
    let copies: [[UInt8]] = [[0x05, 4], [0x12, 4, 0], [0x13, 4, 0, 0, 0]]
    for copy in copies {
      let block: [UInt8] = [9, 0x0c, 0x61, 0x62, 0x63, 0x64] + copy
      let image = try Self.open(snappy: block + [], length: 9)
      #expect(image == "abcdabcda")
    }
  }

  /// Opens a one-page AVML file whose first bytes come from `block`; the rest is a stored chunk.
  private static func open(snappy block: [UInt8], length: Int) throws -> String {
    var bytes = ImageBytes()
    bytes.bytes = Array("AVML".utf8)
    bytes.little(UInt32(2))
    bytes.little(UInt64(0))
    bytes.little(UInt64(4095))
    bytes.little(UInt64(0))
    let start = bytes.bytes.count
    bytes.little(UInt32(block.count + 4) << 8)
    bytes.little(UInt32(0))
    bytes.bytes += block
    bytes.little(UInt32(4096 - length + 4) << 8 | 1)
    bytes.bytes += [UInt8](repeating: 0, count: 4 + 4096 - length)
    bytes.little(UInt64(bytes.bytes.count - start))
    let file = ImageFile(bytes.bytes)
    let page = try answer(MemoryImage.open(file.path), 0).get()
    return String(decoding: page[..<length], as: UTF8.self)
  }
}
