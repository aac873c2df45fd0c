/// The four paging modes of x86 (Intel SDM Vol. 3A, Chapter 4 "Paging"; AMD APM Vol. 2, Chapter 5).
public enum X86 {
  /// 32-bit paging: 4 KiB and 4 MiB pages, PSE-36 (SDM Vol. 3A, 4.3).
  public static func paging32(_ features: ProcessorFeatures = ProcessorFeatures()) -> PagingScheme {
    let address = AddressFormat(mask: bits(12, through: 31))
    // Bits 20:13 of a 4 MiB leaf are bits 39:32 of the frame's address; MAXPHYADDR limits them, bit 21 is always
    // reserved.
    let highBits = min(max(features.physicalAddressBits, 32), 40) - 32
    let hugeAddress = AddressFormat(
      mask: bits(22, through: 31), highMask: bits(13, through: 12 + highBits), highShift: 19)
    let rules = AccessRules(execute: .always)
    let directory = PagingLevel(
      name: "PD", shift: 22, indexBits: 10,
      format: rules.format(
        entrySize: 4, pointsAtTable: features.pageSizeExtension ? .clear(7) : .always, table: address,
        leaf: hugeAddress, leafReserved: bits(13 + highBits, through: 21)),
      tableFields: Fields.table(
        address: address, bitSeven: features.pageSizeExtension ? .pageSize : .available, hasUpperBits: false),
      leafFields: features.pageSizeExtension
        ? Fields.leaf(address: hugeAddress, hasUpperBits: false, features) : [])
    let table = PagingLevel(
      name: "PT", shift: 12, indexBits: 10,
      format: rules.format(entrySize: 4, pointsAtTable: .never, table: address, leaf: address),
      tableFields: [], leafFields: Fields.leaf(address: address, hasUpperBits: false, features))
    return PagingScheme(
      name: "x86-32", title: "x86 32-bit", virtualAddressBits: 32, isSignExtended: false,
      rootRegister: "CR3", rootAddress: address, rootAlignment: 4096, levels: [directory, table],
      supervisorWritesReadOnly: !features.writeProtect)
  }

  /// PAE paging: a root of 4 entries at a 32-byte boundary, 4 KiB and 2 MiB pages (SDM Vol. 3A, 4.4).
  public static func pae(_ features: ProcessorFeatures = ProcessorFeatures()) -> PagingScheme {
    let bits62to52 = bits(52, through: 62)
    let shared = LongFormat(features, alwaysReserved: bits62to52)
    let everything = AccessRules(write: .always, user: .always, execute: .always)
    // The manual also reserves bit 5; QEMU's software MMU sets it as an accessed bit, and does not treat it as
    // reserved. Nor does it treat bits 1 and 2 so, which small kernels set as in any other entry, and which have no
    // meaning here.
    var rootFormat = everything.format(
      entrySize: 8, pointsAtTable: .always, table: shared.address(from: 12), leaf: shared.address(from: 30),
      tableReserved: bits(6, through: 8) | shared.reserved | 1 << 63)
    rootFormat.tableTolerated = bits(1, through: 2)
    let root = PagingLevel(
      name: "PDPT", shift: 30, indexBits: 2, format: rootFormat,
      tableFields: Fields.paeRoot(address: shared.address(from: 12)), leafFields: [])
    return PagingScheme(
      name: "x86-pae", title: "x86 PAE", virtualAddressBits: 32, isSignExtended: false,
      rootRegister: "CR3", rootAddress: AddressFormat(mask: bits(5, through: 31)), rootAlignment: 32,
      levels: [root, shared.directory, shared.table], supervisorWritesReadOnly: !features.writeProtect)
  }

  /// 4-level paging: 48-bit addresses, 4 KiB, 2 MiB and 1 GiB pages (SDM Vol. 3A, 4.5).
  public static func paging4Level(_ features: ProcessorFeatures = ProcessorFeatures()) -> PagingScheme {
    long(features, name: "x86-64", title: "x86-64 4-level", addressBits: 48)
  }

  /// 5-level paging: 57-bit addresses (SDM Vol. 3A, 4.5; CR4.LA57).
  public static func paging5Level(_ features: ProcessorFeatures = ProcessorFeatures()) -> PagingScheme {
    long(features, name: "x86-64-la57", title: "x86-64 5-level", addressBits: 57)
  }

  /// All modes, the most capable first.
  public static func all(_ features: ProcessorFeatures = ProcessorFeatures()) -> [PagingScheme] {
    [paging5Level(features), paging4Level(features), pae(features), paging32(features)]
  }

  private static func long(_ features: ProcessorFeatures, name: String, title: String, addressBits: Int)
    -> PagingScheme
  {
    let shared = LongFormat(features, alwaysReserved: 0)
    var levels = [shared.upper("PML4", shift: 39), shared.pointers, shared.directory, shared.table]
    if addressBits == 57 { levels.insert(shared.upper("PML5", shift: 48), at: 0) }
    return PagingScheme(
      name: name, title: title, virtualAddressBits: addressBits, isSignExtended: true, rootRegister: "CR3",
      rootAddress: shared.address(from: 12), rootAlignment: 4096, levels: levels,
      supervisorWritesReadOnly: !features.writeProtect)
  }
}

/// The permission bits that x86 entries share at every level that has them.
private struct AccessRules {
  var write: BitTest = .set(1)
  var user: BitTest = .set(2)
  var execute: BitTest = .clear(63)

  func format(
    entrySize: Int, pointsAtTable: BitTest, table: AddressFormat, leaf: AddressFormat,
    tableReserved: UInt64 = 0, leafReserved: UInt64 = 0
  ) -> EntryFormat {
    EntryFormat(
      entrySize: entrySize, present: .set(0), pointsAtTable: pointsAtTable, tableAddress: table,
      leafAddress: leaf, tableReserved: tableReserved, leafReserved: leafReserved,
      rights: RightsRules(write: write, user: user, execute: execute))
  }
}

/// The 8-byte entries of PAE, 4-level and 5-level paging.
private struct LongFormat {
  let reserved: UInt64
  let encryption: UInt64
  let features: ProcessorFeatures

  init(_ given: ProcessorFeatures, alwaysReserved: UInt64) {
    var features = given
    features.physicalAddressBits = min(max(given.physicalAddressBits, 32), 52)
    features.encryptionBit = given.encryptionBit.flatMap {
      ProcessorFeatures.encryptionBits.contains($0) ? $0 : nil
    }
    self.features = features
    encryption = features.encryptionBit.map { bits($0, through: $0) } ?? 0
    let aboveMaximum = bits(features.physicalAddressBits, through: 51)
    reserved = (aboveMaximum | alwaysReserved | (features.noExecute ? 0 : 1 << 63)) & ~encryption
  }

  func address(from lowBit: Int) -> AddressFormat {
    AddressFormat(
      mask: bits(lowBit, through: features.physicalAddressBits - 1) & bits(0, through: 51) & ~encryption)
  }

  private func level(
    _ name: String, shift: Int, pointsAtTable: BitTest, tableReserved: UInt64 = 0, leafReserved: UInt64 = 0,
    tableFields: [EntryField], leafFields: [EntryField]
  ) -> PagingLevel {
    // Bits that the mode reserves are not software fields; the encryption bit is a field of the processor.
    let named = { (fields: [EntryField]) in
      guard !fields.isEmpty else { return fields }
      let usable = fields.filter { $0.mask & (reserved | encryption) == 0 }
      guard let bit = features.encryptionBit else { return usable }
      let encrypted = EntryField("C", bit, .encryption, "encrypted memory", clear: "not encrypted")
      return (usable + [encrypted]).sorted { $0.lowBit < $1.lowBit }
    }
    return PagingLevel(
      name: name, shift: shift, indexBits: 9,
      format: AccessRules().format(
        entrySize: 8, pointsAtTable: pointsAtTable, table: address(from: 12), leaf: address(from: shift),
        tableReserved: tableReserved | reserved, leafReserved: leafReserved | reserved),
      tableFields: named(tableFields), leafFields: named(leafFields))
  }

  /// A level without leaves: bit 7 is reserved.
  func upper(_ name: String, shift: Int) -> PagingLevel {
    level(
      name, shift: shift, pointsAtTable: .always, tableReserved: 1 << 7,
      tableFields: Fields.table(address: address(from: 12), bitSeven: .reserved, hasUpperBits: true),
      leafFields: [])
  }

  var pointers: PagingLevel { huge("PDPT", shift: 30) }
  var directory: PagingLevel { huge("PD", shift: 21) }

  private func huge(_ name: String, shift: Int) -> PagingLevel {
    level(
      name, shift: shift, pointsAtTable: .clear(7), leafReserved: bits(13, through: shift - 1),
      tableFields: Fields.table(address: address(from: 12), bitSeven: .pageSize, hasUpperBits: true),
      leafFields: Fields.leaf(address: address(from: shift), hasUpperBits: true, features))
  }

  var table: PagingLevel {
    level(
      "PT", shift: 12, pointsAtTable: .never, tableFields: [],
      leafFields: Fields.leaf(address: address(from: 12), hasUpperBits: true, features))
  }
}

/// The fields of x86 entries (SDM Vol. 3A, Tables 4-5 to 4-20).
private enum Fields {
  private static let present = EntryField("P", 0, .present, "present", clear: "not present")
  private static let permissions = [
    EntryField("R/W", 1, .write, "writable", clear: "read only"),
    EntryField("U/S", 2, .user, "user", clear: "supervisor only"),
  ]
  private static let caching = [
    EntryField("PWT", 3, .memoryType, "write-through"),
    EntryField("PCD", 4, .memoryType, "cache disabled"),
  ]
  private static let accessed = EntryField("A", 5, .accessed, "accessed", clear: "not accessed")
  private static let executeDisable = EntryField("XD", 63, .executeDisable, "no execute", clear: "executable")

  private static func available(_ numbers: ClosedRange<Int>) -> [EntryField] {
    numbers.map { EntryField("AVL\($0)", $0, .available, "set by software") }
  }

  private static let pageSize = EntryField(
    "PS", 7, .pageSize, "maps a page", clear: "points at a table")

  /// The groups of adjacent address bits: the encryption bit may split them.
  private static func address(_ bits: UInt64, _ meaning: String) -> [EntryField] {
    var fields: [EntryField] = []
    var rest = bits
    while rest != 0 {
      let low = rest.trailingZeroBitCount
      let length = (~(rest >> UInt64(low))).trailingZeroBitCount
      fields.append(EntryField("address", low, through: low + length - 1, .address, meaning))
      rest &= ~fields[fields.count - 1].mask
    }
    return fields
  }

  /// `bitSeven`: the purpose of bit 7, which depends on the level and the mode.
  static func table(address format: AddressFormat, bitSeven: FieldRole, hasUpperBits: Bool) -> [EntryField] {
    let seven =
      switch bitSeven {
      case .pageSize: [pageSize]
      case .reserved: [EntryField("reserved", 7, .reserved, "must be 0")]
      default: available(7...7)
      }
    return [present] + permissions + caching + [accessed] + available(6...6) + seven + available(8...11)
      + address(format.mask, "table") + (hasUpperBits ? available(52...62) + [executeDisable] : [])
  }

  static func leaf(
    address format: AddressFormat, hasUpperBits: Bool, _ features: ProcessorFeatures
  ) -> [EntryField] {
    let isHuge = format.mask & 1 << 12 == 0
    let pat = [EntryField("PAT", isHuge ? 12 : 7, .memoryType, "page attribute table, index bit 2")]
    let dirty = EntryField("D", 6, .dirty, "dirty", clear: "not written")
    let global = EntryField("G", 8, .global, "global", clear: "not global")
    let protectionKey = EntryField("PKEY", 59, through: 62, .protectionKey, "protection key")
    let high = address(format.highMask, "").map { field in
      EntryField("PSE-36", field.lowBit, through: field.highBit, field.role, "frame bits from 32 on")
    }
    return [present] + permissions + caching + [accessed, dirty] + (isHuge ? [pageSize] : pat) + [global]
      + available(9...11)
      + EntryField.copyOnWrite(features.copyOnWrite, [.hyperlight: .hyperlightCopyOnWrite])
      + (isHuge ? pat : []) + high + address(format.mask, "frame")
      + (hasUpperBits ? available(52...58) + [protectionKey, executeDisable] : [])
  }

  static func paeRoot(address format: AddressFormat) -> [EntryField] {
    let accessed = EntryField("A", 5, .accessed, "set by an emulator; reserved in the manual")
    let reserved = EntryField("reserved", 1, through: 2, .reserved, "must be 0; emulators ignore it")
    return [present, reserved] + caching + [accessed] + available(9...11) + address(format.mask, "table")
  }
}

extension BitTest {
  /// Hyperlight's copy-on-write mark on x86: of the three software bits, only the first is set, whether or not the
  /// leaf is writable (`PTE_AVL_MASK` and `PAGE_AVL_COW` in its `vmem.rs`).
  public static let hyperlightCopyOnWrite = BitTest(mask: 0xe00, value: 0x200)
}
