import PageTables

/// Where Linux has its own parts on one kind of processor: what no symbol tells, as values. Another architecture is
/// another value.
struct LinuxArchitecture: Sendable {
  /// The paging schemes that its kernels use, by name; of those a kernel says itself which one, `NUMBER(...)=1`
  /// in its VMCOREINFO choosing one before the first that stands without.
  let schemes: [(name: String, chosenBy: String?)]
  /// Where the image is linked to, apart from the direct map, and up to where it and modules may reach; nil where
  /// it runs inside the direct map.
  let image: ClosedRange<UInt64>?
  /// What VMCOREINFO calls the distance from the image's place at link time to its physical address.
  let imageOffset: String?
  /// Bytes of code and data behind the image's start, where it runs inside the direct map.
  let imageLength: UInt64
  /// Where the direct map may start; empty where the kernel chooses at random.
  let directMapStarts: [UInt64]
  /// The kernel's variables that say where parts start which it places at random.
  let placedParts: [(kind: KernelRegion.Kind, variable: String)]
  /// Parts at fixed places, the ends not included.
  let fixedParts: [(kind: KernelRegion.Kind, start: UInt64, end: UInt64)]
  /// The last page of the fixed maps, which grow down from it; nil where that is not fixed.
  let fixmapTop: UInt64?
  /// Where the two copies of a root lie under page-table isolation; nil where kernels have none.
  let isolatedRoots: IsolatedRoots?

  /// What the kernel calls its own root, the best name first.
  static let rootSymbols = ["init_top_pgt", "swapper_pg_dir"]

  /// Roots that it has before its own, and that stay in its image.
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
    // Below the large page of the old system calls.
    fixmapTop: 0xffff_ffff_ff7f_f000,
    // `PTI_PGTABLE_SWITCH_BIT`: the user's copy is the page behind the kernel's.
    isolatedRoots: IsolatedRoots(userBit: 1 << 12))

  /// 32-bit kernels, with and without physical address extension. Where they split the address space is chosen
  /// when they are built (`CONFIG_VMSPLIT_*`); the first is all distributions'.
  static let x86_32 = LinuxArchitecture(
    schemes: [("x86-pae", nil), ("x86-32", nil)], image: nil, imageOffset: nil, imageLength: 48 << 20,
    directMapStarts: [0xc000_0000, 0x8000_0000, 0x4000_0000, 0xb000_0000, 0x7800_0000],
    placedParts: [], fixedParts: [], fixmapTop: nil, isolatedRoots: nil)

  static let all = [x86_64, x86_32]

  /// The one whose kernels use a scheme; nil for schemes that no Linux is known to use.
  static func of(_ scheme: PagingScheme) -> LinuxArchitecture? {
    all.first { $0.schemes.contains { $0.name == scheme.name } }
  }
}
