import PageTables
import Testing

/// The names of AArch64's memory types, which `MAIR_EL1` tells.
@Suite struct MemoryAttributeTests {
  private func names(_ register: UInt64?) throws -> [String] {
    var features = ProcessorFeatures()
    features.memoryAttributes = register
    let fields = AArch64.paging(.kib4, features).levels[3].leafFields
    return try #require(fields.first { $0.name == "AttrIndx" }).valueNames
  }

  /// Arm ARM, MAIR_EL1: Attr<n> is byte n. The value is that of Linux 6.1, whose `MAIR_EL1_SET` has these types by
  /// these numbers (`arch/arm64/include/asm/memory.h`, `MT_NORMAL` and the following).
  @Test func eachByteIsOneType() throws {
    #expect(
      try names(0x0000_0004_0044_ffff).prefix(5)
        == ["Normal-WB", "Normal-WB", "Normal-NC", "Device-nGnRnE", "Device-nGnRE"])
  }

  /// The encodings of Attr in the register's description; what it calls unpredictable keeps its number.
  @Test(
    arguments: [
      (0x00, "Device-nGnRnE"), (0x04, "Device-nGnRE"), (0x08, "Device-nGRE"), (0x0c, "Device-GRE"),
      (0x0d, "Device-GRE-nXS"), (0x02, "Attr=0x2"), (0x40, "Normal-NC-nXS"), (0xa0, "Normal-WT-nXS"),
      (0xf0, "Normal-Tagged"), (0x50, "Attr=0x50"), (0x44, "Normal-NC"), (0xbb, "Normal-WT"),
      (0x33, "Normal-WT-transient"), (0x77, "Normal-WB-transient"), (0x4f, "Normal-iWB-oNC"),
      (0xee, "Normal-WB"),
    ] as [(UInt64, String)])
  func everyEncodingHasItsName(_ byte: UInt64, _ name: String) throws {
    #expect(try names(byte).first == name)
  }

  @Test func aNumberStaysOneWhereTheRegisterIsUnknown() throws {
    #expect(try names(nil).isEmpty)
  }
}
