import MemoryImages
import PageTables
import TestSupport
import Testing

/// Cores whose segments have virtual addresses only, as hyperlight writes them. The file is made after the layout in
/// hyperlight_common (`arch/amd64/layout.rs`): the scratch region ends at 0xfffffffffffff000 in virtual and at
/// 0x1000000000 in physical memory, and its size stands in its last 8 bytes.
@Suite struct VirtualCoreTests {
  private static let scratchSize: UInt64 = 0x20000
  private static let code = imagePages(at: 0x4000, pages: 4)

  /// A guest's scratch region with tables in it, and what they map.
  private struct Guest {
    let virtual: UInt64
    let physical: UInt64
    private(set) var scratch = [UInt8](repeating: 0, count: Int(scratchSize))
    private var used: UInt64
    private(set) var root: UInt64

    init(scratchAt virtual: UInt64, physical: UInt64) {
      self.virtual = virtual
      self.physical = physical
      // The first pages are buffers.
      used = physical + 0x3000
      root = physical + 0x2000
      for page in 0..<scratchSize / 0x1000 { map(virtual + page * 0x1000, physical + page * 0x1000) }
      store(scratchSize, at: physical + scratchSize - 8)
    }

    mutating func store(_ value: UInt64, at address: UInt64) {
      scratch = scratch.patched(value, at: Int(address - physical))
    }

    private func load(_ address: UInt64) -> UInt64 {
      let start = Int(address - physical)
      return scratch[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Four levels of 512 entries of 8 bytes (Intel SDM Vol. 3A, 4.5).
    mutating func map(_ address: UInt64, _ frame: UInt64) {
      var table = root
      for shift in [39, 30, 21] as [UInt64] {
        let entry = table + (address >> shift & 511) * 8
        if load(entry) == 0 {
          store(used | 0x3, at: entry)
          used += 0x1000
        }
        table = load(entry) & ~0xfff
      }
      store(frame | 0x3, at: table + (address >> 12 & 511) * 8)
    }

    /// Copies the root, as a guest does that writes to a table of its snapshot; the copy is the root from then on.
    mutating func moveRoot() {
      for offset in stride(from: UInt64(0), to: 0x1000, by: 8) {
        store(load(root + offset), at: used + offset)
      }
      root = used
      used += 0x1000
    }

    func core(_ more: [ImageElfBuilder.Load]) -> [UInt8] {
      var elf = ImageElfBuilder(
        loads: more + [ImageElfBuilder.Load(physical: 0, bytes: scratch, virtual: virtual)])
      elf.notes = [
        ("CORE", 3, [UInt8](repeating: 0, count: 136)), ("CORE", 1, [UInt8](repeating: 0, count: 336)),
        ("LINUX", 0x202, [UInt8](repeating: 0, count: 832)), ("CORE", 6, [UInt8](repeating: 0, count: 32)),
      ]
      return elf.build()
    }
  }

  private func hyperlight() -> Guest {
    var guest = Guest(
      scratchAt: 0xffff_ffff_ffff_f000 - Self.scratchSize, physical: 0x10_0000_0000 - Self.scratchSize)
    for page in 0..<4 as Range<UInt64> { guest.map(0x4000 + page * 0x1000, 0x4000 + page * 0x1000) }
    return guest
  }

  private let codeSegment = ImageElfBuilder.Load(physical: 0, bytes: code, virtual: 0x4000)

  @Test func aHyperlightCrashDumpOpensByTheTablesInItsScratchRegion() throws {
    let guest = hyperlight()
    let file = ImageFile(guest.core([codeSegment]))
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings.isEmpty)
    #expect(image.segmentRoots.map(\.root.value) == [guest.root])
    #expect(image.segmentRoots.map(\.scheme.name) == ["x86-64"])
    #expect(answer(image, 0x7000) == .success(Array(Self.code[0x3000...])))
    // VA - 0xffffffeffffff000
    #expect(guest.virtual &- 0xffff_ffef_ffff_f000 == guest.physical)
    #expect(answer(image, guest.physical) == .success(Array(guest.scratch[..<4096])))
    #expect(
      image.memory.extent.readable.ranges == [
        range(0x4000, 0x8000), range(guest.physical, guest.physical + Self.scratchSize),
      ])
  }

  @Test func anOlderCopyOfTheRootIsNotTakenForIt() throws {
    var guest = hyperlight()
    guest.moveRoot()
    // Mapped after the copy was made, in another root entry.
    guest.map(0x80_0000_0000, guest.physical)
    let heap = ImageElfBuilder.Load(
      physical: 0, bytes: Array(guest.scratch[..<4096]), virtual: 0x80_0000_0000)
    let file = ImageFile(guest.core([codeSegment, heap]))
    let image = try MemoryImage.open(file.path)
    #expect(image.segmentRoots.map(\.root.value) == [guest.root])
    #expect(image.warnings.isEmpty)
  }

  @Test func whatNoTableMapsIsCountedAsMissing() throws {
    let guest = hyperlight()
    let stray = ImageElfBuilder.Load(
      physical: 0, bytes: imagePages(at: 0, pages: 2), virtual: 0x9000_0000)
    let file = ImageFile(guest.core([codeSegment, stray]))
    let image = try MemoryImage.open(file.path)
    #expect(image.warnings.contains { $0.contains("2 pages") })
  }

  @Test func anotherLayoutOpensWhereOneAddressIsKnown() throws {
    var guest = Guest(scratchAt: 0xffff_9000_0000_0000, physical: 0x20_0000)
    for page in 0..<4 as Range<UInt64> { guest.map(0x4000 + page * 0x1000, 0x80_0000 + page * 0x1000) }
    let file = ImageFile(guest.core([codeSegment]))
    #expect(openingError(file.path)?.description.contains("--linear VA=PA") == true)
    let place = LinearPlace(VirtualAddress(0xffff_9000_0000_1000), PhysicalAddress(0x20_1000))
    let image = try MemoryImage.open(file.path, options: SourceOptions(linear: [place]))
    #expect(image.segmentRoots.map(\.root.value) == [guest.root])
    #expect(answer(image, 0x80_3000) == .success(Array(Self.code[0x3000...])))
  }

  @Test func aPlaceForACoreWithPhysicalAddressesIsRefused() {
    let file = ImageFile(ImageElfBuilder(loads: [.init(physical: 0x4000, bytes: Self.code)]).build())
    let place = LinearPlace(VirtualAddress(0), PhysicalAddress(0))
    #expect(
      openingError(file.path, options: SourceOptions(linear: [place]))?.description.contains("--linear")
        == true)
  }

  /// Where the program header of the segment at `virtual` has its `p_vaddr`.
  private func header(of virtual: UInt64, in core: [UInt8]) throws -> Int {
    let wanted = (0..<8).map { UInt8(truncatingIfNeeded: virtual >> (8 * $0)) }
    return try #require((64..<1024).first { Array(core[$0..<$0 + 8]) == wanted })
  }

  @Test func aSegmentBehindTheRegionIsNoneOfIt() throws {
    let guest = hyperlight()
    let file = ImageFile(
      guest.core([ImageElfBuilder.Load(physical: 0, bytes: Self.code, virtual: 0xffff_ffff_ffff_f800)]))
    let image = try MemoryImage.open(file.path)
    #expect(image.memory.extent.readable.contains(PhysicalAddress(0xf_ffff_f000)))
    #expect(!image.memory.extent.readable.contains(PhysicalAddress(0x10_0000_0000)))
  }

  // `p_filesz` stands 16 bytes behind `p_vaddr`, `p_offset` 8 before it.
  @Test func sizesAndOffsetsThatLieAreNoPlaces() throws {
    let guest = hyperlight()
    let core = guest.core([ImageElfBuilder.Load(physical: 0, bytes: Self.code, virtual: 0x40_0000)])
    let scratch = try header(of: guest.virtual, in: core)
    let lying = core.patched(0xffff_feff_ffff_f000 as UInt64, at: scratch)
      .patched(1 << 40 as UInt64, at: scratch + 16)
    let large = ImageFile(lying)
    #expect(throws: ImageError.self) { try MemoryImage.open(large.path) }
    let code = try header(of: 0x40_0000, in: core)
    let far = ImageFile(core.patched(0xffff_ffff_ffff_f000 as UInt64, at: code - 8))
    let image = try MemoryImage.open(far.path)
    #expect(image.memory.extent.readable.contains(PhysicalAddress(0xf_ffff_f000)))
  }
}
