/// What differs between processors and settings within one paging mode.
public struct ProcessorFeatures: Hashable, Sendable {
  /// MAXPHYADDR; address bits from here to 51 are reserved (SDM Vol. 3A, 4.1.4). Values outside 32...52 count as the
  /// nearest of these.
  public var physicalAddressBits = 52
  /// The bit that AMD memory encryption takes from the address (APM Vol. 2, 7.10), if any. A bit that is none of
  /// `encryptionBits` counts as none.
  public var encryptionBit: Int?
  /// The bits that `encryptionBit` can be: address bits that 32-bit machines do not have.
  public static let encryptionBits = 32...51
  /// CR4.PSE: without it, bit 7 of a 32-bit PDE is ignored.
  public var pageSizeExtension = true
  /// EFER.NXE: without it, bit 63 is reserved.
  public var noExecute = true
  /// CR0.WP: without it, the supervisor may write read-only pages (SDM Vol. 3A, 4.6.1).
  public var writeProtect = true
  /// The address bits that the tables translate, where a scheme leaves that open (Arm: 64 minus `T0SZ`); nil means the
  /// most that it allows.
  public var virtualAddressBits: Int?
  /// `MAIR_EL1`, whose bytes say which memory types the leaves' numbers stand for (Arm: `AttrIndx`), if known.
  public var memoryAttributes: UInt64?
  /// The bits by which software marks pages that are copied at the first write, if known.
  public var copyOnWrite: CopyOnWriteConvention?

  /// A processor with all features of the mode, and without memory encryption.
  public init() {}
}
