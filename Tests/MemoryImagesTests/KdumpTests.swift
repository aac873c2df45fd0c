import MemoryImages
import PageTables
import TestSupport
import Testing

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

    @Test func pagesThatTheFileCannotDescribeAreMissing() {
      // Room for the descriptions of two of the three pages, and for no page.
      let file = ImageFile(Array(Self.kdump()[..<(4 * 4096 + 2 * 24 + 10)]))
      #expect(
        openingError(file.path)?.corruption?.problem
          == "the file ends early: 3 pages missing, and no page left")
    }

    @Test(arguments: [false, true])
    func pagesBehindTheEndOfTheFileAreMissing(isFlattened: Bool) throws {
      let whole = Self.kdump()
      let cut = Array(whole[..<(whole.count - 4096 - 1)])
      let file = ImageFile(isFlattened ? imageFlattened(cut) : cut)
      let image = try MemoryImage.open(file.path)
      #expect(image.warnings == ["the file ends early: 2 pages missing"])
      #expect(image.memory.extent.readable.ranges == [range(0x3000, 0x4000)])
      #expect(answer(image, 0x3000) == .success(Self.pages[3] ?? []))
      #expect(answer(image, 0x4000) == .failure(.notInDump))
    }

    @Test func aDumpThatIsMarkedIncompleteIsAWarning() throws {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.status = 1 | 8
      let file = ImageFile(builder.build())
      #expect(try MemoryImage.open(file.path).warnings.count == 1)
      // A page in the middle whose description was never written: makedumpfile leaves zeroes.
      let second = builder.descriptionsOffset + 24
      file.replace(
        with: builder.build().patched(UInt64(0), at: second).patched(UInt64(0), at: second + 8))
      let image = try MemoryImage.open(file.path)
      #expect(image.warnings == ["the file ends early: 1 page missing"])
      #expect(image.memory.extent.readable.ranges == [range(0x3000, 0x4000), range(90 << 12, 91 << 12)])
    }

    @Test func aPartOfASplitDumpIsCalledThat() throws {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.part = 4..<100
      let file = ImageFile(builder.build())
      let image = try MemoryImage.open(file.path)
      #expect(image.warnings.count == 1)
      for word in ["one part", "4 to 99", "makedumpfile --reassemble"] {
        #expect(image.warnings.first?.contains(word) == true)
      }
      #expect(answer(image, 0x3000) == .failure(.notInDump))
      #expect(answer(image, 0x4000) == .success(Self.pages[4] ?? []))
      #expect(answer(image, 90 << 12) == .success(Self.pages[90] ?? []))
    }

    @Test func blocksLargerThanTheKernelsPagesAreServedInPieces() throws {
      // As QEMU writes AArch64: its blocks are the largest pages of the architecture, the kernel's are 4 KiB.
      let blocks = [1: imagePages(at: 0x10000, pages: 16), 3: imagePages(at: 0x30000, pages: 16)]
      var builder = ImageKdumpBuilder(pageCount: 5, pages: blocks)
      builder.block = 65536
      builder.addNote("VMCOREINFO", Array("OSRELEASE=6.1.0\nPAGESIZE=4096\n".utf8))
      let file = ImageFile(builder.build())
      let image = try MemoryImage.open(file.path)
      for (number, bytes) in blocks {
        for page in 0..<16 {
          let expected = Array(bytes[page << 12..<(page + 1) << 12])
          #expect(answer(image, UInt64(number << 16 + page << 12)) == .success(expected))
        }
      }
      #expect(image.memory.extent.readable.ranges == [range(0x10000, 0x20000), range(0x30000, 0x40000)])
      #expect(answer(image, 0x2f000) == .failure(.notInDump))
    }

    // QEMU calls it "Unknown"; only the kernel's own words tell.
    @Test func anAArch64DumpOfQEMUsIsNamed() throws {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.machine = "Unknown"
      builder.addNote(
        "VMCOREINFO", Array("OSRELEASE=6.1.0\nPAGESIZE=4096\nNUMBER(kimage_voffset)=0x1\n".utf8))
      let file = ImageFile(builder.build())
      #expect(try MemoryImage.open(file.path).machine == .aarch64)
    }

    @Test func aRISCVDumpOfQEMUsIsKnown() throws {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.machine = "Unknown"
      builder.addNote(
        "VMCOREINFO", Array("OSRELEASE=6.12.0\nPAGESIZE=4096\nNUMBER(va_kernel_pa_offset)=0x1\n".utf8))
      let file = ImageFile(builder.build())
      #expect(try MemoryImage.open(file.path).machine == .riscv)
    }

    @Test func aDumpOf32BitsOpens() throws {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.is64 = false
      builder.machine = "i686"
      builder.addNote("QEMU", imageQemuNote(cr0: 1, cr3: 0x3000, cr4: 0x20, instructionPointer: 5))
      let file = ImageFile(builder.build())
      let image = try MemoryImage.open(file.path)
      #expect(image.machine == .i386)
      #expect(image.cpus.count == 1)
      for (page, bytes) in Self.pages { #expect(answer(image, UInt64(page) << 12) == .success(bytes)) }
    }

    @Test func qemusNotesAreInTheSubHeader() throws {
      let file = ImageFile(Self.kdump())
      let image = try MemoryImage.open(file.path)
      #expect(image.cpus.map(\.cr3) == [0x3000])
      #expect(image.cpus.map(\.instructionPointer) == [5])
    }

    @Test func truncationAtEveryByteOfTheHeadersIsAnErrorThatSaysSo() {
      let bytes = Self.kdump()
      let file = ImageFile(bytes)
      for length in 8..<4 * 4096 where length < 600 || length % 53 == 0 {
        file.replace(with: Array(bytes[..<length]))
        #expect(openingError(file.path)?.description.contains("the file ends early") == true)
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
