import PageTables

/// Where Linux places its own parts on one architecture, as far as no symbol says so. Each architecture is one
/// value.
struct LinuxArchitecture: Sendable {
  /// The paging schemes that its kernels use, by name. The kernel itself says which one: the first whose numbers in
  /// VMCOREINFO all have these values, otherwise those without any.
  let schemes: [(name: String, chosenBy: [String: Int64])]
  /// The address that the image is linked to, separate from the direct map, and the highest address of image and
  /// modules; nil where the image runs inside the direct map.
  let image: ClosedRange<UInt64>?
  /// How VMCOREINFO tells where the image lies in physical memory: the ways of newer kernels first.
  let imagePlaces: [ImagePlace]
  /// Bytes of code and data from the image's start on, where it runs inside the direct map.
  let imageLength: UInt64
  /// Where the direct map may start; empty where the kernel chooses at random.
  let directMapStarts: [UInt64]
  /// The kernel's variables that hold the starts of randomly placed parts.
  let placedParts: [(kind: KernelRegion.Kind, variable: String)]
  /// Parts at fixed addresses; the ends are exclusive.
  let fixedParts: [(kind: KernelRegion.Kind, start: UInt64, end: UInt64)]
  /// The parts that follow from numbers in VMCOREINFO; the ends are exclusive.
  var toldParts: @Sendable (Vmcoreinfo) -> [(kind: KernelRegion.Kind, start: UInt64, end: UInt64)] = { _ in []
  }
  /// The last page of the fixed maps, which grow downwards; nil where its address is not fixed.
  let fixmapTop: UInt64?
  /// Where the two copies of a root lie under page-table isolation; nil where no kernel has them.
  let isolatedRoots: IsolatedRoots?

  /// A number in VMCOREINFO from which the image's place in physical memory follows.
  enum ImagePlace: Sendable {
    /// The physical address of the byte that is linked to the start of `image`.
    case start(String)
    /// The distance from physical to virtual addresses.
    case distance(String)
  }

  /// The kernel's names for its own root, the best one first.
  static let rootSymbols = ["init_top_pgt", "swapper_pg_dir"]

  /// Roots that the kernel uses before its own, and that remain in its image.
  static let earlyRootSymbols = [
    "initial_page_table", "early_top_pgt", "early_pg_dir", "trampoline_pg_dir",
  ]

  /// `Documentation/arch/x86/x86_64/mm.rst` and `5level-paging.rst` of the kernel.
  static let x86_64 = LinuxArchitecture(
    schemes: [("x86-64-la57", ["pgtable_l5_enabled": 1]), ("x86-64", [:])],
    image: 0xffff_ffff_8000_0000...0xffff_ffff_feff_ffff, imagePlaces: [.start("phys_base")], imageLength: 0,
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
    schemes: [("x86-pae", [:]), ("x86-32", [:])], image: nil, imagePlaces: [], imageLength: 48 << 20,
    directMapStarts: [0xc000_0000, 0x8000_0000, 0x4000_0000, 0xb000_0000, 0x7800_0000],
    placedParts: [], fixedParts: [], fixmapTop: nil, isolatedRoots: nil)

  /// `Documentation/arch/riscv/vm-layout.rst` of the kernel.
  static let riscvSv57 = riscv(
    "riscv-sv57", addressBits: 57, fixmap: 0xff1b_ffff_fea0_0000, pageArray: 0xff1c_0000_0000_0000,
    vmalloc: 0xff20_0000_0000_0000, directMap: 0xff60_0000_0000_0000, shadow: 0xffdf_0000_0000_0000)

  /// 48-bit addresses, from the same document.
  static let riscvSv48 = riscv(
    "riscv-sv48", addressBits: 48, fixmap: 0xffff_8d7f_fea0_0000, pageArray: 0xffff_8d80_0000_0000,
    vmalloc: 0xffff_8f80_0000_0000, directMap: 0xffff_af80_0000_0000, shadow: 0xffff_ef80_0000_0000)

  /// 39-bit addresses, from the same document.
  static let riscvSv39 = riscv(
    "riscv-sv39", addressBits: 39, fixmap: 0xffff_ffc4_fea0_0000, pageArray: 0xffff_ffc5_0000_0000,
    vmalloc: 0xffff_ffc6_0000_0000, directMap: 0xffff_ffd6_0000_0000, shadow: 0xffff_fff7_0000_0000)

  /// The parts below the direct map follow each other; the fixed maps have 6 MiB, PCI's ports the 16 MiB below the
  /// page array.
  private static func riscv(
    _ scheme: String, addressBits: Int64, fixmap: UInt64, pageArray: UInt64, vmalloc: UInt64,
    directMap: UInt64, shadow: UInt64
  ) -> LinuxArchitecture {
    LinuxArchitecture(
      schemes: [(scheme, ["VA_BITS": addressBits])],
      image: 0xffff_ffff_8000_0000...0xffff_ffff_ffff_ffff,
      imagePlaces: [.distance("va_kernel_pa_offset"), .start("phys_ram_base")], imageLength: 0,
      directMapStarts: [], placedParts: [],
      fixedParts: [
        (.fixmap, fixmap, fixmap + 0x60_0000), (.ports, pageArray - 0x100_0000, pageArray),
        (.pageArray, pageArray, vmalloc), (.kasan, shadow, 0xffff_ffff_0000_0000),
      ],
      fixmapTop: nil, isolatedRoots: nil)
  }

  static let all = [x86_64, x86_32, riscvSv57, riscvSv48, riscvSv39] + aarch64

  /// The architecture whose kernels use a scheme; nil for schemes that Linux is not known to use.
  static func of(_ scheme: PagingScheme) -> LinuxArchitecture? {
    all.first { $0.schemes.contains { $0.name == scheme.name } }
  }

  /// The physical addresses at which VMCOREINFO may say that a symbol of the image lies; none where the image has no
  /// place of its own.
  func places(of symbol: UInt64, _ info: Vmcoreinfo) -> [PhysicalAddress] {
    guard let image, image.contains(symbol) else { return [] }
    return imagePlaces.compactMap { place in
      switch place {
      case .start(let name):
        info.numbers[name].map { PhysicalAddress(symbol &- image.lowerBound &+ UInt64(bitPattern: $0)) }
      case .distance(let name):
        info.numbers[name].map { PhysicalAddress(symbol &- UInt64(bitPattern: $0)) }
      }
    }
  }
}
