import MemoryImages
import PageTables
import TestSupport
import Testing

#if LibKdumpfile
  /// What a kdump file says, and libkdumpfile must not believe.
  @Suite struct KdumpHostileTests {
    private static let pages = [
      3: imagePages(at: 0x3000, pages: 1), 4: imagePages(at: 0x4000, pages: 1),
      90: imagePages(at: 90 << 12, pages: 1),
    ]

    private static func kdump() -> [UInt8] { imageKdump(pageCount: 100, pages: pages) }

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

    @Test(arguments: [(20, "vmcoreinfo"), (32, "note"), (44, "eraseinfo"), (72, "max_mapnr_64")])
    func aLyingSubHeaderOf32BitsIsRefused(lie: (field: Int, word: String)) {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.is64 = false
      builder.machine = "i686"
      let bytes = builder.build()
      // An offset far outside; for ranges a size as well, which alone would take 4 GiB.
      var lies = [bytes.patched(UInt64(1) << 40, at: 4096 + lie.field)]
      if lie.field < 72 {
        lies[0] = lies[0].patched(UInt32(16), at: 4096 + lie.field + 8)
        lies.append(bytes.patched(UInt32(0xffff_fff0), at: 4096 + lie.field + 8))
      }
      for bytes in lies {
        let file = ImageFile(bytes)
        #expect(openingError(file.path)?.corruption?.problem.contains(lie.word) == true)
      }
    }

    @Test func aSubHeaderIsCheckedThoughTheHeaderSaysThatThereIsNone() {
      let bytes = Self.kdump().patched(Int32(0), at: 432).patched(UInt64.max, at: 4096 + 56)
      let file = ImageFile(bytes)
      #expect(openingError(file.path)?.corruption?.problem.contains("note") == true)
    }

    @Test func theLayoutIsCheckedThatTheLibraryTakes() {
      // In a file of 64 bits, fields of a 32-bit header that fit together are taken for one, also big-endian.
      let narrow = Self.kdump().patched(UInt32(4096), at: 416).patched(UInt32(2), at: 424)
      let swapped = Self.kdump().patched(UInt32(4096).byteSwapped, at: 416)
        .patched(UInt32(0x7fff_ffff).byteSwapped, at: 424)
      for bytes in [narrow, swapped] {
        let file = ImageFile(bytes)
        #expect(openingError(file.path) != nil)
      }
    }

    /// The library reads a compressed page of up to 256 KiB into a buffer of a page's size.
    @Test(arguments: [1, 2, 4, 0x20] as [UInt32])
    func aCompressedPageLargerThanAPageIsMissing(compression: UInt32) throws {
      let builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      let first = builder.descriptionsOffset
      let file = ImageFile(
        builder.build().patched(UInt32(4097), at: first + 8).patched(compression, at: first + 12))
      let image = try MemoryImage.open(file.path)
      #expect(answer(image, 0x3000) == .failure(.notInDump))
      #expect(answer(image, 0x4000) == .success(Self.pages[4] ?? []))
    }

    /// The library's cache of 1024 pages loses count of its bytes when pages cannot be unpacked.
    @Test func manyPagesThatCannotBeUnpackedAreMissingAndTheOthersAreThere() throws {
      let count = 3000
      let pages = Dictionary(
        uniqueKeysWithValues: (0..<count).map { ($0, imagePages(at: UInt64($0) << 12, pages: 1)) })
      let builder = ImageKdumpBuilder(pageCount: count, pages: pages)
      let isDamaged = { (page: Int) in page % 3 == 1 }
      var bytes = builder.build()
      for page in 0..<count where isDamaged(page) {
        // What is there is no stream of zlib's.
        bytes[builder.descriptionsOffset + page * 24 + 12] = 1
      }
      let file = ImageFile(bytes)
      let image = try MemoryImage.open(file.path)
      for page in Array(0..<count) + (0..<count).reversed() {
        let expected: Result<[UInt8], MissingPage> =
          isDamaged(page) ? .failure(.notInDump) : .success(pages[page] ?? [])
        #expect(answer(image, UInt64(page) << 12) == expected)
      }
    }

    @Test(arguments: [
      "PAGESIZE=0\n", "PAGESIZE=1\n", "PAGESIZE=4097\n", "PAGESIZE=1073741824\n",
      "PAGESIZE=18446744073709551616\n",
      // Keys of the tree that the library makes: one without a name, below another, and longer than its stack.
      ".a=1\n", "a=1\na.b=2\n", "SIZE(a.b)=1\nSIZE(a)=2\n", "LONG=1\n",
    ])
    func whatTheLibraryDoesNotSurviveInVmcoreinfoIsRefused(text: String) {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      // Names of tests are printed: the long key is made here.
      let text = text.replacing("LONG", with: String(repeating: "k", count: 40000))
      builder.addNote("VMCOREINFO", Array("OSRELEASE=6.1.0\n\(text)".utf8))
      let file = ImageFile(builder.build())
      #expect(openingError(file.path)?.corruption != nil)
    }

    @Test func whatKernelsWriteIntoVmcoreinfoIsTaken() throws {
      let text = """
        OSRELEASE=6.1.0-37-cloud-amd64
        BUILD-ID=5d9e3f
        PAGESIZE=4096
        SYMBOL(init_uts_ns)=ffffffff8241c0a0
        OFFSET(uts_namespace.name)=0
        SIZE(page)=64
        OFFSET(page.flags)=0
        LENGTH(zone.free_area)=11
        NUMBER(phys_base)=-134217728
        KERNELOFFSET=2e000000
        CRASHTIME=1

        """
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.addNote("VMCOREINFO", Array(text.utf8))
      let file = ImageFile(builder.build())
      let image = try MemoryImage.open(file.path)
      #expect(image.vmcoreinfo == Array(text.utf8))
      #expect(answer(image, 0x3000) == .success(Self.pages[3] ?? []))
    }

    @Test func aNoteOfAnotherFormatIsRefused() {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.addNote(".note.Xen", type: 0x200_0001, [1, 2, 3, 4])
      let file = ImageFile(builder.build())
      #expect(openingError(file.path)?.corruption?.problem.contains("Xen") == true)
    }

    @Test(arguments: ["s390x", "ppc64le", "armv7l"])
    func aMachineThatIsNotSupportedIsNamed(machine: String) {
      var builder = ImageKdumpBuilder(pageCount: 100, pages: Self.pages)
      builder.machine = machine
      let file = ImageFile(builder.build())
      #expect(openingError(file.path)?.description.contains(machine) == true)
    }

    /// 4 MiB in which every other page is there would make lists of 400 MB, and 64 MiB of 6 GB.
    @Test(arguments: [true, false])
    func aBitmapOfEveryOtherPageIsRefused(is64: Bool) {
      var builder = ImageKdumpBuilder(pageCount: 1, pages: [0: Self.pages[3] ?? []])
      builder.is64 = is64
      builder.machine = is64 ? "x86_64" : "i686"
      builder.bitmapBlocks = 1024
      var bytes = builder.build()
      let bitmap = builder.bitmapOffset + 1024 * 4096
      bytes.replaceSubrange(bitmap..<bitmap + 1024 * 4096, with: repeatElement(0x55, count: 1024 * 4096))
      let file = ImageFile(bytes)
      #expect(openingError(file.path)?.description.contains("too scattered") == true)
    }
  }
#endif
