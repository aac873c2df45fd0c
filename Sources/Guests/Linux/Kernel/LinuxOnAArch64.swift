import PageTables

/// AArch64, by page size and address bits: what the kernel's options allow (`ARM64_VA_BITS_*` in
/// `arch/arm64/Kconfig`), and what a kernel built for 52 bits falls back to.
extension LinuxArchitecture {
  static let aarch64: [LinuxArchitecture] =
    [39, 48, 52].map { aarch64(.kib4, addressBits: $0) }
    + [36, 47, 48, 52].map { aarch64(.kib16, addressBits: $0) }
    + [42, 48, 52].map { aarch64(.kib64, addressBits: $0) }

  /// `Documentation/arch/arm64/memory.rst` and `arch/arm64/include/asm/memory.h` of the kernel: the direct map has
  /// the lower half of the window, modules, image and vmalloc begin where it ends. With 52 bits that is where it
  /// would end with 48.
  private static func aarch64(_ granule: AArch64.Granule, addressBits: Int) -> LinuxArchitecture {
    let scheme = AArch64.paging(
      granule, isWide: addressBits == AArch64.wideAddressBits, virtualAddressBits: addressBits)
    let half = UInt64(1) << UInt64(min(addressBits, AArch64.usualAddressBits.upperBound) - 1)
    return LinuxArchitecture(
      schemes: [
        (scheme.name, ["PAGESIZE": 1 << Int64(granule.rawValue), "TCR_EL1_T1SZ": Int64(64 - addressBits)])
      ],
      image: (0 &- half)...UInt64.max, imagePlaces: [.distance("kimage_voffset")], imageLength: 0,
      directMapStarts: [], placedParts: [], fixedParts: [], toldParts: toldParts, fixmapTop: nil,
      isolatedRoots: nil)
  }

  /// VMCOREINFO tells where the page array lies. What lies beside it has changed places together with it.
  private static let toldParts:
    @Sendable (Vmcoreinfo) -> [(kind: KernelRegion.Kind, start: UInt64, end: UInt64)] = { info in
      guard let first = info.numbers["VMEMMAP_START"], let last = info.numbers["VMEMMAP_END"] else {
        return []
      }
      let (start, end) = (UInt64(bitPattern: first), UInt64(bitPattern: last))
      guard start < end, start >= 1 << 63 else { return [] }
      let (mib, portBytes) = (UInt64(1) << 20, UInt64(16) << 20)
      let ports: UInt64
      let fixmapTop: UInt64
      switch 0 &- end {
      case 1 << 30:
        // The page array ends 1 GiB below the top; ports and fixed maps follow it.
        (ports, fixmapTop) = (end &+ 8 * mib, 0 &- 8 * mib)
      case 2 * mib:
        // The page array ends 2 MiB below the top.
        ports = start &- 2 * mib &- portBytes
        fixmapTop = ports &- 2 * mib
      default:
        (ports, fixmapTop) = (start &- 8 * mib &- portBytes, start &- 32 * mib)
      }
      // The fixed maps grow downwards; the largest holds the device tree's 4 MiB.
      return [
        (.pageArray, start, end), (.ports, ports, ports &+ portBytes),
        (.fixmap, fixmapTop &- 6 * mib, fixmapTop),
      ]
    }
}
