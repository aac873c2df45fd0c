import PageTables

/// What an entry's bits mean to the guest's kernel, where that is more than their meaning to the hardware.
package struct EntryMeaning: Hashable, Sendable {
  /// What a non-present entry keeps: `swap type 0, offset 0x12`, `PROT_NONE`, `migration to frame 0x1234000`; nil
  /// where the hardware's reading says everything.
  package let summary: String?
  /// Whether it refers to a place in swap space.
  package let isSwapped: Bool
  /// The frame that it still refers to, though the hardware does not use it: PROT_NONE, migration.
  package let frame: PhysicalAddress?
  /// Bits with the kernel's names for them, lowest first: `soft-dirty`, `uffd-wp`, `special`.
  package let bits: [Bit]

  package struct Bit: Hashable, Sendable {
    /// The lowest bit of the field, and the number of its bits.
    package let position: Int
    package let width: Int
    package let name: String
    package let value: UInt64

    package init(position: Int, width: Int, name: String, value: UInt64) {
      self.position = position
      self.width = width
      self.name = name
      self.value = value
    }
  }

  /// The same, without its frame where `isNone` says that it is not one.
  func withoutFrame(where isNone: (PhysicalAddress) -> Bool) -> EntryMeaning {
    guard let frame, isNone(frame) else { return self }
    return EntryMeaning(summary: summary, isSwapped: isSwapped, frame: nil, bits: bits)
  }

  package init(summary: String?, isSwapped: Bool = false, frame: PhysicalAddress?, bits: [Bit]) {
    self.summary = summary
    self.isSwapped = isSwapped
    self.frame = frame
    self.bits = bits
  }
}
