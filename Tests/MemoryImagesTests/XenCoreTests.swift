import MemoryImages
import PageTables
import TestSupport
import Testing

/// What `xl dump-core` writes (Xen's `docs/misc/dump-core-format.txt`): an ELF core without segments.
@Suite struct XenCoreTests {
  private static let contents = imagePages(at: 0x7000, pages: 3)

  private static func page(_ index: Int) -> [UInt8] { Array(contents[index << 12..<(index + 1) << 12]) }

  private static func words(_ values: [UInt64]) -> [UInt8] {
    var image = ImageBytes()
    for value in values { image.little(value) }
    return image.bytes
  }

  /// The sections are: none, `.note.Xen`, those given, and their names.
  private static func core(
    _ sections: [(name: String, bytes: [UInt8])], pageSize: UInt64 = 4096
  ) -> [UInt8] {
    var note = ImageBytes()
    note.little(UInt32(4))
    note.little(UInt32(32))
    note.little(UInt32(0x200_0001))
    note.text("Xen", size: 4)
    note.bytes += words([0xf00f_ebed, 1, 3, pageSize])
    var all: [(name: String, bytes: [UInt8])] = [("", []), (".note.Xen", note.bytes)]
    all += sections
    var text: [UInt8] = []
    for name in all.map(\.name) + [".shstrtab"] { text += Array(name.utf8) + [0] }
    all.append((".shstrtab", text))
    var image = ImageBytes()
    image.bytes = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    image.little(UInt16(4))
    image.little(UInt16(62))
    image.little(UInt32(1))
    for offset in [0, 0, 64] as [UInt64] { image.little(offset) }
    image.little(UInt32(0))
    for value in [64, 0, 0, 64, UInt16(all.count), UInt16(all.count - 1)] as [UInt16] { image.little(value) }
    var name = 0
    var offset = 64 * (all.count + 1)
    for section in all {
      image.little(UInt32(name))
      image.little(UInt32(1))
      for value in [0, 0, UInt64(offset), UInt64(section.bytes.count)] as [UInt64] { image.little(value) }
      image.little(UInt64(0))
      for value in [1, 0] as [UInt64] { image.little(value) }
      name += section.name.utf8.count + 1
      offset += section.bytes.count
    }
    for section in all { image.bytes += section.bytes }
    return image.bytes
  }

  // Byte 216: `sh_offset` of the third section.
  @Test func aSectionThatLiesBehindAllFilesIsAnError() {
    let core = Self.core([(".xen_pages", Self.contents), (".xen_pfn", Self.words([0, 1, 2]))])
    let file = ImageFile(core.patched(0xffff_ffff_ffff_f800 as UInt64, at: 216))
    #expect(throws: ImageError.self) { try MemoryImage.open(file.path) }
  }

  @Test func pagesOfAGuestWithMemoryOfItsOwn() throws {
    let file = ImageFile(
      Self.core([(".xen_pages", Self.contents), (".xen_pfn", Self.words([7, .max, 0x100]))]))
    let image = try MemoryImage.open(file.path)
    #expect(image.format == "Xen core")
    #expect(image.machine == .x86_64)
    #expect(image.memory.extent.readable.ranges == [range(0x7000, 0x8000), range(0x10_0000, 0x10_1000)])
    #expect(answer(image, 0x7000) == .success(Self.page(0)))
    #expect(answer(image, 0x10_0000) == .success(Self.page(2)))
    #expect(answer(image, 0x8000) == .failure(.outsidePhysicalMemory))
  }

  @Test func pagesOfAParavirtualizedGuestLieWhereItsTablesSay() throws {
    let file = ImageFile(
      Self.core([
        (".xen_pages", Self.contents), (".xen_p2m", Self.words([0, 0x50, 1, 0x40, .max, .max])),
      ]))
    let image = try MemoryImage.open(file.path)
    #expect(answer(image, 0x50000) == .success(Self.page(0)))
    #expect(answer(image, 0x40000) == .success(Self.page(1)))
    #expect(image.memory.extent.readable.ranges == [range(0x40000, 0x41000), range(0x50000, 0x51000)])
  }

  @Test func registersOfTheCPUs() throws {
    // `struct vcpu_guest_context` of 64 bits; the second CPU was never started.
    var contexts = [UInt8](repeating: 0, count: 2 * 5168)
    let registers: [(offset: Int, value: UInt64)] = [
      (648, 0x1234), (672, 0xff80), (4984, 0x8005_0033), (5008, 0x7000), (5016, 0x20),
    ]
    for register in registers { contexts = contexts.patched(register.value, at: register.offset) }
    let file = ImageFile(
      Self.core([
        (".xen_prstatus", contexts), (".xen_pages", Self.contents), (".xen_pfn", Self.words([7, 8, 9])),
      ]))
    let image = try MemoryImage.open(file.path)
    var state = CPUState(cr0: 0x8005_0033, cr3: 0x7000, cr4: 0x20, instructionPointer: 0x1234)
    state.general = [CPUState.Register(name: "rsp", value: 0xff80)]
    #expect(image.cpus == [state])
  }

  @Test func aFileThatEndsBeforeTheNumbersOfItsPagesSaysSo() {
    let bytes = Self.core([(".xen_pages", Self.contents), (".xen_pfn", Self.words([7, 8, 9]))])
    // The names of the sections stand behind them here, so the numbers are moved, and not the end.
    let file = ImageFile(bytes.patched(UInt64(1) << 40, at: 64 + 3 * 64 + 24))
    #expect(openingError(file.path)?.corruption?.problem.contains("the file ends early") == true)
  }

  @Test func numbersThatLieDoNotTakeMemoryOutOfProportion() throws {
    let numbers: [UInt64] = [.max - 1, 7, 7, 7, 7]
    let file = ImageFile(Self.core([(".xen_pages", Self.contents), (".xen_pfn", Self.words(numbers))]))
    let image = try MemoryImage.open(file.path)
    #expect(image.memory.extent.readable.ranges == [range(0x7000, 0x8000)])
  }

  @Test func otherPageSizesAreRefused() {
    let file = ImageFile(
      Self.core([(".xen_pages", Self.contents), (".xen_pfn", Self.words([7]))], pageSize: 16384))
    #expect(openingError(file.path)?.description.contains("4096") == true)
  }
}
