import PageTables
import Testing

/// The schemes as data: levels that fit together, and fields as the manual's tables have them.
@Suite struct X86FieldTests {
  private static let schemes = X86.all()

  private func names(_ fields: [EntryField]) -> [String] {
    fields.map(\.name).filter { !$0.hasPrefix("AVL") }
  }

  @Test(arguments: schemes) func levelsCoverTheAddressWithoutGap(scheme: PagingScheme) {
    var bits = 12
    for level in scheme.levels.reversed() {
      #expect(level.shift == bits)
      bits += level.indexBits
    }
    #expect(bits == scheme.virtualAddressBits)
  }

  @Test(arguments: schemes) func tablesFillOnePageExceptThePAERoot(scheme: PagingScheme) {
    let sizes = scheme.levels.map(\.tableSize)
    #expect(sizes == (scheme.name == "x86-pae" ? [32, 4096, 4096] : sizes.map { _ in 4096 }))
  }

  @Test(arguments: schemes) func fieldsAscendAndDoNotOverlap(scheme: PagingScheme) {
    for level in scheme.levels {
      for fields in [level.tableFields, level.leafFields] {
        for (field, next) in zip(fields, fields.dropFirst()) { #expect(field.highBit < next.lowBit) }
      }
    }
  }

  @Test(arguments: [47, 51]) func encryptionBitIsAFieldOfItsOwn(bit: Int) {
    var features = ProcessorFeatures()
    features.encryptionBit = bit
    for level in X86.paging4Level(features).levels {
      for fields in [level.tableFields, level.leafFields] where !fields.isEmpty {
        let owners = fields.filter { $0.mask & 1 << UInt64(bit) != 0 }
        #expect(owners.map(\.name) == ["C"])
        for (field, next) in zip(fields, fields.dropFirst()) { #expect(field.highBit < next.lowBit) }
      }
    }
  }

  @Test(arguments: schemes) func aConventionOfSoftwareIsAFieldOfLeavesBesideItsBits(scheme: PagingScheme)
    throws
  {
    var features = ProcessorFeatures()
    features.copyOnWrite = .hyperlight
    let marked = try #require(X86.all(features).first { $0.name == scheme.name })
    for (level, plain) in zip(marked.levels, scheme.levels) {
      #expect(level.tableFields == plain.tableFields)
      guard !plain.leafFields.isEmpty else { continue }
      let new = level.leafFields.filter { !plain.leafFields.contains($0) }
      #expect(new.map(\.name) == ["copy-on-write"] && level.leafFields.count == plain.leafFields.count + 1)
      let field = try #require(new.first)
      #expect(field.isFlag && field.isYesOrNo && field.lowBit == 9 && field.highBit == 11)
      #expect([0x7263, 0x7261, 0x7661, 0x7a61, 0x7e61].map { field.value(in: $0) } == [1, 1, 0, 0, 0])
    }
  }

  // SDM Vol. 3A, Tables 4-18 to 4-20.
  @Test func longModeFields() {
    let levels = X86.paging4Level().levels
    #expect(
      names(levels[3].leafFields)
        == ["P", "R/W", "U/S", "PWT", "PCD", "A", "D", "PAT", "G", "address", "PKEY", "XD"])
    #expect(
      names(levels[2].leafFields)
        == ["P", "R/W", "U/S", "PWT", "PCD", "A", "D", "PS", "G", "PAT", "address", "PKEY", "XD"])
    #expect(names(levels[2].tableFields) == ["P", "R/W", "U/S", "PWT", "PCD", "A", "PS", "address", "XD"])
    #expect(levels[3].leafFields.first { $0.role == .protectionKey }?.value(in: 0x7800_0000_0000_0000) == 15)
    #expect(levels[3].leafFields.first { $0.name == "AVL9" }?.value(in: 0x200) == 1)
  }

  // SDM Vol. 3A, Tables 4-14 and 4-15: bit 7 is reserved where a level has no pages.
  @Test func upperLevelsHaveNoPageSizeBit() {
    for level in X86.paging5Level().levels.prefix(2) {
      #expect(level.tableFields.first { $0.lowBit == 7 }?.role == .reserved)
      #expect(level.leafFields.isEmpty)
    }
  }

  // SDM Vol. 3A, Tables 4-8 to 4-11: no R/W, U/S or XD in a PDPTE, no protection keys, nothing in 62:52.
  @Test func paeFields() {
    let levels = X86.pae().levels
    #expect(!levels[0].tableFields.contains { [.write, .user, .executeDisable].contains($0.role) })
    for field in levels.flatMap({ $0.tableFields + $0.leafFields }) {
      #expect(field.mask & 0x7ff0_0000_0000_0000 == 0)
    }
    #expect(levels[2].leafFields.last?.role == .executeDisable)
  }

  // SDM Vol. 3A, Tables 4-4 to 4-6.
  @Test func shortFormatFields() {
    var features = ProcessorFeatures()
    features.physicalAddressBits = 36
    let levels = X86.paging32(features).levels
    let high = levels[0].leafFields.first { $0.name == "PSE-36" }
    #expect(high?.lowBit == 13)
    #expect(high?.highBit == 16)
    #expect(levels[0].leafFields.first { $0.name == "PAT" }?.lowBit == 12)
    #expect(levels[1].leafFields.first { $0.name == "PAT" }?.lowBit == 7)
    #expect(!levels.flatMap(\.leafFields).contains { $0.role == .executeDisable })
    features.pageSizeExtension = false
    #expect(X86.paging32(features).levels[0].leafFields.isEmpty)
  }

  @Test func withoutNoExecuteThereIsNoXD() {
    var features = ProcessorFeatures()
    features.noExecute = false
    for level in X86.paging4Level(features).levels {
      #expect(!(level.tableFields + level.leafFields).contains { $0.role == .executeDisable })
    }
  }

  @Test func addressFieldsAreTheAddressFormat() {
    var features = ProcessorFeatures()
    for (bits, encryption) in [(52, nil), (46, nil), (52, 47), (39, 51)] as [(Int, Int?)] {
      features.physicalAddressBits = bits
      features.encryptionBit = encryption
      for scheme in X86.all(features) {
        for level in scheme.levels where !level.leafFields.isEmpty {
          let mask = level.leafFields.filter { $0.role == .address }.reduce(0) { $0 | $1.mask }
          #expect(mask == level.format.leafAddress.allBits)
        }
      }
    }
  }

  @Test func schemesAreFoundByTheNamesOfTheCommandLine() {
    #expect(X86.all().map(\.name) == ["x86-64-la57", "x86-64", "x86-pae", "x86-32"])
  }

  @Test func fieldsOfAnEntryFollowItsKind() {
    let directory = X86.paging4Level().levels[2]
    #expect(directory.fields(of: 0x87).contains { $0.role == .dirty })
    #expect(!directory.fields(of: 0x1007).contains { $0.role == .dirty })
    #expect(directory.fields(of: 0x86).isEmpty)
  }
}
