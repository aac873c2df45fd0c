import PageTables

/// The file formats, by the names that `--format` takes.
public enum ImageFormat: String, CaseIterable, Sendable {
  case elf, raw, lime, avml, kdump

  static var listOfNames: String { "ELF core, LiME, AVML, kdump-compressed, LKCD or Xen core" }
}

/// Where an address of an ELF core that has virtual addresses only lies in physical memory.
public struct LinearPlace: Hashable, Sendable {
  /// Guest-virtual address of the first byte.
  public var virtual: VirtualAddress
  /// Where that byte lies in physical memory.
  public var physical: PhysicalAddress

  /// Says that the byte at `virtual` lies at `physical`.
  public init(_ virtual: VirtualAddress, _ physical: PhysicalAddress) {
    self.virtual = virtual
    self.physical = physical
  }
}

/// What a user may say about a source. Nothing is needed where the file has headers.
public struct SourceOptions: Hashable, Sendable {
  /// Nil: told by the file's content.
  public var format: ImageFormat?
  /// Raw only: the physical address of the file's first byte (`--base`).
  public var base: UInt64 = 0
  /// Raw only: physical ranges that the file leaves out. The file goes on with the first byte after the hole.
  public var holes: [PhysicalRange] = []
  /// Raw only: the file is the RAM of a PC, as in QEMU's backing file; this is the bytes of it below 4 GiB
  /// (where the PCI hole starts). The rest of the file lies at 4 GiB and above. QEMU's q35 has 2 GiB there
  /// when it has 2.75 GiB of RAM or more; its i440fx 3 GiB when it has 3.5 GiB or more; else nothing lies
  /// above.
  public var layoutPC: UInt64?
  /// ELF cores without physical addresses only: where segments lie, an address of each that is known (`--linear`).
  public var linear: [LinearPlace] = []

  /// Options that are left out say nothing.
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

  /// Whether anything says where raw bytes lie, which only makes sense for a raw file.
  var describesRaw: Bool { base != 0 || !holes.isEmpty || layoutPC != nil }
}
