import PageTables

/// The file formats, with the names that `--format` takes.
public enum ImageFormat: String, CaseIterable, Sendable {
  case elf, raw, lime, avml, kdump

  static var listOfNames: String { "ELF core, LiME, AVML, kdump-compressed, LKCD or Xen core" }
}

/// The physical place of an address in an ELF core that has only virtual addresses.
public struct LinearPlace: Hashable, Sendable {
  /// Guest-virtual address of the first byte.
  public var virtual: VirtualAddress
  /// The physical address of that byte.
  public var physical: PhysicalAddress

  /// States that the byte at `virtual` lies at `physical`.
  public init(_ virtual: VirtualAddress, _ physical: PhysicalAddress) {
    self.virtual = virtual
    self.physical = physical
  }
}

/// What a user may specify about a source. Not needed where the file has headers.
public struct SourceOptions: Hashable, Sendable {
  /// Nil means: recognize the format by the file's content.
  public var format: ImageFormat?
  /// Raw only: the physical address of the file's first byte (`--base`).
  public var base: UInt64 = 0
  /// Raw only: physical ranges that the file omits. The file continues with the first byte after the hole.
  public var holes: [PhysicalRange] = []
  /// Raw only: the file is the RAM of a PC, as in QEMU's backing file; this is the number of its bytes below 4 GiB
  /// (where the PCI hole starts). The rest of the file lies at 4 GiB and above. QEMU's q35 has 2 GiB below when it
  /// has 2.75 GiB of RAM or more; its i440fx 3 GiB when it has 3.5 GiB or more; otherwise nothing lies above.
  public var layoutPC: UInt64?
  /// ELF cores without physical addresses only: where segments lie, by an address in each one that is known
  /// (`--linear`).
  public var linear: [LinearPlace] = []

  /// Omitted options are unspecified.
  public init(
    format: ImageFormat? = nil, base: UInt64 = 0, holes: [PhysicalRange] = [], layoutPC: UInt64? = nil,
    linear: [LinearPlace] = []
  ) {
    self.format = format
    self.base = base
    self.holes = holes
    self.layoutPC = layoutPC
    self.linear = linear
  }

  /// Whether any option says where raw bytes lie, which makes sense only for a raw file.
  package var describesRaw: Bool { base != 0 || !holes.isEmpty || layoutPC != nil }
}
