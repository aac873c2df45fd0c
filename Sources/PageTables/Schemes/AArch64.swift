/// The stage 1 translation of AArch64's EL1&0 regime, VMSAv8-64 (Arm Architecture Reference Manual, DDI 0487,
/// Chapter D8 "The AArch64 Virtual Memory System Architecture").
///
/// A leaf whose access flag is clear is shown as what it maps, with `AF` clear: the processor either sets the flag
/// by itself, or faults at the first access (D8.5.1). What is writable follows `AP[2]` alone: a leaf with `DBM` set
/// may become writable in hardware (D8.5.2), which is a flag, no right. Bits that the manual calls RES0 do not fault,
/// and are passed over.
public enum AArch64 {
  /// The bytes in a page and in every table but the root (D8.1.8).
  public enum Granule: Int, CaseIterable, Sendable {
    /// 4 KiB.
    case kib4 = 12
    /// 16 KiB.
    case kib16 = 14
    /// 64 KiB.
    case kib64 = 16

    /// log2 of the entries in a table.
    var indexBits: Int { rawValue - 3 }
    /// As in the names of schemes and in `TG0`: `4k`.
    fileprivate var shortName: String { "\(1 << (rawValue - 10))k" }
    /// How `TCR_EL1` speaks of 52-bit addresses with this granule.
    fileprivate var wideName: String { self == .kib64 ? "lpa" : "lpa2" }

    /// The address bits that a window can have: with FEAT_TTST `T0SZ` goes up to 48, but to 47 with 64 KiB, whose last
    /// level has no fewer than two entries; 52 bits take `TCR_EL1.DS`, but with 64 KiB FEAT_LVA alone, whatever
    /// descriptors hold (D8.2.5, and `AArch64.S1MaxTxSZ` and `AArch64.S1MinTxSZ` of the manual's pseudocode).
    fileprivate func addressBits(isWide: Bool) -> ClosedRange<Int> {
      let fewest = self == .kib64 ? usualAddressBits.lowerBound + 1 : usualAddressBits.lowerBound
      return fewest...(isWide || self == .kib64 ? wideAddressBits : usualAddressBits.upperBound)
    }
  }

  /// The fewest and the most address bits that a window translates without 52-bit addresses: `T0SZ` 48 and 16
  /// (D8.2.5, "Input address size configuration").
  public static let usualAddressBits = 16...48
  /// Virtual and physical address bits with FEAT_LVA and FEAT_LPA, or FEAT_LPA2.
  public static let wideAddressBits = 52

  /// The tables of one granule.
  ///
  /// - Parameters:
  ///   - isWide: whether descriptors hold 52-bit addresses: FEAT_LPA with 64 KiB, `TCR_EL1.DS` with the others.
  ///   - virtualAddressBits: 64 minus `TnSZ`; by default 48, or 52 where descriptors hold 52-bit addresses. A number
  ///     that the granule does not allow counts as the nearest that it does.
  public static func paging(
    _ granule: Granule, isWide: Bool = false, virtualAddressBits: Int? = nil,
    _ features: ProcessorFeatures = ProcessorFeatures()
  ) -> PagingScheme {
    let usual = isWide ? wideAddressBits : usualAddressBits.upperBound
    let allowed = granule.addressBits(isWide: isWide)
    let addressBits = min(max(virtualAddressBits ?? usual, allowed.lowerBound), allowed.upperBound)
    let family = "aarch64-\(granule.shortName)" + (isWide ? "-\(granule.wideName)" : "")
    let title =
      "AArch64 \(granule.shortName.uppercased())" + (isWide ? " \(granule.wideName.uppercased())" : "")
      + ", \(addressBits)-bit"
    let descriptors = Descriptors(granule: granule, isWide: isWide, features)
    let levels = descriptors.levels(addressBits: addressBits)
    // A root is aligned to its size; where it may lie above 48 bits, to 64 bytes at least (`TTBR0_EL1.BADDR`).
    let alignment = max(levels[0].tableSize, isWide ? 64 : PagingScheme.leastAlignment)
    let inPlace = bits(alignment.trailingZeroBitCount, through: 47)
    return PagingScheme(
      name: addressBits == usual ? family : "\(family)-\(addressBits)", family: family, title: title,
      virtualAddressBits: addressBits, isSignExtended: false, rootRegister: "TTBR0_EL1",
      upperRootRegister: "TTBR1_EL1",
      // Bit 55 selects the register (D8.2.1); TCR_EL1.TBI0 and TBI1 have bits 63:56 ignored (D8.8, "Address tagging"),
      // and pointer authentication keeps a code in what is left (D8.9).
      pointerTags: PointerTags(selectingBit: 55, tag: 56...63),
      // Bits 63:48 are the ASID, bit 0 is CnP; with 52-bit addresses bits 5:2 are bits 51:48 of the root's.
      rootAddress: isWide
        ? AddressFormat(mask: inPlace, highMask: bits(2, through: 5), highShift: 46)
        : AddressFormat(mask: inPlace),
      rootAlignment: alignment, levels: levels, userWritableIsNeverExecutedBySupervisor: true)
  }

  /// Each granule with as many address bits as it usually has, without and with 52-bit addresses.
  public static func all(_ features: ProcessorFeatures = ProcessorFeatures()) -> [PagingScheme] {
    [false, true].flatMap { isWide in
      Granule.allCases.map {
        paging($0, isWide: isWide, virtualAddressBits: features.virtualAddressBits, features)
      }
    }
  }

  /// The scheme of a name as `--paging` takes it: `aarch64-4k`, or with its address bits, `aarch64-4k-39`.
  public static func named(
    _ name: String, _ features: ProcessorFeatures = ProcessorFeatures()
  ) -> PagingScheme? {
    for isWide in [true, false] {
      for granule in Granule.allCases {
        let family = paging(granule, isWide: isWide).family
        if name == family {
          return paging(granule, isWide: isWide, virtualAddressBits: features.virtualAddressBits, features)
        }
        guard name.hasPrefix(family + "-"),
          let addressBits = Int(name.dropFirst(family.utf8.count + 1)),
          granule.addressBits(isWide: isWide).contains(addressBits)
        else { continue }
        return paging(granule, isWide: isWide, virtualAddressBits: addressBits, features)
      }
    }
    return nil
  }
}

/// The descriptors of one granule, with 48-bit or 52-bit output addresses (D8.3, "Translation table descriptor
/// formats").
private struct Descriptors {
  let granule: AArch64.Granule
  let isWide: Bool
  private(set) var features: ProcessorFeatures

  init(granule: AArch64.Granule, isWide: Bool, _ given: ProcessorFeatures) {
    self.granule = granule
    self.isWide = isWide
    features = given
    features.physicalAddressBits = min(max(given.physicalAddressBits, 32), AArch64.wideAddressBits)
  }

  /// From the level whose index holds the top address bit; that table may be short (D8.2.6 to D8.2.8, "Translation
  /// using the 4KB, 16KB, 64KB translation granule").
  func levels(addressBits: Int) -> [PagingLevel] {
    let first = 3 - (addressBits - granule.rawValue - 1) / granule.indexBits
    return (first...3).map { number in
      let shift = shift(number)
      return level(number, indexBits: min(granule.indexBits, addressBits - shift))
    }
  }

  /// log2 of the bytes that an entry of a level covers.
  private func shift(_ number: Int) -> Int { granule.rawValue + granule.indexBits * (3 - number) }

  /// The first level with blocks: 1 GiB, or 512 GiB with 52-bit addresses; 32 MiB, or 64 GiB; 512 MiB, or 4 TiB.
  private var firstLevelWithBlocks: Int {
    let usual = granule == .kib4 ? 1 : 2
    return isWide ? usual - 1 : usual
  }

  /// Where a descriptor holds an address whose lowest bit is `low` (D8.3.1): bits 51:48 in bits 15:12 with FEAT_LPA;
  /// bits 49:48 in place and 51:50 in bits 9:8 with FEAT_LPA2.
  private func address(from low: Int) -> AddressFormat {
    let limit = features.physicalAddressBits - 1
    guard isWide else { return AddressFormat(mask: bits(low, through: min(47, limit))) }
    return granule == .kib64
      ? AddressFormat(
        mask: bits(low, through: min(47, limit)), highMask: bits(12, through: min(15, limit - 36)),
        highShift: 36)
      : AddressFormat(
        mask: bits(low, through: min(49, limit)), highMask: bits(8, through: min(9, limit - 42)),
        highShift: 42)
  }

  /// The bits of such an address that lie above what the machine has: where one is set, an Address size fault (D8.2.4).
  private func aboveMaximum(from low: Int) -> UInt64 {
    var unlimited = features
    unlimited.physicalAddressBits = AArch64.wideAddressBits
    let widest = Descriptors(granule: granule, isWide: isWide, unlimited)
    return widest.address(from: low).allBits & ~address(from: low).allBits
  }

  /// How many entries bit 52 speaks of: 16 with 4 KiB; 128 pages or 32 blocks of level 2 with 16 KiB; 32 with 64 KiB. In
  /// the larger blocks that 52-bit addresses allow, the bit is RES0 (D8.7, the Contiguous bit). The processor sets AF
  /// and clears AP[2] in one of the entries alone (D8.5), and software may keep something of each in the bits that the
  /// processor ignores.
  private func contiguousHint(_ number: Int) -> ContiguousForm? {
    let entryBits: [Int?] =
      switch granule {
      case .kib4: [nil, 4, 4, 4]
      case .kib16: [nil, nil, 5, 7]
      case .kib64: [nil, nil, 5, 5]
      }
    guard entryBits.indices.contains(number), let entryBits = entryBits[number] else { return nil }
    return ContiguousForm(test: .set(52), entryBits: entryBits, changing: 1 << 7 | 1 << 10 | 0b1111 << 55)
  }

  private func level(_ number: Int, indexBits: Int) -> PagingLevel {
    let isLast = number == 3
    let hasLeaves = isLast || number >= firstLevelWithBlocks
    let shift = shift(number)
    let (table, leaf) = (address(from: granule.rawValue), address(from: shift))
    // Bits 1:0 are 11 in a table or page descriptor and 01 in a block descriptor; where the level has no blocks, and
    // at the last one, 01 is reserved and faults.
    let block = BitTest(mask: 3, value: 1)
    let format = EntryFormat(
      entrySize: 8, present: .set(0), pointsAtTable: isLast ? .never : .set(1),
      faulty: isLast || !hasLeaves ? FaultyForms([block]) : .none, tableAddress: table, leafAddress: leaf,
      tableReserved: aboveMaximum(from: granule.rawValue), leafReserved: aboveMaximum(from: shift),
      rights: Descriptors.rights, contiguousHint: contiguousHint(number))
    return PagingLevel(
      name: "L\(number)", shift: shift, indexBits: indexBits, format: format,
      tableFields: isLast ? [] : DescriptorFields.table(address: table),
      leafFields: hasLeaves
        ? DescriptorFields.leaf(
          address: leaf, isBlock: !isLast, holdsShareability: !isWide || granule == .kib64,
          contiguousHint: contiguousHint(number), features)
        : [])
  }

  /// Direct permissions of leaves (D8.4.1), and the limits of tables to all below them (D8.4.2): what AP[2:1], UXN
  /// and PXN, APTable, UXNTable and PXNTable forbid. AP[1] says nothing of execution: without UXN, EL0 may execute
  /// what it may not read.
  private static let rights = RightsRules(
    read: AccessRule(.always), write: AccessRule(table: .clear(62), leaf: .clear(7)),
    execute: AccessRule(table: .clear(59), leaf: .clear(53)),
    userRead: AccessRule(table: .clear(61), leaf: .set(6)),
    userWrite: AccessRule(
      table: BitTest(mask: 3 << 61, value: 0), leaf: BitTest(mask: 3 << 6, value: 1 << 6)),
    userExecute: AccessRule(table: .clear(60), leaf: .clear(54)))
}

/// The fields of descriptors (D8.3.1 and D8.3.2), in the manual's words.
private enum DescriptorFields {
  private static let valid = EntryField("Valid", 0, .present, "valid", clear: "invalid")

  /// The low group of address bits, and the high ones where a descriptor holds them elsewhere.
  private static func address(_ format: AddressFormat, _ meaning: String) -> (
    high: [EntryField], low: [EntryField]
  ) {
    func field(_ mask: UInt64, _ name: String) -> [EntryField] {
      guard mask != 0 else { return [] }
      return [
        EntryField(
          name, mask.trailingZeroBitCount, through: 63 - mask.leadingZeroBitCount, .address, meaning)
      ]
    }
    return (field(format.highMask, "address high"), field(format.mask, "address"))
  }

  /// The memory type by its number, or by its name where the register is known that says which it is.
  private static func memoryType(_ attributes: UInt64?) -> EntryField {
    guard let attributes else {
      return EntryField("AttrIndx", 2, through: 4, .memoryType, "memory type, index into MAIR_EL1")
    }
    let names = MemoryAttributes(raw: attributes).names
    return EntryField(
      "AttrIndx", 2, through: 4, .memoryType, "by MAIR_EL1", clear: "by MAIR_EL1", values: names,
      isNamedByRegister: true)
  }

  static func table(address format: AddressFormat) -> [EntryField] {
    let address = address(format, "table")
    return [valid, EntryField("Table", 1, .pageSize, "points at a table", clear: "maps a block")]
      + address.high + address.low + [
        EntryField("PXNTable", 59, .supervisorExecuteDisable, "no execution at EL1 below"),
        EntryField("UXNTable", 60, .userExecuteDisable, "no execution at EL0 below"),
        EntryField("APTable[0]", 61, .user, "no access from EL0 below"),
        EntryField("APTable[1]", 62, .write, "read only below"),
        EntryField("NSTable", 63, .memoryType, "non-secure below"),
      ]
  }

  /// - Parameter holdsShareability: whether bits 9:8 are SH; with FEAT_LPA2 they are address bits, and `TCR_EL1` holds
  ///   the shareability.
  static func leaf(
    address format: AddressFormat, isBlock: Bool, holdsShareability: Bool, contiguousHint: ContiguousForm?,
    _ features: ProcessorFeatures
  ) -> [EntryField] {
    let address = address(format, "frame")
    let first = [
      valid,
      isBlock
        ? EntryField("Table", 1, .pageSize, "points at a table", clear: "maps a block")
        : EntryField("Page", 1, .pageSize, "maps a page", clear: "reserved"),
      memoryType(features.memoryAttributes),
      EntryField("NS", 5, .memoryType, "non-secure"),
      EntryField("AP[1]", 6, .user, "access from EL0", clear: "EL1 only"),
      EntryField("AP[2]", 7, .write, "read only", clear: "writable"),
    ]
    let shareability = EntryField("SH", 8, through: 9, .memoryType, "shareability: 2 outer, 3 inner")
    let middle = [
      EntryField("AF", 10, .accessed, "accessed", clear: "not accessed: set by the processor, or a fault"),
      EntryField("nG", 11, .global, "not global", clear: "global", isInverted: true),
    ]
    // The two groups of address bits lie on either side of these.
    let isHighBelow = format.highMask & bits(8, through: 9) != 0
    let low =
      first + (holdsShareability ? [shareability] : isHighBelow ? address.high : []) + middle
      + (isHighBelow ? [] : address.high)
      + (isBlock ? [EntryField("nT", 16, .hint, "not yet to be cached while its size changes")] : [])
    let contiguous =
      contiguousHint.map {
        [EntryField("Contiguous", 52, .hint, "one of \(1 << $0.entryBits) that a TLB may hold as one")]
      } ?? []
    let software = (55...58).map { EntryField("SW\($0)", $0, .available, "set by software") }
    return low + address.low + [
      EntryField("GP", 50, .hint, "guarded: branches must land on BTI"),
      EntryField("DBM", 51, .hint, "the processor makes it writable at the first write"),
      EntryField(
        "dirty", .dirty, "written to: DBM is set, and AP[2] no longer",
        where: BitTest(mask: 1 << 51 | 1 << 7, value: 1 << 51)),
    ] + contiguous + [
      EntryField("PXN", 53, .supervisorExecuteDisable, "no execution at EL1", clear: "executable at EL1"),
      EntryField("UXN", 54, .userExecuteDisable, "no execution at EL0", clear: "executable at EL0"),
    ] + software
      + EntryField.copyOnWrite(features.copyOnWrite, [.hyperlight: .hyperlightCopyOnWriteOfAArch64])
      + [EntryField("PBHA", 59, through: 62, .hint, "page-based hardware attributes")]
  }
}

extension BitTest {
  /// Hyperlight's copy-on-write mark on AArch64: of the four software bits 58:55, only the first is set.
  public static let hyperlightCopyOnWriteOfAArch64 = BitTest(mask: 0xf << 55, value: 1 << 55)
}
