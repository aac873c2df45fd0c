import PageTables
import Testing

/// Entries built from a scheme's data, held against the layouts of the manual (Intel SDM Vol. 3A, Tables 4-4
/// to 4-20).
@Suite struct WritingEntryTests {
  private let long = X86.paging4Level()
  private let short = X86.paging32()

  @Test func tableEntriesAllowEverything() throws {
    #expect(try long.levels[0].format.entry(pointingAt: PhysicalAddress(0x1234_5000)) == 0x1234_5007)
    #expect(try short.levels[0].format.entry(pointingAt: PhysicalAddress(0x1234_5000)) == 0x1234_5007)
    // A PDPTE of PAE has no permissions; bits 1 and 2 are reserved.
    #expect(try X86.pae().levels[0].format.entry(pointingAt: PhysicalAddress(0x1234_5000)) == 0x1234_5001)
  }

  @Test func leavesHaveTheBitsOfTheManual() throws {
    let frame = PhysicalAddress(0x4000_0000)
    #expect(try long.levels[3].format.leaf(at: frame, access: .all) == 0x4000_0007)
    #expect(try long.levels[3].format.leaf(at: frame, access: []) == 0x8000_0000_4000_0001)
    #expect(try long.levels[2].format.leaf(at: frame, access: [.write]) == 0x8000_0000_4000_0083)
    #expect(try long.levels[1].format.leaf(at: frame, access: [.user, .execute]) == 0x4000_0085)
    #expect(try short.levels[1].format.leaf(at: frame, access: [.execute]) == 0x4000_0001)
  }

  @Test func pse36KeepsHighAddressBitsApart() throws {
    // Bits 39:32 of the frame stand in bits 20:13 of the entry.
    let raw = try short.levels[0].format.leaf(at: PhysicalAddress(0xab_4040_0000), access: .all)
    #expect(raw == 0x4040_0087 | 0xab << 13)
  }

  @Test func whatTheFormatCannotSayIsAnError() {
    let address = PhysicalAddress(0x4000_0000)
    #expect(throws: EncodingError.noSuchKind(.leaf)) {
      try long.levels[0].format.leaf(at: address, access: [])
    }
    #expect(throws: EncodingError.noSuchKind(.table)) { try long.levels[3].format.entry(pointingAt: address) }
    #expect(throws: EncodingError.access([.write])) {
      try short.levels[1].format.leaf(at: address, access: [.write])
    }
    #expect(throws: EncodingError.address(PhysicalAddress(0x4000_1000))) {
      try long.levels[2].format.leaf(at: PhysicalAddress(0x4000_1000), access: .all)
    }
    #expect(throws: EncodingError.address(PhysicalAddress(1 << 32))) {
      try short.levels[0].format.entry(pointingAt: PhysicalAddress(1 << 32))
    }
  }

  @Test func withoutNXALeafCannotForbidExecution() throws {
    var features = ProcessorFeatures()
    features.noExecute = false
    let format = X86.paging4Level(features).levels[3].format
    #expect(throws: EncodingError.self) { try format.leaf(at: PhysicalAddress(0x1000), access: [.write]) }
    #expect(short.levels[1].format.leastAccess(allowing: .write) == [.write, .execute])
    #expect(long.levels[3].format.leastAccess(allowing: .write) == [.write])
  }

  @Test func movingAnEntryKeepsEveryOtherBit() throws {
    let table = long.levels[0].format
    #expect(
      try table.entry(0xfff0_0000_1234_5f67, movedTo: PhysicalAddress(0xf_ffff_ffff_f000))
        == 0xffff_ffff_ffff_ff67)
    let huge = long.levels[2].format
    // The PAT bit of a 2 MiB leaf, bit 12, is no address.
    #expect(
      try huge.entry(0x8000_0000_0020_11e7, movedTo: PhysicalAddress(0x60_0000)) == 0x8000_0000_0060_11e7)
    #expect(throws: EncodingError.noSuchKind(.marked)) {
      try table.entry(0x100, movedTo: PhysicalAddress(0x1000))
    }
    #expect(throws: EncodingError.address(PhysicalAddress(0x20_1000))) {
      try huge.entry(0x20_0087, movedTo: PhysicalAddress(0x20_1000))
    }
  }

  @Test func theEncryptionBitIsNoAddress() throws {
    var features = ProcessorFeatures()
    features.encryptionBit = 47
    let format = X86.paging4Level(features).levels[3].format
    #expect(throws: EncodingError.address(PhysicalAddress(1 << 47))) {
      try format.leaf(at: PhysicalAddress(1 << 47), access: .all)
    }
    #expect(try format.entry(1 << 47 | 0x1007, movedTo: PhysicalAddress(0x2000)) == 1 << 47 | 0x2007)
  }

  @Test(arguments: X86.all()) func leavesOfEveryLevelReadBackAsTheyWereMeant(scheme: PagingScheme) throws {
    for level in scheme.levels where !level.leafFields.isEmpty {
      for bits in 0..<8 as Range<UInt8> {
        let access = Access(rawValue: bits)
        let frame = PhysicalAddress(level.span &* 3)
        let possible = level.format.leastAccess(allowing: access)
        guard possible == access else {
          #expect(throws: EncodingError.access(access)) { try level.format.leaf(at: frame, access: access) }
          continue
        }
        let raw = try level.format.leaf(at: frame, access: access)
        #expect(level.format.kind(of: raw) == .leaf)
        #expect(level.format.access(of: raw, kind: .leaf) == access)
        #expect(level.format.leafAddress.address(in: raw) == frame)
      }
    }
  }

  @Test func marksAreBuiltFromTheSchemesList() throws {
    // Linux: PROT_NONE is bit 8 without bit 0.
    #expect(try long.ofLinux.entry(marked: "PROT_NONE") == 0x100)
    #expect(throws: EncodingError.noSuchMark("PROT_NONE")) { try long.entry(marked: "PROT_NONE") }
    #expect(throws: EncodingError.noSuchMark("guard")) { try long.entry(marked: "guard") }
    // "software" is any bits at all: an entry of 0 would be absent.
    #expect(throws: EncodingError.noSuchMark("software")) { try long.entry(marked: "software") }
  }
}
