import PageTables

/// Where Linux places its own parts on one architecture, as far as no symbol says so. Each architecture is one
/// value.
struct LinuxArchitecture: Sendable {
  /// The paging schemes that its kernels use, by name. The kernel itself says which one: the first whose
  /// `NUMBER(chosenBy)` is 1 in VMCOREINFO, otherwise those without `chosenBy`.
  let schemes: [(name: String, chosenBy: String?)]
  /// The address that the image is linked to, separate from the direct map, and the highest address of image and
  /// modules; nil where the image runs inside the direct map.
  let image: ClosedRange<UInt64>?
  /// VMCOREINFO's name for the distance from the image's link address to its physical address.
  let imageOffset: String?
  /// Bytes of code and data from the image's start on, where it runs inside the direct map.
  let imageLength: UInt64
  /// Where the direct map may start; empty where the kernel chooses at random.
  let directMapStarts: [UInt64]
  /// The kernel's variables that hold the starts of randomly placed parts.
  let placedParts: [(kind: KernelRegion.Kind, variable: String)]
  /// Parts at fixed addresses; the ends are exclusive.
  let fixedParts: [(kind: KernelRegion.Kind, start: UInt64, end: UInt64)]
  /// The last page of the fixed maps, which grow downwards; nil where its address is not fixed.
  let fixmapTop: UInt64?
  /// Where the two copies of a root lie under page-table isolation; nil where no kernel has them.
  let isolatedRoots: IsolatedRoots?

  /// The kernel's names for its own root, the best one first.
  static let rootSymbols = ["init_top_pgt", "swapper_pg_dir"]

  /// Roots that the kernel uses before its own, and that remain in its image.
  static let earlyRootSymbols = ["initial_page_table", "early_top_pgt"]

  /// `Documentation/arch/x86/x86_64/mm.rst` and `5level-paging.rst` of the kernel.
  static let x86_64 = LinuxArchitecture(
    schemes: [("x86-64-la57", "pgtable_l5_enabled"), ("x86-64", nil)],
    image: 0xffff_ffff_8000_0000...0xffff_ffff_feff_ffff, imageOffset: "phys_base", imageLength: 0,
    directMapStarts: [],
    placedParts: [(.directMap, "page_offset_base"), (.pageArray, "vmemmap_base")],
    fixedParts: [
      (.cpuEntryArea, 0xffff_fe00_0000_0000, 0xffff_fe80_0000_0000),
      (.espfix, 0xffff_ff00_0000_0000, 0xffff_ff80_0000_0000),
      (.efi, 0xffff_ffef_0000_0000, 0xffff_ffff_0000_0000),
    ],
    // Below the large page for legacy system calls.
    fixmapTop: 0xffff_ffff_ff7f_f000,
    // `PTI_PGTABLE_SWITCH_BIT`: the user's copy is the page after the kernel's.
    isolatedRoots: IsolatedRoots(userBit: 1 << 12))

  /// 32-bit kernels, with and without physical address extension. A build option (`CONFIG_VMSPLIT_*`) decides where
  /// they split the address space; the first start is the one that all distributions use.
  static let x86_32 = LinuxArchitecture(
    schemes: [("x86-pae", nil), ("x86-32", nil)], image: nil, imageOffset: nil, imageLength: 48 << 20,
    directMapStarts: [0xc000_0000, 0x8000_0000, 0x4000_0000, 0xb000_0000, 0x7800_0000],
    placedParts: [], fixedParts: [], fixmapTop: nil, isolatedRoots: nil)

  static let all = [x86_64, x86_32]

  /// The architecture whose kernels use a scheme; nil for schemes that Linux is not known to use.
  static func of(_ scheme: PagingScheme) -> LinuxArchitecture? {
    all.first { $0.schemes.contains { $0.name == scheme.name } }
  }
}
