import PageTables
import TestSupport
import Testing

@testable import MemoryImages

@Suite struct CaptureTests {
  private static let bytes = imagePages(at: 0x10_0000, pages: 16)
  private static let qemuNote = imageQemuNote(cr0: 1, cr3: 0x10_2000, cr4: 0x20, instructionPointer: 4)

  private static func source() -> [UInt8] {
    var elf = ImageElfBuilder(loads: [.init(physical: 0x10_0000, bytes: bytes, memorySize: 0x2_0000)])
    elf.machine = 3
    elf.notes = [("QEMU", 0, qemuNote), ("VMCOREINFO", 0, Array("OSRELEASE=6.1\n".utf8))]
    return elf.build()
  }

  private static let frames = [0x102, 0x103, 0x104, 0x10f, 0x100, 0x103, 0x900].map { Frame($0) }
  private static let lines = ["init\t1\t102000\tx86-pae\tcpu\t-\t", "naïve name\t2\t10f000\t\t\t\t"]

  private static let contents = CaptureContents(
    spaceLines: lines, regionLines: ["0x102000\t0x1000\t0x1fff\trw-p\t-\tuser\t[heap]"])

  @Test func aCaptureOpensWithWhatWasPutIntoIt() throws {
    let file = ImageFile(Self.source())
    let output = ImageFile([])
    let original = try MemoryImage.open(file.path)
    let summary = try CaptureWriter.write(
      frames: Self.frames, from: original.memory, image: original, contents: Self.contents, to: output.path,
      force: true)
    #expect(summary.framesWritten == 5)
    #expect(summary.framesMissing == 1)
    #expect(ImageFile.read(output.path)?.count == Int(summary.bytes))

    let image = try MemoryImage.open(output.path)
    #expect(image.format == "capture")
    #expect(image.capture == Self.contents)
    #expect(image.machine == .i386)
    #expect(image.cpus == original.cpus)
    #expect(image.vmcoreinfo == original.vmcoreinfo)
    #expect(image.warnings.isEmpty)
    for frame in Self.frames.prefix(5) {
      #expect(answer(image, frame.start.value) == answer(original, frame.start.value))
    }
  }

  @Test func theExtentIsThatOfTheDump() throws {
    let file = ImageFile(Self.source())
    let output = ImageFile([])
    let original = try MemoryImage.open(file.path)
    try CaptureWriter.write(
      frames: Self.frames, from: original.memory, image: original, contents: CaptureContents(spaceLines: []),
      to: output.path,
      force: true)
    let image = try MemoryImage.open(output.path)
    #expect(
      image.memory.extent.readable.ranges == [
        range(0x10_0000, 0x10_1000), range(0x10_2000, 0x10_5000), range(0x10_f000, 0x11_0000),
      ])
    #expect(image.memory.extent.dumped == original.memory.extent.dumped)
    #expect(image.memory.extent.physical == original.memory.extent.physical)
    // In the dump, but not in the capture; in the machine, but not in the dump; nowhere.
    #expect(image.memory.holds(PhysicalAddress(0x10_1000)))
    #expect(answer(image, 0x10_1000) == .failure(.notInDump))
    #expect(!image.memory.holds(PhysicalAddress(0x11_0000)))
    #expect(answer(image, 0x11_0000) == .failure(.notInDump))
    #expect(answer(image, 0x12_0000) == .failure(.outsidePhysicalMemory))
  }

  @Test func linesThatNobodyCouldMeanAreLeftOut() throws {
    var elf = ImageElfBuilder(loads: [.init(physical: 0x10_0000, bytes: Self.bytes)])
    let long = [UInt8](repeating: 0x61, count: 2 << 20)
    let many = Array(repeatElement(Array("a\n".utf8), count: 1 << 19).joined())
    elf.notes = [
      ("PAGEWALK", 1, long + Array("\nb\n".utf8)), ("PAGEWALK", 3, many), ("PAGEWALK", 3, many),
      ("PAGEWALK", 3, many),
    ]
    let file = ImageFile(elf.build())
    let capture = try #require(try MemoryImage.open(file.path).capture)
    #expect(capture.spaceLines == ["b"])
    #expect(capture.regionLines.count == 1 << 20)
  }

  @Test func aCaptureOfACaptureIsTheSame() throws {
    let file = ImageFile(Self.source())
    let first = ImageFile([])
    let second = ImageFile([])
    let original = try MemoryImage.open(file.path)
    try CaptureWriter.write(
      frames: Self.frames, from: original.memory, image: original, contents: Self.contents, to: first.path,
      force: true)
    let image = try MemoryImage.open(first.path)
    try CaptureWriter.write(
      frames: Self.frames, from: image.memory, image: image, contents: Self.contents, to: second.path,
      force: true)
    #expect(ImageFile.read(first.path) == ImageFile.read(second.path))
  }

  @Test func pagesLieOnPageBoundariesOfTheFile() throws {
    let file = ImageFile(Self.source())
    let output = ImageFile([])
    let image = try MemoryImage.open(file.path)
    try CaptureWriter.write(
      frames: [Frame(0x103)], from: image.memory, image: image, contents: Self.contents, to: output.path,
      force: true)
    let bytes = try #require(ImageFile.read(output.path))
    #expect(bytes.count % 4096 == 0)
    #expect(Array(bytes.suffix(4096)) == Array(Self.bytes[0x3000..<0x4000]))
  }

  @Test func moreRunsThanAHeaderCountsAreCountedInASection() {
    let runs = (0..<70_000).map { FrameRun(first: Frame($0 * 2), count: 1) }
    var image = ImageBytes()
    image.bytes = CoreHeaders(machine: .x86_64, runs: runs, noteSize: 0).bytes
    // e_phnum, and sh_info of the section header that e_shoff points at, behind the program headers.
    #expect(image.bytes[56..<58] == [0xff, 0xff])
    let section = 64 + 70_001 * 56
    #expect(Array(image.bytes[40..<48]) == Array([UInt8](repeating: 0, count: 8).patched(section, at: 0)))
    #expect(
      Array(image.bytes[section + 44..<section + 48]) == Array([0, 0, 0, 0].patched(UInt32(70_001), at: 0)))
  }

  @Test func anExistingFileIsKeptWithoutForce() throws {
    let file = ImageFile(Self.source())
    let output = ImageFile([1, 2, 3])
    let image = try MemoryImage.open(file.path)
    #expect(throws: ImageError.outputExists(output.path)) {
      try CaptureWriter.write(
        frames: Self.frames, from: image.memory, image: image, contents: CaptureContents(spaceLines: []),
        to: output.path, force: false)
    }
    #expect(ImageFile.read(output.path) == [1, 2, 3])
  }

  @Test func theSourceIsNeverReplaced() throws {
    let file = ImageFile(Self.source())
    let image = try MemoryImage.open(file.path)
    #expect(throws: ImageError.self) {
      try CaptureWriter.write(
        frames: Self.frames, from: image.memory, image: image, contents: CaptureContents(spaceLines: []),
        to: file.path, force: true)
    }
    #expect(ImageFile.read(file.path) == Self.source())
  }

  @Test func malformedExtentLinesAreCounted() throws {
    var elf = ImageElfBuilder(loads: [.init(physical: 0x1000, bytes: imagePages(at: 0, pages: 1))])
    elf.notes = [("PAGEWALK", 2, Array("physical 0 zz\ndumped 5 4\nnonsense\nphysical 0 9000\n".utf8))]
    let file = ImageFile(elf.build())
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings == ["3 lines of the capture's extent are malformed; left out"])
    #expect(image.memory.extent.physical.ranges == [range(0, 0x9000)])
  }

  // Memory that is written meanwhile: a capture of pages that were there, or one line and no file.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func aSourceThatChangesIsCapturedOrRefused(_ seed: UInt64) throws {
    let file = ImageFile(Self.source())
    let output = ImageFile([])
    let original = try MemoryImage.open(file.path)
    let memory = ChangingMemory(over: original.memory, pages: [0x10_0000], seed: seed)
    do {
      let summary = try CaptureWriter.write(
        frames: Self.frames, from: memory, image: original, contents: Self.contents, to: output.path,
        force: true)
      #expect(summary.framesWritten + summary.framesMissing == 6)
      let image = try MemoryImage.open(output.path)
      #expect(image.memory.extent.readable.length == UInt64(summary.framesWritten) * Frame.size)
    } catch {
      #expect("\(error)".contains("went away"))
      #expect(ImageFile.read(output.path)?.isEmpty == true)
    }
  }
}

@Suite struct DemoTests {
  @Test func theMemoryInsideTheProgramIsACapture() throws {
    let image = try BuiltInImage.guest.open()
    #expect(image.format == "capture")
    #expect(image.name == "demo")
    #expect(image.warnings.isEmpty)
    #expect(!image.cpus.isEmpty)
    #expect(image.capture?.spaceLines.isEmpty == false)
  }
}
