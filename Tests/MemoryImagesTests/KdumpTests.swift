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
    #expect(image.warnings.count == 1)
    #expect(answer(image, 0x4000) == .success(Self.page))
  }

  @Test func flattenedTwiceIsRefused() {
    let file = ImageFile(imageFlattened(imageFlattened(Self.elf)))
    #expect(openingError(file.path)?.corruption != nil)
  }
}

#if LibKdumpfile
  @Suite struct KdumpTests {
    private static let pages = [
      3: imagePages(at: 0x3000, pages: 1), 4: imagePages(at: 0x4000, pages: 1),
      90: imagePages(at: 90 << 12, pages: 1),
    ]

    private static func kdump() -> [UInt8] {
      var notes = ImageBytes()
      let note = imageQemuNote(cr0: 1, cr3: 0x3000, cr4: 0x20, instructionPointer: 5)
      notes.little(UInt32(5))
      notes.little(UInt32(note.count))
      notes.little(UInt32(0))
      notes.text("QEMU", size: 8)
      notes.bytes += note
      return imageKdump(pageCount: 100, pages: pages, notes: notes.bytes)
    }

    @Test(arguments: [false, true])
    func pagesComeThroughTheLibrary(isFlattened: Bool) throws {
      let file = ImageFile(isFlattened ? imageFlattened(Self.kdump()) : Self.kdump())
      let image = try MemoryImage.open(file.path)
      #expect(image.format == (isFlattened ? "kdump (flattened)" : "kdump"))
      for (page, bytes) in Self.pages { #expect(answer(image, UInt64(page) << 12) == .success(bytes)) }
      #expect(image.machine == .x86_64)
    }

    @Test func filteredPagesAreNotInTheDump() throws {
      let file = ImageFile(Self.kdump())
      let image = try MemoryImage.open(file.path)
      #expect(answer(image, 0) == .failure(.notInDump))
      #expect(answer(image, 0x5000) == .failure(.notInDump))
      #expect(answer(image, 99 << 12) == .failure(.notInDump))
      #expect(answer(image, 100 << 12) == .failure(.outsidePhysicalMemory))
      #expect(image.memory.extent.readable.ranges == [range(0x3000, 0x5000), range(90 << 12, 91 << 12)])
      #expect(image.memory.extent.physical.ranges == [range(0, 100 << 12)])
    }

    @Test func pagesThatTheFileCannotDescribeAreMissing() throws {
      // Room for the descriptions of two of the three pages.
      let file = ImageFile(Array(Self.kdump()[..<(4 * 4096 + 2 * 24 + 10)]))
      let image = try MemoryImage.open(file.path)
      #expect(image.memory.extent.readable.ranges == [range(0x3000, 0x5000)])
      #expect(image.warnings == ["the file ends early: 1 page missing"])
      #expect(answer(image, 0x3000) == .failure(.notInDump))
    }

    @Test func qemusNotesAreInTheSubHeader() throws {
      let file = ImageFile(Self.kdump())
      let image = try MemoryImage.open(file.path)
      #expect(image.cpus.map(\.cr3) == [0x3000])
      #expect(image.cpus.map(\.instructionPointer) == [5])
    }

    @Test(arguments: [(428, "block_size"), (432, "sub_hdr_size"), (436, "bitmap"), (440, "max_mapnr")])
    func aLyingHeaderIsRefused(lie: (field: Int, word: String)) {
      for value in [UInt32.max, 0x7fff_fff0, 0x4000_0001] {
        let file = ImageFile(Self.kdump().patched(value, at: lie.field))
        #expect(openingError(file.path)?.corruption?.problem.contains(lie.word) == true)
      }
    }

    @Test(arguments: [(32, "vmcoreinfo"), (48, "note"), (64, "eraseinfo"), (96, "max_mapnr_64")])
    func aLyingSubHeaderIsRefused(lie: (field: Int, word: String)) {
      // A size for the range, and an offset at which it ends past the file.
      let bytes = Self.kdump().patched(UInt64(4096), at: 4096 + lie.field + 8)
      for value in [UInt64.max, 1 << 40, UInt64(bytes.count) << 8] {
        let file = ImageFile(bytes.patched(value, at: 4096 + lie.field))
        #expect(openingError(file.path)?.corruption?.problem.contains(lie.word) == true)
      }
    }

    @Test func truncationAtEveryByteOfTheHeadersIsAnError() {
      let bytes = Self.kdump()
      let file = ImageFile(bytes)
      for length in 8..<4 * 4096 where length < 600 || length % 53 == 0 {
        file.replace(with: Array(bytes[..<length]))
        #expect(openingError(file.path) != nil)
      }
    }
  }
#else
  @Suite struct KdumpTests {
    @Test func withoutTheLibraryTheMessageSaysSo() {
      let file = ImageFile(imageKdump(pageCount: 10, pages: [3: imagePages(at: 0x3000, pages: 1)]))
      #expect(openingError(file.path)?.description.contains("LibKdumpfile") == true)
    }
  }
#endif
