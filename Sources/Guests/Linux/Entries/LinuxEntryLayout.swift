import PageTables

/// What Linux keeps in those bits of an entry that the processor leaves to software, for one entry format.
///
/// One value per format, following the kernel's headers: `arch/x86/include/asm/pgtable_types.h`, `pgtable_64.h`,
/// `pgtable-3level.h`, `pgtable-2level.h`; `arch/riscv/include/asm/pgtable.h`, `pgtable-bits.h`. x86's formats are the same from 5.10 to 6.12; later additions use bits
/// that were free before.
struct LinuxEntryLayout: Hashable, Sendable {
  /// A software bit and its name.
  struct Flag: Hashable, Sendable {
    let bit: Int
    let name: String
  }

  /// The position of a number in a swap entry.
  struct Number: Hashable, Sendable {
    let shift: Int
    let width: Int
    /// Whether the bits are stored inverted, so that a speculative load finds no cached line (L1TF).
    let isInverted: Bool

    func value(in raw: UInt64) -> UInt64 {
      ((isInverted ? ~raw : raw) >> UInt64(shift)) & (1 &<< UInt64(width) &- 1)
    }
  }

  /// Which entries keep a frame, in the same bits as a leaf, though they are not present: PROT_NONE, and a huge
  /// page whose mapping is being split. The other bits of such entries have the same meaning as in a present one.
  let isFrameInverted: Bool
  let protNone: BitTest
  let splitting: BitTest
  let swapType: Number
  let swapOffset: Number
  /// Bits of the offset that hold a frame number, in entries that keep one; higher bits may say whether the page
  /// was accessed and dirty.
  let frameBits: Int
  let swapFlags: [Flag]
  /// The flags of a leaf that maps a frame.
  let leafFlags: [Flag]
  /// What an entry of the kernel's half that passes `protNone` is called, where there are such.
  var protNoneOfKernel: String?
}

extension LinuxEntryLayout {
  private static let notPresent = BitTest(mask: 0x101, value: 0x100)
  private static let invalid = BitTest(mask: 0x181, value: 0x80)
  private static let longType = Number(shift: 59, width: 5, isInverted: false)
  private static let longOffset = Number(shift: 9, width: 50, isInverted: true)
  private static let special = Flag(bit: 9, name: "special")

  /// Entries of 4-level and 5-level paging.
  ///
  /// - Parameters:
  ///   - hasSavedDirty: kernels with support for shadow stacks (6.6) keep a dirty bit of their own in the place
  ///     where older ones marked device memory; that mark moved one bit down.
  ///   - frameBits: from `MAX_PHYSMEM_BITS`.
  private static func long(hasSavedDirty: Bool?, frameBits: Int) -> LinuxEntryLayout {
    let high: [Flag] =
      switch hasSavedDirty {
      case true: [Flag(bit: 57, name: "devmap"), Flag(bit: 58, name: "saved-dirty")]
      case false: [Flag(bit: 58, name: "devmap")]
      default: []
      }
    return LinuxEntryLayout(
      isFrameInverted: true, protNone: notPresent, splitting: invalid,
      swapType: longType, swapOffset: longOffset, frameBits: frameBits,
      swapFlags: [
        Flag(bit: 1, name: "soft-dirty"), Flag(bit: 2, name: "uffd-wp"), Flag(bit: 3, name: "exclusive"),
      ],
      leafFlags: [special, Flag(bit: 10, name: "uffd-wp"), Flag(bit: 11, name: "soft-dirty")] + high)
  }

  /// PAE kernels store swap entries as the 64-bit kernels do. No 32-bit kernel tracks soft-dirty pages or write
  /// protection by userfaultfd, so the kernel's own dirty bit takes the place of those.
  private static func pae(hasSavedDirty: Bool?) -> LinuxEntryLayout {
    LinuxEntryLayout(
      isFrameInverted: true, protNone: notPresent, splitting: invalid,
      swapType: longType, swapOffset: longOffset, frameBits: 27,
      swapFlags: [Flag(bit: 7, name: "exclusive")],
      leafFlags: hasSavedDirty == true ? [special, Flag(bit: 10, name: "saved-dirty")] : [special])
  }

  /// Entries of 4 bytes have no room for an inverted frame.
  private static func short(hasSavedDirty: Bool?) -> LinuxEntryLayout {
    LinuxEntryLayout(
      isFrameInverted: false, protNone: notPresent, splitting: invalid,
      swapType: Number(shift: 1, width: 5, isInverted: false),
      swapOffset: Number(shift: 9, width: 23, isInverted: false), frameBits: 23,
      swapFlags: [Flag(bit: 7, name: "exclusive")],
      leafFlags: hasSavedDirty == true ? [special, Flag(bit: 10, name: "saved-dirty")] : [special])
  }

  /// Where AArch64's kernels keep the numbers of a swap entry (`arch/arm64/include/asm/pgtable.h`).
  enum SwapOnAArch64: Hashable, Sendable {
    /// Without a mark of pages that are one process's alone, up to 5.18.
    case plain
    /// With that mark.
    case exclusive
    /// With one of userfaultfd, too, and with bit 11 clear: since 6.10 the mark of entries that keep a frame.
    case clearOfGlobal
  }

  /// Entries of AArch64, of all granules (`arch/arm64/include/asm/pgtable-prot.h` and `pgtable.h`).
  ///
  /// Entries that keep a frame have had several marks: bit 58 or 59, and since 6.10 bit 11, where nG is. All of them
  /// have nG and PXN set, as user pages have; those without access UXN, too, and AP[1] clear, which is how newer
  /// kernels tell them. No offset in swap space reaches bit 53.
  private static func aarch64(_ swap: SwapOnAArch64) -> LinuxEntryLayout {
    let valid: UInt64 = 1
    let (user, notGlobal): (UInt64, UInt64) = (1 << 6, 1 << 11)
    let (privileged, unprivileged): (UInt64, UInt64) = (1 << 53, 1 << 54)
    let type: Number
    let flags: [Flag]
    // The same release gave bit 58 another meaning: before, it marked PROT_NONE.
    let writeProtected = swap == .clearOfGlobal ? [Flag(bit: 58, name: "uffd-wp")] : []
    switch swap {
    case .plain:
      type = Number(shift: 2, width: 6, isInverted: false)
      flags = []
    case .exclusive:
      type = Number(shift: 3, width: 5, isInverted: false)
      flags = [Flag(bit: 2, name: "exclusive")]
    case .clearOfGlobal:
      type = Number(shift: 6, width: 5, isInverted: false)
      flags = [Flag(bit: 2, name: "exclusive"), Flag(bit: 3, name: "uffd-wp")]
    }
    return LinuxEntryLayout(
      isFrameInverted: false,
      protNone: BitTest(
        mask: valid | user | notGlobal | privileged | unprivileged,
        value: notGlobal | privileged | unprivileged),
      splitting: BitTest(mask: valid | notGlobal | privileged, value: notGlobal | privileged),
      swapType: type,
      swapOffset: Number(shift: swap == .clearOfGlobal ? 12 : 8, width: 50, isInverted: false),
      frameBits: 40, swapFlags: flags,
      leafFlags: [
        Flag(bit: 55, name: "dirty"), Flag(bit: 56, name: "special"), Flag(bit: 57, name: "devmap"),
      ] + writeProtected)
  }

  /// RISC-V: PROT_NONE is the global bit without V; a huge page being split keeps R or W without both. Swap entries have
  /// neither; bit 6 became the exclusive mark in 6.3, when type and offset moved up. Since 6.19 a processor with
  /// Svrsw60t59b gives the kernel bits 59 and 60, and swap entries have the same marks where leaves have X and U. All of
  /// the kernel's pages have the global bit: those of its half without V were taken out of its mapping, as
  /// `set_direct_map_invalid_noflush` does.
  private static func riscv(offsetWidth: Int, frameBits: Int) -> LinuxEntryLayout {
    LinuxEntryLayout(
      isFrameInverted: false, protNone: BitTest(mask: 0x21, value: 0x20), splitting: .any(of: 0x6),
      swapType: Number(shift: 7, width: 5, isInverted: false),
      swapOffset: Number(shift: 12, width: offsetWidth, isInverted: false), frameBits: frameBits,
      swapFlags: [
        Flag(bit: 3, name: "soft-dirty"), Flag(bit: 4, name: "uffd-wp"), Flag(bit: 6, name: "exclusive"),
      ],
      leafFlags: [
        Flag(bit: 8, name: "special"), Flag(bit: 59, name: "soft-dirty"), Flag(bit: 60, name: "uffd-wp"),
      ],
      protNoneOfKernel: "not present")
  }

  /// The layouts, by the families of their paging schemes.
  ///
  /// - Parameters:
  ///   - hasSavedDirty: nil where unknown; the bits concerned then have no names.
  ///   - swapOnAArch64: by default as in most kernels.
  static func all(
    hasSavedDirty: Bool?, swapOnAArch64: SwapOnAArch64 = .exclusive
  ) -> [String: LinuxEntryLayout] {
    let aarch64 = aarch64(swapOnAArch64)
    return [
      "x86-64": long(hasSavedDirty: hasSavedDirty, frameBits: 34),
      "x86-64-la57": long(hasSavedDirty: hasSavedDirty, frameBits: 40),
      "x86-pae": pae(hasSavedDirty: hasSavedDirty),
      "x86-32": short(hasSavedDirty: hasSavedDirty),
      "aarch64-4k": aarch64, "aarch64-16k": aarch64, "aarch64-64k": aarch64,
      "aarch64-4k-lpa2": aarch64, "aarch64-16k-lpa2": aarch64, "aarch64-64k-lpa": aarch64,
      "riscv-sv57": riscv(offsetWidth: 52, frameBits: 44),
      "riscv-sv48": riscv(offsetWidth: 52, frameBits: 44),
      "riscv-sv39": riscv(offsetWidth: 52, frameBits: 44),
      "riscv-sv32": riscv(offsetWidth: 20, frameBits: 20),
    ]
  }
}
