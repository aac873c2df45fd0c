import Glibc
import MemoryImages
import PageTables
import Synchronization
import TestSupport
import Testing

/// A file that somebody cuts short while it is open.
@Suite struct CutFileTests {
  private final class Flag: Sendable {
    let isCut = Atomic<Bool>(false)
  }

  private static let bytes = imagePages(at: 0, pages: 32)

  private func page(_ number: Int) -> Result<[UInt8], MissingPage> {
    .success(Array(Self.bytes[number * 4096..<(number + 1) * 4096]))
  }

  private func cut(_ file: borrowing ImageFile, to length: Int) {
    #expect(truncate(file.path, off_t(length)) == 0)
  }

  @Test func whatIsGoneIsMissingAndTheRestIsRead() throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    #expect(answer(image, 0x1f000) == page(31))
    #expect(image.loss == nil)
    cut(file, to: 0x10000)
    #expect(answer(image, 0x1f000) == .failure(.notInDump))
    #expect(answer(image, 0x10000) == .failure(.notInDump))
    #expect(answer(image, 0xf000) == page(15))
    #expect(image.loss == "\(file.path): became shorter while it was read: 16 pages missing")
  }

  @Test func thePageThatTheFileNowEndsInIsMissing() throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    cut(file, to: 0x10800)
    // The system gives zeroes for the rest of that page, and no signal.
    #expect(image.loss?.contains("became shorter") == true)
    #expect(answer(image, 0x10000) == .failure(.notInDump))
    #expect(answer(image, 0xf000) == page(15))
  }

  @Test func aFileThatGrowsAgainKeepsWhatIsGoneMissing() throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    cut(file, to: 0x10000)
    #expect(answer(image, 0x1f000) == .failure(.notInDump))
    cut(file, to: 0x20000)
    #expect(answer(image, 0x1f000) == .failure(.notInDump))
    #expect(answer(image, 0xf000) == page(15))
  }

  @Test func noFormatIsSpared() throws {
    let ranges = [ImageRange(start: 0, bytes: Self.bytes)]
    let elf = ImageElfBuilder(loads: [.init(physical: 0, bytes: Self.bytes, virtual: 0)])
    for bytes in [elf.build(), imageLime(ranges), imageAvml(ranges, chunkSize: 4096)] {
      let file = ImageFile(bytes)
      let image = try MemoryImage.open(file.path)
      cut(file, to: bytes.count / 2)
      #expect(answer(image, 0x1f000) == .failure(.notInDump), "\(image.format)")
      #expect(image.loss != nil, "\(image.format)")
    }
  }

  @Test func readersOnOtherThreadsGoOn() async throws {
    let file = ImageFile(Self.bytes)
    let image = try MemoryImage.open(file.path, options: SourceOptions(format: .raw))
    let flag = Flag()
    let wrong = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<3 {
        group.addTask {
          var wrong = 0
          var readsAfter = 0
          while readsAfter < 20 {
            let wasCut = flag.isCut.load(ordering: .acquiring)
            for number in 0..<32 {
              let read = answer(image, UInt64(number) << 12)
              // Either all bytes of the page or none; what was never gone is always there.
              if read != page(number) && (read != .failure(.notInDump) || number < 8) { wrong += 1 }
              if wasCut && number >= 8 && read == page(number) { wrong += 1 }
            }
            if wasCut { readsAfter += 1 }
            // The others of a pool of few threads must have their turn.
            await Task.yield()
          }
          return wrong
        }
      }
      try? await Task.sleep(for: .milliseconds(5))
      truncate(file.path, 0x8000)
      flag.isCut.store(true, ordering: .releasing)
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }
}
