import PageTables
import TestSupport
import Testing

@testable import Guests

/// Entries by their Linux meaning. Entries of real guests stand beside what their own `/proc/PID/pagemap` said
/// of them; all others follow from the kernel's headers.
@Suite struct LinuxEntryTests {
  private static let long = X86.paging4Level()
  private static let pae = X86.pae()
  private static let short = X86.paging32()
  /// As 6.12 is configured by Debian: one type for broken memory, three of migration, one of markers.
  private static let modern = SwapTypes(files: 27, isPoisonKnown: true, migrations: 3)

  private func meaning(
    _ raw: UInt64, _ scheme: PagingScheme = long, level: Int? = nil, types: SwapTypes = modern,
    hasSavedDirty: Bool? = true
  ) -> EntryMeaning? {
    LinuxEntryReader(swapTypes: types, hasSavedDirty: hasSavedDirty)
      .meaning(of: raw, level: level ?? scheme.levels.count - 1, scheme: scheme)
  }

  /// An entry of the 64-bit format: the type in the top five bits, the offset inverted from bit 9 on.
  private func swap(type: UInt64, offset: UInt64, flags: UInt64 = 0) -> UInt64 {
    type << 59 | (~offset << 14) >> 5 | flags
  }

  private func names(_ meaning: EntryMeaning?) -> [String] { meaning?.bits.map(\.name) ?? [] }

  // MARK: Frames that are hidden

  @Test(
    arguments: [
      (long, 0x040f_ffff_fc1e_e920, 0x3e11), (long, 0x000f_ffff_fdca_c960, 0x2353),
      (pae, 0x000f_ffff_e00c_9160, 0x1ff36), (short, 0x1ff2_f160, 0x1ff2f),
    ] as [(PagingScheme, UInt64, UInt64)])
  func protNoneKeepsItsFrame(_ scheme: PagingScheme, _ raw: UInt64, _ frame: UInt64) {
    let meaning = meaning(raw, scheme)
    #expect(meaning?.summary == "PROT_NONE")
    #expect(meaning?.frame == Frame(frame).start)
  }

  @Test func protNoneOfAHugePageHasNoFrameBelowItsSize() {
    // The large-page bit stays; the bits below 2 MiB are inverted with the rest.
    let raw: UInt64 = (~0x1234_0000 & 0x000f_ffff_ffff_f000) | 0x1a0
    #expect(meaning(raw, level: 2)?.frame == PhysicalAddress(0x1220_0000))
  }

  @Test func aHugePageThatIsSplitIsNoSwapEntry() {
    let raw: UInt64 = (~0x1220_0000 & 0x000f_ffff_ffff_f000) | 0xe6
    #expect(meaning(raw, level: 2)?.summary == "huge page being split")
    #expect(meaning(raw, level: 2)?.frame == PhysicalAddress(0x1220_0000))
  }

  // MARK: Swap

  @Test(
    arguments: [
      (long, 0x07ff_ffff_fffb_fc0a, 0x4020), (long, 0x07ff_ffff_fffb_fc02, 0x4020),
      (pae, 0x07ff_ffff_fffd_fc00, 0x2020), (short, 0x2_0200, 0x2020),
    ] as [(PagingScheme, UInt64, UInt64)])
  func swapEntriesSayWhatPagemapSays(_ scheme: PagingScheme, _ raw: UInt64, _ pagemap: UInt64) {
    let offset = "0x" + String(pagemap >> 5, radix: 16)
    #expect(meaning(raw, scheme)?.summary == "swap type \(pagemap & 0x1f), offset \(offset)")
    #expect(meaning(raw, scheme)?.frame == nil)
  }

  @Test func aSwapEntryKeepsWhatTheKernelKnewOfItsPage() {
    #expect(names(meaning(0x07ff_ffff_fffb_fc0a)) == ["soft-dirty", "exclusive", "offset", "type"])
    #expect(names(meaning(swap(type: 1, offset: 7, flags: 4))) == ["uffd-wp", "offset", "type"])
    #expect(meaning(swap(type: 1, offset: 7))?.bits.map(\.value) == [7, 1])
  }

  /// `_PAGE_SWP_EXCLUSIVE` of `pgtable_64.h` is bit 3, of the two headers for 32 bits `_PAGE_PSE`.
  @Test(arguments: [(long, UInt64(3)), (pae, 7), (short, 7)] as [(PagingScheme, UInt64)])
  func anExclusivePageIsMarkedWhereItsKernelDoes(_ scheme: PagingScheme, _ bit: UInt64) {
    let plain: UInt64 = scheme == Self.short ? 0x2_0200 : 0x07ff_ffff_fffb_fc00
    #expect(names(meaning(plain | 1 << bit, scheme)).contains("exclusive"))
    #expect(!names(meaning(plain | 1 << (10 - bit), scheme)).contains("exclusive"))
  }

  @Test func onlyPlacesInSwapSpaceAreSwapped() {
    #expect(meaning(swap(type: 1, offset: 7))?.isSwapped == true)
    #expect(meaning(swap(type: 28, offset: 7))?.isSwapped == false)
    #expect(meaning(swap(type: 30, offset: 7), types: .unknown)?.isSwapped == false)
  }

  @Test func theTypeOfAShortEntryStandsBelowItsOffset() {
    #expect(meaning(0x123 << 9 | 5 << 1, Self.short)?.summary == "swap type 5, offset 0x123")
  }

  // MARK: What is no swap

  @Test(
    arguments: [
      (27, "poisoned memory: frame 0x1234000"), (28, "migration, read: frame 0x1234000"),
      (29, "migration, read exclusive: frame 0x1234000"), (30, "migration, write: frame 0x1234000"),
    ] as [(UInt64, String)])
  func highTypesNameAFrame(_ type: UInt64, _ text: String) {
    let found = meaning(swap(type: type, offset: 0x1234))
    #expect(found?.summary == text)
    #expect(found?.frame == PhysicalAddress(0x123_4000))
  }

  /// `SWP_MIG_YOUNG_BIT` and the one above it lie behind the 34 bits of a frame of 46-bit memory.
  @Test func aMigrationEntryKeepsMoreThanItsFrame() {
    #expect(meaning(swap(type: 28, offset: 3 << 34 | 0x1234))?.frame == PhysicalAddress(0x123_4000))
  }

  @Test(
    arguments: [(1, "marker: uffd-wp"), (2, "marker: poisoned"), (4, "marker: guard"), (8, "marker: 0x8")]
      as [(UInt64, String)])
  func markersStandForNoPage(_ value: UInt64, _ text: String) {
    #expect(meaning(swap(type: 31, offset: value))?.summary == text)
    #expect(meaning(swap(type: 31, offset: value))?.frame == nil)
  }

  /// 5.10 with and without memory of devices, 6.1, and what could be either of two.
  @Test func typesFollowFromHowManySwapFilesThereCanBe() {
    let plain = SwapTypes(files: 30, isPoisonKnown: false, migrations: 2)
    #expect(plain.use(of: 29) == .swap)
    #expect(plain.use(of: 30) == .frame("migration, read") && plain.use(of: 31) == .frame("migration, write"))
    let device = SwapTypes(files: 27, isPoisonKnown: true, migrations: 2)
    #expect(device.use(of: 27) == .poisoned && device.use(of: 31) == .frame("device private, read"))
    let markers = SwapTypes(files: 27, isPoisonKnown: false, migrations: 3)
    #expect(markers.use(of: 30) == .marker && markers.use(of: 31) == .lost)
    let unclear = SwapTypes(files: 24, isPoisonKnown: true, migrations: 3)
    #expect(unclear.use(of: 30) == .frame("device exclusive") && unclear.use(of: 31) == nil)
  }

  @Test func anImpossibleNumberOfSwapFilesSaysNothing() {
    for files in [-1, 0, 10, 33, 1 << 40] {
      let types = SwapTypes(files: files, isPoisonKnown: true, migrations: 3)
      #expect(types == .unknown, "\(files)")
    }
    #expect(SwapTypes.unknown.use(of: 0) == .swap && SwapTypes.unknown.use(of: 31) == nil)
  }

  @Test func anUnknownTypeIsShownAsItIs() {
    let found = meaning(swap(type: 30, offset: 0x77), types: .unknown)
    #expect(found?.summary?.hasPrefix("type 30, offset 0x77") == true)
    #expect(found?.frame == nil)
  }

  // MARK: Leaves

  @Test func leavesHaveTheBitsOfTheirKernel() {
    let raw: UInt64 = 1 << 58 | 1 << 57 | 0x1000 | 1 << 11 | 1 << 10 | 1 << 9 | 1
    #expect(names(meaning(raw)) == ["special", "uffd-wp", "soft-dirty", "devmap", "saved-dirty"])
    #expect(names(meaning(raw, hasSavedDirty: false)) == ["special", "uffd-wp", "soft-dirty", "devmap"])
    #expect(meaning(raw, hasSavedDirty: false)?.bits.last?.position == 58)
    #expect(names(meaning(raw, hasSavedDirty: nil)) == ["special", "uffd-wp", "soft-dirty"])
  }

  @Test func kernelsOf32BitsHaveFewerBits() {
    for scheme in [Self.pae, Self.short] {
      #expect(names(meaning(0x1e01, scheme)) == ["special", "saved-dirty"])
      #expect(names(meaning(0x1e01, scheme, hasSavedDirty: false)) == ["special"])
    }
  }

  @Test func whereTheHardwareSaysAllThereIsNothingToAdd() {
    #expect(meaning(0) == nil)
    #expect(meaning(0x1067) == nil)
    // A table's software bits mean nothing, and upper levels hold no swap entries.
    #expect(meaning(0x1e67, level: 1) == nil)
    #expect(meaning(swap(type: 0, offset: 1), level: 0) == nil)
    #expect(meaning(0x1e67, level: 9) == nil)
  }

  @Test func everyEntryHasAnAnswer() {
    var random = SeededRandom(seed: 7)
    for scheme in [Self.long, Self.pae, Self.short, X86.paging5Level()] {
      for level in scheme.levels.indices {
        for _ in 0..<2000 {
          let raw = UInt64.random(in: 0...(.max), using: &random) & ~1
          let found = meaning(
            scheme.levels[level].format.entrySize == 4 ? raw & 0xffff_fffe : raw, scheme, level: level)
          let mayHoldOne = level == scheme.levels.count - 1 || !scheme.levels[level].leafFields.isEmpty
          #expect((found != nil) == mayHoldOne)
        }
      }
    }
  }
}
