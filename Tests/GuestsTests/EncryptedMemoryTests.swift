import MemoryImages
import PageTables
import TestSupport
import Testing

@testable import Guests

/// AMD memory encryption (APM Vol. 2, 7.10): one bit of an address is none, and Linux says which in its VMCOREINFO,
/// as `NUMBER(sme_mask)`.
@Suite struct EncryptedMemoryTests {
  private static let bit: UInt64 = 1 << 47
  private static let text = """
    OSRELEASE=6.1.0
    SYMBOL(swapper_pg_dir)=ffffffff81001000
    NUMBER(phys_base)=0
    NUMBER(pgtable_l5_enabled)=0
    NUMBER(sme_mask)=140737488355328

    """

  /// A Linux kernel's memory: its image where it was linked to, and its direct map, every entry encrypted.
  private static func memory(hasNote: Bool) -> TableMemory {
    var features = ProcessorFeatures()
    features.encryptionBit = 47
    var memory = TableMemory()
    for page in stride(from: 0, to: UInt64(0x20_0000), by: 4096) { memory.addPage(page) }
    let space = AddressSpace(
      name: "", root: PhysicalAddress(LinuxMemory.root), scheme: X86.paging4Level(features))
    memory.addPage(LinuxMemory.root)
    memory.map(
      LinuxMemory.image, to: LinuxMemory.imageStart, in: space, level: 2, flags: 0xe3 | bit,
      tableFlags: 3 | bit)
    memory.map(LinuxMemory.directMap, to: 0, in: space, level: 1, flags: 0xe3 | bit, tableFlags: 3 | bit)
    if hasNote {
      // An ELF note at the start of a page.
      let bytes =
        [11, 0, 0, 0, UInt8(text.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array("VMCOREINFO\0\0".utf8)
        + Array(text.utf8)
      for (offset, byte) in bytes.enumerated() {
        memory.set(table: 0x3000, slot: offset, to: UInt64(byte), size: 1)
      }
    }
    return memory
  }

  private func image(hasNoteInMemory: Bool) -> MemoryImage {
    MemoryImage(memory: Self.memory(hasNote: hasNoteInMemory), format: "raw", name: "test")
  }

  private static let cpu = CPUState(
    cr0: 0x8005_0033, cr3: LinuxMemory.root | bit, cr4: 0x6b0, instructionPointer: LinuxMemory.image)

  @Test func theDumpsNoteNamesTheBit() throws {
    var image = image(hasNoteInMemory: false)
    image.machine = .x86_64
    image.cpus = [Self.cpu]
    image.vmcoreinfo = Array(Self.text.utf8)
    let found = try SpaceSearch(image).known()
    #expect(found.spaces.map(\.space.root.value) == [LinuxMemory.root])
    #expect(found.spaces.first?.space.scheme.encryptionBit == 47)
    #expect(found.warnings.isEmpty)
    var options = SpaceSearchOptions()
    options.features.encryptionBit = 46
    #expect(SpaceSearch(image, options).options.features.encryptionBit == 46, "a person knows better")
  }

  @Test func theNoteInMemoryNamesItToo() throws {
    let raw = image(hasNoteInMemory: true)
    let search = SpaceSearch(raw)
    let guest = try #require(search.linuxGuest(FoundSpaces()))
    let found = search.named(FoundSpaces(), by: guest)
    #expect(found.spaces.map(\.space.root.value) == [LinuxMemory.root])
    let space = try #require(found.spaces.first?.space)
    #expect(space.scheme.encryptionBit == 47)
    let page = space.translate(VirtualAddress(LinuxMemory.image + 0x123), in: raw.memory).page
    #expect(page?.physical.value == LinuxMemory.imageStart + 0x123)
  }

  @Test func aRootThatAsksForItIsReadByTheNoteInMemory() throws {
    var options = SpaceSearchOptions()
    options.roots = [GivenRoot("kernel", PhysicalAddress(LinuxMemory.root))]
    let given = try SpaceSearch(image(hasNoteInMemory: true), options).known()
    #expect(given.spaces.first?.space.scheme.encryptionBit == 47)
    var dump = image(hasNoteInMemory: true)
    dump.machine = .x86_64
    dump.cpus = [Self.cpu]
    #expect(try SpaceSearch(dump).known().spaces.map(\.space.root.value) == [LinuxMemory.root])
  }

  @Test func whereNothingNamesItTheOptionIsNamed() throws {
    var dump = image(hasNoteInMemory: false)
    dump.machine = .x86_64
    dump.cpus = [Self.cpu]
    let found = try SpaceSearch(dump).known()
    #expect(found.spaces.isEmpty)
    #expect(found.warnings.contains { $0.contains("--c-bit 47") })
  }

  @Test(arguments: ["0", "3", "-1", "4096", "281474976710657"])
  func anythingElseIsNoBit(_ mask: String) {
    #expect(Vmcoreinfo(Array("OSRELEASE=1\nNUMBER(sme_mask)=\(mask)\n".utf8))?.encryptionBit == nil)
  }

  @Test func aCapturesListKeepsTheBit() {
    var features = ProcessorFeatures()
    features.encryptionBit = 47
    let space = AddressSpace(name: "a", root: PhysicalAddress(0x1000), scheme: X86.paging4Level(features))
    var list = CaptureList(lines: CaptureList([FoundSpace(space: space, origin: .scan)]).lines)
    #expect(list.spaces(features: ProcessorFeatures()).map(\.space) == [space])
  }
}
