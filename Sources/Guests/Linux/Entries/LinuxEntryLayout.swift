import PageTables

/// What Linux keeps in the bits of an entry that the processor leaves to software, for one entry format.
///
/// A value per format, as the kernel's headers have it: `arch/x86/include/asm/pgtable_types.h`,
/// `pgtable_64.h`, `pgtable-3level.h`, `pgtable-2level.h`. The formats are the same from 5.10 to 6.12; what
/// came later uses bits that were free before.
struct LinuxEntryLayout: Hashable, Sendable {
  /// A software bit and its name.
  struct Flag: Hashable, Sendable {
    let bit: Int
    let name: String
  }

  /// Bits of a swap entry's number.
  struct Number: Hashable, Sendable {
    let shift: Int
    let width: Int
    /// Whether the bits are kept inverted, so that a speculative load finds no cached line (L1TF).
    let isInverted: Bool

    func value(in raw: UInt64) -> UInt64 {
      ((isInverted ? ~raw : raw) >> UInt64(shift)) & (1 &<< UInt64(width) &- 1)
    }
  }

  /// Which entries keep a frame though they are not present, where a leaf has it: PROT_NONE, and a huge page whose
  /// mapping is being split. In such entries the other bits mean what they mean in a present one.
  let isFrameInverted: Bool
  let protNone: BitTest
  let splitting: BitTest
  let swapType: Number
  let swapOffset: Number
  /// Bits of the offset that are a frame's number where the entry stands for one; above them may stand whether
  /// the page was used and written.
  let frameBits: Int
  let swapFlags: [Flag]
  /// Of a leaf that maps a frame.
  let leafFlags: [Flag]
}

extension LinuxEntryLayout {
  private static let notPresent = BitTest(mask: 0x101, value: 0x100)
  private static let invalid = BitTest(mask: 0x181, value: 0x80)
  private static let longType = Number(shift: 59, width: 5, isInverted: false)
  private static let longOffset = Number(shift: 9, width: 50, isInverted: true)
  private static let special = Flag(bit: 9, name: "special")

  /// Entries of 4 and 5 levels.
  ///
  /// - Parameters:
  ///   - hasSavedDirty: kernels with support for shadow stacks (6.6) keep a dirty bit of their own where older
  ///     ones marked device memory, which moved one bit down.
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

  /// PAE keeps its swap entries as the 64-bit kernels do. No 32-bit kernel tracks soft-dirty pages or write
  /// protection by userfaultfd, so the own dirty bit stands where those have theirs.
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

  /// The layouts by the names of their paging schemes.
  ///
  /// - Parameter hasSavedDirty: nil where it is not known; those bits have no name then.
  static func all(hasSavedDirty: Bool?) -> [String: LinuxEntryLayout] {
    [
      "x86-64": long(hasSavedDirty: hasSavedDirty, frameBits: 34),
      "x86-64-la57": long(hasSavedDirty: hasSavedDirty, frameBits: 40),
      "x86-pae": pae(hasSavedDirty: hasSavedDirty),
      "x86-32": short(hasSavedDirty: hasSavedDirty),
    ]
  }
}
