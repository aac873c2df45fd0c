import Glibc
import MemoryImages
import TestSupport
import Testing

@Suite struct OpeningTests {
  @Test func aFileThatIsNotThere() {
    let path = ImageFile.unusedPath("nothing")
    #expect(openingError(path) == .noSuchFile(path))
    #expect(openingError(path + "/below") == .noSuchFile(path + "/below"))
  }

  @Test func aFolder() {
    #expect(openingError("/") == .isDirectory("/"))
  }

  @Test func anEmptyFile() {
    let file = ImageFile([])
    #expect(openingError(file.path) == .emptyFile(file.path))
  }

  @Test func aDeviceOrAPipeIsRefusedAndDoesNotBlock() {
    #expect(openingError("/dev/null") == .notARegularFile("/dev/null"))
    let path = ImageFile.unusedPath("pipe")
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    #expect(openingError(path) == .notARegularFile(path))
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func aFileWithoutPermission() {
    let file = ImageFile([1])
    chmod(file.path, 0)
    #expect(openingError(file.path) == .noPermission(file.path))
  }

  @Test(arguments: ["nfs:/export/dump", "bogus:localhost:1"])
  func aSchemeThatIsNotKnown(source: String) {
    #expect(openingError(source) == .unknownSource(source))
  }

  @Test func aColonInTheNameOfAFileIsNoScheme() throws {
    let file = ImageFile(imageLime([ImageRange(start: 0, bytes: imagePages(at: 0, pages: 1))]), name: "a:b")
    #expect(try MemoryImage.open(file.path).format == "LiME")
  }

  @Test(arguments: [
    ImageError.noSuchFile("a\nb\u{1b}[31m\u{85}"), .corrupt("a\u{2028}b", offset: 1, problem: "x\ry"),
    .system("a", operation: "open", reason: "b\u{7f}"),
  ])
  func controlCharactersDoNotGetIntoMessages(error: ImageError) {
    #expect(
      error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && $0.value != 0x85 }
    )
    #expect(error.description.split(whereSeparator: \.isNewline).count == 1)
  }

  @Test func severalTasksReadAtOnce() async throws {
    // A page of its own in each of 256 chunks: more than any cache of chunks keeps.
    let contents = imagePages(at: 0, pages: 256)
    let ranges = [ImageRange(start: 0, bytes: contents)]
    let flattened = imageFlattened(imageLime(ranges))
    for bytes in [imageLime(ranges), imageAvml(ranges, chunkSize: 4096), flattened] {
      let file = ImageFile(bytes)
      let image = try MemoryImage.open(file.path)
      let wrong = await withTaskGroup(of: Int.self) { group in
        for task in 0..<4 {
          group.addTask {
            (0..<600).count { step in
              let page = (step &* 37 &+ task) % 256
              return answer(image, UInt64(page) << 12)
                != .success(Array(contents[page << 12..<(page + 1) << 12]))
            }
          }
        }
        return await group.reduce(0, +)
      }
      #expect(wrong == 0)
    }
  }

  @Test func damagedFilesBreakNoPromise() {
    #expect(fuzzImages(seed: 1, iterations: 3000) == [])
  }
}
